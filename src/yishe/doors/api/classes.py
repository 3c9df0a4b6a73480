"""Class and tier: what counts, why, and a doctor's correction for a time."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from yishe.care import class_reading, classes
from yishe.care.class_reading import Shows
from yishe.care.contract_stream import Once
from yishe.care.record import Record
from yishe.doors.api import life
from yishe.doors.api.bodies import NewCorrection
from yishe.doors.api.residents import identified
from yishe.doors.api.wire import caller, command
from yishe.people import sight
from yishe.policy.class_rules import CLASS, MEDICAL, SOCIAL

router = Router(tags=["residents"])


@router.get("/residents/{resident_id}/class")
def read(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """What counts, and every rule that spoke as far as the caller may know it."""
    who, placement, _ = life.seen(request, resident_id, "read.class")
    return _shown(
        class_reading.of(Record(placement.resident), sight.of(who.actor, placement, who.at), who.at)
    )


@router.post("/residents/{resident_id}/class/correction")
def correct(request: HttpRequest, resident_id: str, payload: NewCorrection) -> dict[str, Any]:
    """Another class or tier until the day before `until`; `seq` as it was read."""
    who, said = caller(request), command(request)
    steps = {
        CLASS: payload.resident_class or "",
        MEDICAL: payload.medical or "",
        SOCIAL: payload.social or "",
    }
    classes.correct(
        who.actor, identified(resident_id), steps, reason=payload.reason, until=payload.until,
        words=payload.words or "", seq=payload.seq, at=who.at, once=Once(said.id, said.digest),
    )  # fmt: skip
    return read(request, resident_id)


@router.post("/residents/{resident_id}/class/correction/end")
def uncorrect(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """The rules speak again from now on."""
    who, said = caller(request), command(request)
    classes.uncorrect(who.actor, identified(resident_id), who.at, Once(said.id, said.digest))
    return read(request, resident_id)


def _shown(one: Shows) -> dict[str, Any]:
    said = one.correction
    return {
        "tracks": [
            {"track": each.code, "step": each.step, "title": each.words, "corrected": each.corrected}
            for each in one.tracks
        ],
        "reasons": [
            {"rule": each.rule, "title": each.title, "facts": list(each.facts), "source": each.source}
            for each in one.why
        ],
        "hidden": one.hidden,
        "correction": {"reason": said.reason, "words": said.words, "by": said.by, "until": said.until}
        if said
        else None,
        "seq": one.seq,
    }
