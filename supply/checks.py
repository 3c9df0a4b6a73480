"""The rules for libraries, asked without a network: pinned, hashed, of a licence we may use, of no version known as bad."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from supply import licences, locks
from supply.locks import Locked


@cache
def rules() -> dict[str, Any]:
    return dict(yaml.safe_load((locks.ROOT / "supply" / "rules.yaml").read_text(encoding="utf-8")))


def faults() -> list[str]:
    """Everything that breaks a rule, in words; empty when all is well."""
    run, dev = locks.read(locks.RUN), locks.read(locks.DEV)
    versions = {one.name: one.version for one in dev}
    found = [
        f"{one.name} {one.version}: tests use {versions.get(one.name)}"
        for one in run
        if versions.get(one.name) != one.version
    ]
    for one in dev:
        found += [f"{one.name} {one.version}: {fault}" for fault in _faults_of(one)]
    return found


def _faults_of(one: Locked) -> Iterator[str]:
    if not one.hashes:
        yield "no hash"
    licence = licence_of(one.name)
    if one.name not in rules()["excused"]:
        for choice in licences.parts(licence) or [set()]:
            if not choice & {*rules()["licences"], *rules()["fonts"]}:
                yield f"licence {licence or 'unknown'}"
    floor = rules()["floors"].get(one.name)
    if floor and _number(one.version) < _number(floor["from"]):
        yield f"older than {floor['from']}: {floor['because']}"
    bad = rules()["refused"].get(one.name)
    if bad and one.version in bad["versions"]:
        yield str(bad["because"])


def licence_of(name: str) -> str:
    return str(rules()["said"].get(name) or licences.of(name))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
