"""`python -m tests.rooms.trust.small_world`: in the configured place, a centre with one resident whose every word is
known, so that it can be looked for where it must not be. Ends as a power cut would: nothing is closed or tidied."""

import io
import logging
import os
import threading
from datetime import datetime, timedelta

import django
from django.test import RequestFactory
from openpyxl import Workbook

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
django.setup()

from yishe.care import notes  # noqa: E402 - rooms can be imported only now
from yishe.doors.api import problems  # noqa: E402
from yishe.doors.cli.main import _unexpected  # noqa: E402
from yishe.doors.cli.main import main as yishe  # noqa: E402
from yishe.doors.web import answers, import_desk  # noqa: E402
from yishe.lab import founding  # noqa: E402
from yishe.loops import promises  # noqa: E402
from yishe.people import import_, residents, search  # noqa: E402
from yishe.people.actors import SYSTEM, Actor, actor_of  # noqa: E402
from yishe.people.cards import cards  # noqa: E402
from yishe.trust import clock  # noqa: E402

PRIVATE = {
    "name": "欧阳秋月白",
    "id_number": "110102194703057866",
    "phone": "13986271504",
    "address": "翠屏巷七十三号院丙单元",
    "record_number": "11010200300104629",
    "note": "老伴去年过世后整夜睡不着",
    "report": "自述常把药藏在米缸里",
    "detail": "提起弟弟欠债时哽咽许久",
    "imported": "司徒望北归",
    "imported_phone": "13752960481",
}


def main() -> None:
    assert yishe(["migrate"]) == 0
    now = clock.now()
    made = founding.district(now - timedelta(days=2))
    place, team = next(iter(made.teams.items()))
    centre = made.offices[made.centres[place]]
    doctor, social = (actor_of(made.holders(team, duty)[0]) for duty in ("family_doctor", "social_worker"))
    said = {f: PRIVATE[f] for f in ("name", "id_number", "phone", "address", "record_number")}
    contract = {"team": made.offices[team], "doctor": doctor.staff_id, "social_worker": social.staff_id}
    where = residents.register(SYSTEM, {**said, **contract}, now - timedelta(days=1), centre=centre)
    promises.promise(
        doctor, kind="referral.doctor_to_social_worker", resident=where.resident, reason="D06", note=PRIVATE["note"],
        at=now, command_id="small-1",
    )  # fmt: skip
    notes.record(
        social, where.resident, stage="planning", text=PRIVATE["report"], restricted=PRIVATE["detail"], at=now,
        command_id="small-2",
    )  # fmt: skip
    for query in (PRIVATE["name"], PRIVATE["phone"], PRIVATE["id_number"][-4:]):
        assert search.find(doctor, query, now)
    assert cards([where.subject])[where.subject].name == PRIVATE["name"]
    assert import_.run(SYSTEM, _roster(), at=now, centre=centre).counts["created"] == 1
    _brought(actor_of(made.holders(team, "team_lead")[0]), now)
    _failed()
    os._exit(0)


def _roster() -> bytes:
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["姓名", "联系电话", "住址"])
    sheet.append([PRIVATE["imported"], PRIVATE["imported_phone"], PRIVATE["address"]])
    book.save(file)
    return file.getvalue()


def _brought(actor: Actor, at: datetime) -> None:
    """An upload that somebody looked at and left lying."""
    import_desk.receive(actor, f"{PRIVATE['imported']}.xlsx", _roster(), at)
    for thread in threading.enumerate():
        if thread.name.startswith("import "):
            thread.join()


def _failed() -> None:
    """Errors that name a person, where they are logged: by a page, by the API, by a command."""
    fault = ValueError(f"cannot read {PRIVATE['name']} {PRIVATE['phone']} {PRIVATE['id_number']}")
    request = RequestFactory().get("/residents", {"q": PRIVATE["name"]})
    assert answers.answer(request, fault).status_code == 500
    assert problems.of_fault(fault).status_code == 500
    logging.getLogger("yishe").error("left by %s of %s", PRIVATE["phone"], PRIVATE["id_number"])
    _unexpected(fault)


if __name__ == "__main__":
    main()
