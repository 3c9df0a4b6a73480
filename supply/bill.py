"""The software bill of materials as CycloneDX 1.5: everything the product runs on, with versions, licences and what needs
what. The hashes of the files stand in requirements.lock."""

import hashlib
import json
import re
from importlib.metadata import requires, version
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from supply import checks, locks
from supply.locks import Locked

PATH = locks.ROOT / "docs" / "sbom.json"
WITHIN = {
    "htmx": ("django-htmx", "0BSD", "htmx.org"),
    "lucide-icons": ("lucide", "ISC", "lucide.dev"),
}
"""What comes inside a library and is served to browsers: name → (library, licence, where it is at home)."""


def text() -> str:
    """The bill as it is kept in docs/sbom.json. The same locks give the same bytes."""
    run = locks.read(locks.RUN)
    names = {one.name for one in run}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, hashlib.sha256(locks.RUN.read_bytes()).hexdigest())}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "yishe", "name": "yishe", "version": version("yishe"),
                                   "licenses": [{"expression": "Apache-2.0"}]}},
        "components": [*(_component(one) for one in run), *(_within(name) for name in WITHIN)],
        "dependencies": [
            {"ref": "yishe", "dependsOn": sorted(_needed("yishe", names))},
            *({"ref": one.name, "dependsOn": sorted(_needed(one.name, names))} for one in run),
        ],
    }  # fmt: skip
    return json.dumps(bill, ensure_ascii=False, indent=1) + "\n"


def _component(one: Locked) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": one.name,
        "name": one.name,
        "version": one.version,
        "purl": f"pkg:pypi/{one.name}@{one.version}",
        "licenses": [{"expression": checks.licence_of(one.name)}],
    }  # fmt: skip


def _within(name: str) -> dict[str, Any]:
    library, licence, home = WITHIN[name]
    return {
        "type": "library", "bom-ref": name, "name": name, "licenses": [{"expression": licence}],
        "description": f"served to browsers; comes within {library}; {home}",
    }  # fmt: skip


def _needed(name: str, known: set[str]) -> set[str]:
    """What a library asks for without extras, as far as it is in the lock."""
    asked = [one for one in requires(name) or () if "extra ==" not in one]
    found = {re.sub(r"[-_.]+", "-", re.split(r"[\s;<>=!~\[(]", one, maxsplit=1)[0]).lower() for one in asked}
    return found & known
