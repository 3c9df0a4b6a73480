"""Under which licence a library comes: what it says of itself, as SPDX writes it."""

import re
from importlib.metadata import metadata

_CLASSIFIED = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_WORDED = {
    "Apache 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
}


def of(name: str) -> str:
    """The expression, the field or the classifiers, in this order; "" when it says nothing."""
    said = metadata(name)
    if said["License-Expression"]:
        return str(said["License-Expression"])
    field = (said["License"] or "").strip()
    if re.fullmatch(r"[A-Za-z0-9.+-]+", field) and field not in ("UNKNOWN", "BSD"):
        return field
    if field in _WORDED:
        return _WORDED[field]
    names = [
        one.split(" :: ")[-1] for one in said.get_all("Classifier") or () if one.startswith("License ::")
    ]
    return " AND ".join(dict.fromkeys(_CLASSIFIED[one] for one in names if one in _CLASSIFIED))


def parts(expression: str) -> list[set[str]]:
    """Alternatives that must each be met: `A AND (B OR C)` is [{A}, {B, C}]."""
    return [
        {one.strip(" ()") for one in part.split(" OR ")}
        for part in re.split(r"\s+AND\s+", expression)
        if part.strip(" ()")
    ]
