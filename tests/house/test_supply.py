"""What the product is made of is written down, pinned, hashed, and of licences we may use; asked without a network."""

import json
from pathlib import Path

import pytest
from supply import bill, checks, licences, locks


def test_every_library_meets_the_rules() -> None:
    assert not checks.faults()


def test_the_bill_of_materials_is_that_of_the_lock() -> None:
    kept = json.loads(bill.PATH.read_text(encoding="utf-8"))
    assert kept == json.loads(bill.text()), "run `make sbom`"
    assert {one["name"] for one in kept["components"]} == {
        *(one.name for one in locks.read(locks.RUN)),
        *bill.WITHIN,
    }
    assert all(one["licenses"][0]["expression"] for one in kept["components"])


def spoilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> list[str]:
    for name in ("RUN", "DEV"):
        text = getattr(locks, name).read_text(encoding="utf-8")
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        monkeypatch.setattr(locks, name, tmp_path / name)
    return checks.faults()


@pytest.mark.parametrize(
    ("new", "fault"),
    [("django==5.2.1 ", "older than 5.2.9"), ("django==5.1.0 ", "CVE"), ("pyyaml==5.3 ", "older")],
)
def test_a_version_known_as_bad_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: str, fault: str
) -> None:
    name = new.split("=", maxsplit=1)[0]
    old = next(f"{one.name}=={one.version} " for one in locks.read(locks.RUN) if one.name == name)
    assert any(fault in one for one in spoilt(tmp_path, monkeypatch, old, new))


def test_what_is_not_pinned_or_has_no_hash_is_found(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("django>=5.2\n")
    with pytest.raises(ValueError, match="not pinned"):
        locks.read(tmp_path / "lock")
    assert list(checks._faults_of(locks.Locked("django", "5.2.99", ()))) == ["no hash"]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("MIT", [{"MIT"}]),
        ("Apache-2.0 OR MIT", [{"Apache-2.0", "MIT"}]),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", [{"MPL-2.0"}, {"Apache-2.0", "MIT"}]),
    ],
)
def test_a_licence_expression_is_read(expression: str, found: list[set[str]]) -> None:
    assert licences.parts(expression) == found


def test_a_licence_that_binds_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.rules()["said"], "django", "AGPL-3.0-only")
    assert any("AGPL" in one for one in checks.faults())
