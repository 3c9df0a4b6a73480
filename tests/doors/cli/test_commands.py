"""Every command ends with 0 only when all is well, says one line when it refuses, and never shows a traceback."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import psycopg
import pytest

from tests.doors.cli.conftest import PACKS, Here, Yishe
from yishe.trust import root_key

CHINESE = re.compile("[一-鿿]")


def refused(done: object, code: int = 1) -> str:
    """The reason, after checking that there is one, in Chinese, and nothing on standard output."""
    assert done.returncode == code  # type: ignore[attr-defined]
    assert done.stdout == ""  # type: ignore[attr-defined]
    said = str(done.stderr.strip())  # type: ignore[attr-defined]
    assert CHINESE.search(said), said
    return said


def test_migrating_twice_changes_nothing_and_keeps_the_key(tmp_path: Path) -> None:
    yishe = Yishe(tmp_path / "new" / "folder")
    assert yishe.run("migrate").returncode == 0
    key = (yishe.home / "secret.key").read_bytes()
    assert (yishe.home / "secret.key").stat().st_mode & 0o077 == 0
    assert yishe.run("migrate").returncode == 0
    assert (yishe.home / "secret.key").read_bytes() == key


def test_nothing_starts_before_migrating(tmp_path: Path) -> None:
    yishe = Yishe(tmp_path)
    for command in (["serve"], ["worker"], ["demo", "load"], ["tick"]):
        assert "yishe migrate" in refused(yishe.run(*command))


def test_nothing_starts_without_the_right_key(empty: Yishe) -> None:
    key = empty.home / "secret.key"
    key.rename(empty.home / "old.key")
    assert "密钥" in refused(empty.run("serve"))
    assert "密钥" in refused(empty.run("migrate"))
    root_key.create(key)
    assert "不是一对" in refused(empty.run("worker"))


def test_nothing_starts_without_the_guards(empty: Yishe) -> None:
    with sqlite3.connect(empty.home / "yishe.sqlite3") as database:
        (name,) = database.execute("SELECT name FROM sqlite_master WHERE type='trigger' LIMIT 1").fetchone()
        database.execute(f'DROP TRIGGER "{name}"')
    assert "触发器" in refused(empty.run("serve"))
    assert empty.run("migrate").returncode == 0


def test_nothing_starts_on_broken_packs(empty: Yishe, tmp_path: Path) -> None:
    broken = tmp_path / "base"
    shutil.copytree(PACKS / "base", broken)
    (broken / "duties.yaml").write_text("duties: 3\n")
    assert "duties.yaml" in refused(empty.run("serve", YISHE_PACKS=str(broken)))
    assert "duties.yaml" in refused(empty.run("tick", YISHE_PACKS=str(broken)))


@pytest.mark.parametrize(
    "words",
    [
        [], ["nothing"], ["tick", "--at", "tomorrow"], ["serve", "--port", "0"], ["demo", "load", "--residents", "-1"],
        ["people", "import"], ["token", "create"],
        ["report", "closing", "--since", "2026-02-30"], ["ledger", "burn"],
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_two(here: Here, words: list[str]) -> None:
    done = here.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage:" in done.stderr


def test_an_empty_database_refuses_in_words(here: Here) -> None:
    assert "nobody" in refused(here.run("token", "create", "--staff", "nobody"))
    assert "演示库" in refused(here.run("tick", "--at", "2030-01-01T09:00"))
    assert "演示库" in refused(here.run("demo", "accounts"))
    assert here.run("tick").returncode == 0
    verified = here.json("ledger", "verify")
    assert (verified["ok"], verified["entries"], verified["broken"]) == (True, 0, None)
    assert here.json("ledger", "rebuild") == {
        "ok": True,
        "loops": 0,
        "consents": 0,
        "contracts": 0,
        "attempts": 0,
        "plans": 0,
        "classes": 0,
        "differences": [],
    }


def test_words_for_a_share_and_a_place_that_cannot_be_read(here: Here) -> None:
    for words in (
        ["--refold", "0"],
        ["--refold", "120%"],
        ["--refold", "viel"],
        ["--after", "7"],
        ["--after", "a:b"],
    ):
        done = here.run("ledger", "verify", *words)
        assert done.returncode == 2, words
    told = here.json("ledger", "verify", "--refold", "1%", "--processes", "2")
    assert (told["ok"], told["refolded"], told["differences"]) == (True, 0, [])


def test_packs_are_checked_tested_described(here: Here, tmp_path: Path) -> None:
    assert here.json("pack", "check")["ok"]
    assert here.json("pack", "test", str(PACKS / "xicheng"))["failed"] == 0
    assert "duties.yaml" in here.run("pack", "schema").stdout
    assert "孤独" in here.run("pack", "explain", "D12").stdout
    assert refused(here.run("pack", "check", str(tmp_path)))
    file = str(PACKS / "base" / "loops" / "medication.acknowledgement.yaml")
    assert here.json("pack", "check", file)["packs"][0]["id"] == "base"
    assert "用药变更知悉" in here.run("pack", "explain", file).stdout
    assert set(here.json("pack", "schema", file)) == {"loops/<loop kind>.yaml"}
    assert "duties.yaml" in here.json("pack", "schema", str(PACKS / "base"))
    broken = tmp_path / "base"
    shutil.copytree(PACKS / "base", broken)
    (broken / "teams.yaml").write_text("nonsense: 1\n")
    found = here.run("pack", "check", str(broken), "--json")
    assert found.returncode == 1
    assert "teams.yaml:1" in found.stdout


def test_a_database_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    yishe = Yishe(tmp_path)
    done = yishe.run("tick", YISHE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert "数据库" in refused(done) or "密钥" in done.stderr


def test_the_demo_lists_who_can_sign_in_and_gives_them_tokens(demo: Yishe) -> None:
    rows = demo.json("demo", "accounts")
    assert rows
    assert all(set(row) >= {"username", "password", "duties", "team", "centre"} for row in rows)
    token = demo.run("token", "create", "--staff", rows[0]["username"])
    assert re.fullmatch(r"\S+\n", token.stdout)
    assert refused(demo.run("demo", "load"))


def test_the_demo_clock_goes_forward_only_and_does_what_is_due(demo: Yishe) -> None:
    now = demo.json("tick")["at"]
    later = demo.json("tick", "--at", "2099-01-05T09:00:00+08:00")
    assert later["at"] > now
    assert later["events"] > 0
    assert later["stuck"] == []
    assert demo.json("tick")["events"] == 0
    assert "向前" in refused(demo.run("tick", "--at", "2098-01-01"))


def test_the_demo_ledger_holds_and_replays(demo: Yishe) -> None:
    verified = demo.json("ledger", "verify", "--processes", "2", "--refold", "100%")
    assert (verified["ok"], verified["differences"]) == (True, [])
    assert verified["refolded"] > 100
    assert demo.json("ledger", "rebuild")["differences"] == []


def test_the_demo_report_counts(demo: Yishe) -> None:
    report = demo.json("report", "closing", "--since", "2026-01-01", "--until", "2098-12-31")
    assert report["total"]["sent"]["count"] > 0
    assert "按时闭环" in demo.run("report", "closing").stdout


def test_an_edit_behind_the_ledger_is_found(demo: Yishe) -> None:
    edit = "UPDATE trust_entry SET kind = 'accepted' WHERE recorded_at = (SELECT max(recorded_at) FROM trust_entry)"
    if demo.database:
        with psycopg.connect(demo.database) as database:
            database.execute("ALTER TABLE trust_entry DISABLE TRIGGER USER")
            database.execute(edit)
            database.execute("ALTER TABLE trust_entry ENABLE TRIGGER USER")
    else:
        with sqlite3.connect(demo.home / "yishe.sqlite3") as database:
            database.execute('DROP TRIGGER "trust_entry_no_update"')
            database.execute(edit)
    found = demo.run("ledger", "verify", "--processes", "2", "--json")
    assert found.returncode == 1
    assert '"broken": {' in found.stdout


def test_a_command_that_fails_answers_in_json_when_asked_to(here: Here, tmp_path: Path) -> None:
    for words in (
        ["tick", "--at", "2030-01-01T00:00"],
        ["demo", "accounts"],
        ["pack", "check", str(tmp_path)],
    ):
        done = here.run(*words, "--json")
        said = json.loads(done.stdout)
        assert (done.returncode, said["ok"]) == (1, False), words
        assert CHINESE.search(said["title"]), words
    missing = here.run("people", "import", str(tmp_path / "none.xlsx"), "--json")
    assert missing.returncode == 1
    assert json.loads(missing.stdout)["problems"][0]["reason"]
    unready = Yishe(tmp_path / "nothing").run("report", "closing", "--json")
    assert (unready.returncode, json.loads(unready.stdout)["ok"]) == (1, False)


def test_an_empty_database_takes_in_its_own_staff_and_residents(here: Here, tmp_path: Path) -> None:
    staff, people = tmp_path / "staff.csv", tmp_path / "people.csv"
    staff.write_text("姓名,职责,中心,团队,账号\n王清明,家庭医生,新街中心,一队,wangqm\n", encoding="utf-8")
    people.write_text("姓名,出生日期,电话,团队\n张小满,1950-03-05,13800138000,一队\n", encoding="gbk")
    said = here.json("people", "import", str(staff))
    assert (said["created"], set(said["passwords"])) == (1, {"wangqm"})
    assert here.json("people", "import", str(people))["created"] == 1
    assert here.run("token", "create", "--staff", "wangqm").stdout.startswith("ys_")
    assert here.json("people", "centre", "后街中心")["name"] == "后街中心"
    assert here.run("report", "closing", "--since", "2026-01-01T08:00:00+08:00").returncode == 0
