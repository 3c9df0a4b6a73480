"""What is supplied for running it (deploy/) names only commands, settings and neighbours that exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from yishe.doors.cli import main

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
ROLES = {"web", "live", "worker", "batch"}
OURS = ROLES | {"migrate", "metrics"}
SETTING = re.compile(r"\bYISHE_[A-Z_]+\b")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def settings_read() -> set[str]:
    """The settings that the product reads: named at the head of settings.py."""
    head = (ROOT / "src/yishe/settings.py").read_text(encoding="utf-8").split('"""')[1]
    return set(re.findall(r"^(YISHE_[A-Z_]+)", head, re.MULTILINE))


def understood(words: list[str]) -> Any:
    return main.parser(words[0]).parse_args(words)


def started_by(unit: Path) -> list[str]:
    line = next(one for one in unit.read_text(encoding="utf-8").splitlines() if one.startswith("ExecStart="))
    program, *words = shlex.split(line.removeprefix("ExecStart=").replace("%i", "8000"))
    assert program.endswith("/bin/yishe")
    return words


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_container_of_ours_starts_what_there_is(name: str) -> None:
    service = COMPOSE["services"][name]
    args = understood([str(word) for word in service["command"]])
    assert name == getattr(args, "role", None) or name == args.command
    assert set(service["environment"]) <= settings_read()
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    if name in ROLES:
        assert f"127.0.0.1:{args.port}/readyz" in " ".join(service["healthcheck"]["test"])


def test_every_role_has_a_container_and_a_unit() -> None:
    args = understood(["serve"])
    assert args.role == "all"
    started = {getattr(one, "role", one.command) for one in map(understood, map(started_by, UNITS))}
    assert started == ROLES | {"metrics"}
    assert set(COMPOSE["services"]) >= OURS


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_what_there_is_and_stops_it_gently(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    assert understood(started_by(unit)).command in ("serve", "metrics")
    assert set(SETTING.findall(text)) <= settings_read()
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    assert said["KillMode"] == "mixed", (
        "children that are told to stop with their parent lose what they have in hand"
    )
    assert said["NoNewPrivileges"] == "yes"
    assert (said["ProtectSystem"], said["CapabilityBoundingSet"]) == ("strict", "")


def test_the_settings_of_the_example_and_of_the_operator_s_guide_exist() -> None:
    for file in (DEPLOY / "environment.example", ROOT / "docs/operations.md"):
        assert set(SETTING.findall(file.read_text(encoding="utf-8"))) - settings_read() == set()


def test_the_proxy_and_the_pooler_stand_before_who_is_there() -> None:
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    asked = set(re.findall(r"server (\w+):(\d+)", nginx))
    ports = {name: str(understood([str(w) for w in COMPOSE["services"][name]["command"]]).port) for name in ("web", "live")}  # fmt: skip
    assert asked == set(ports.items())
    pooler = (DEPLOY / "pgbouncer.ini").read_text(encoding="utf-8")
    assert "pool_mode = transaction" in pooler
    environment = COMPOSE["services"]["web"]["environment"]
    assert "@pooler:6432/" in environment["YISHE_DATABASE_URL"]
    assert "listen_port = 6432" in pooler
    assert "@db:5432/" in environment["YISHE_DATABASE_DIRECT_URL"]


def test_the_image_takes_libraries_by_their_hashes_alone() -> None:
    steps = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    installs = [line for line in steps.splitlines() if "pip " in line and " install" in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", steps, re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())
