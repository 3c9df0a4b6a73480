"""Every writer of the product, each with what it needs, what it does, and how often it may have been done."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from tests.proof import town as towns
from tests.proof.town import Town
from yishe.care import erasures, medications, notes
from yishe.care.models import Held, MedicationChange, ServiceNote
from yishe.loops import acts, promises, worker
from yishe.loops.models import Loop, Timetable
from yishe.people import actors, consents, directory, import_, packs, residents, rosters
from yishe.people.consent_checks import Yes
from yishe.people.models import (
    AccessFact,
    Change,
    Consent,
    Leave,
    Post,
    Resident,
    SearchToken,
    Shift,
    Subject,
)
from yishe.people.placements import Placement
from yishe.policy.refusals import Refused
from yishe.talk import consents as consenting
from yishe.talk import delivery
from yishe.talk.models import Notice, Outbox
from yishe.trust import ids, keys, ledger
from yishe.trust.models import Entry, Erasure, SubjectKey
from yishe.trust.scoping import everybody

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
D2S = "referral.doctor_to_social_worker"
Act = Callable[[], Any]


@dataclass
class Stage:
    """The town, and a clock that every preparation moves on a little, so that nothing meets anything else."""

    town: Town
    numbers: Iterator[int] = field(default_factory=itertools.count)
    at: datetime = START

    def newcomer(self) -> Placement:
        """A resident of the first team whom nobody else has to do with."""
        fields = {
            "name": "居民某", "team": self.town.teams[0], "doctor": self.town.staff["医生1"],
            "social_worker": self.town.staff["社工1"],
        }  # fmt: skip
        return residents.register(actors.SYSTEM, fields, self.at, centre=self.town.centres[0])

    def loop(self, *verbs: str, kind: str = D2S, reason: str = "D12") -> uuid.UUID:
        """A loop of a newcomer, taken along by the verbs."""
        at = self.at
        made = promises.promise(
            self.town.actor("医生1"), kind=kind, resident=self.newcomer().resident, reason=reason, at=at,
            command_id=uuid.uuid4().hex, note="请跟进",
        )  # fmt: skip
        for verb in verbs:
            row = Loop.objects.get(id=made)
            assert row.owner is not None
            acts.act(actors.actor_of(row.owner), verb, made, seq=row.seq, at=at, **WHAT.get(verb, {}))
        return made


WHAT: dict[str, dict[str, Any]] = {
    "decline": {"reason": "no_capacity"}, "ask_more": {"note": "请补充检查单"}, "supply": {"note": "补充在此"},
    "hold": {"reason": "resident_away", "until": START + timedelta(days=2)}, "fail": {"reason": "unreachable"},
    "complete": {"outcome": "O1", "note": "入户，已联系助餐"}, "refer_on": {"reason": "C8", "note": "请再看看"},
    "reopen": {"reason": "not_solved"}, "cancel": {"reason": "withdrawn"}, "note": {"note": "记一笔"},
    "heard": {"outcome": "yes", "said_by": "resident"}, "void": {"reason": "wrong_resident"}, "confirm": {},
}  # fmt: skip
CONFIRM_REFUSAL = {"reason": "C8"}


@dataclass(frozen=True)
class Writer:
    """`prepare` makes what `act` works on; `effects` says what is wrong after the act was asked for twice."""

    name: str
    prepare: Callable[[Stage], Any]
    act: Callable[[Stage, Any], Act]
    effects: Callable[[Stage, Any], list[str]]
    refused: tuple[type[Exception], ...] = ()


def stage() -> Stage:
    with transaction.atomic():
        return Stage(towns.build(START))


def exactly(what: str, found: int, wanted: int = 1) -> list[str]:
    return [] if found == wanted else [f"{what}: {found} instead of {wanted}"]


def _verb(verb: str, *before: str, what: dict[str, Any] | None = None, by: str = "") -> Writer:
    """One verb on a loop that stands where `before` left it, by its owner unless said otherwise."""

    def prepare(stage: Stage) -> tuple[Loop, str, uuid.UUID | None]:
        row = Loop.objects.get(id=stage.loop(*before))
        return row, uuid.uuid4().hex, row.owner or row.sender

    def act(stage: Stage, made: Any) -> Act:
        row, key, owner = made
        said = dict(what if what is not None else WHAT.get(verb, {}))
        if verb == "hand_over":
            said = {"to": stage.town.staff["社工甲"], "reason": "workload"}
        actor = stage.town.actor(by) if by else actors.actor_of(owner)
        return lambda: acts.act(actor, verb, row.id, seq=row.seq, at=stage.at, command_id=key, **said)

    def effects(stage: Stage, made: Any) -> list[str]:
        row, key, _ = made
        wrong = exactly("entries of the command", Entry.objects.filter(command_id=key).count())
        last = Entry.objects.filter(stream=row.id).order_by("-seq").first()
        assert last is not None
        wrong += exactly("length of the stream", last.seq, row.seq + 1)
        wrong += exactly(
            "messages of the step", _told(row.id, last.seq), _told(row.id, last.seq, unique=True)
        )
        if verb == "refer_on":
            wrong += exactly("new loops", Loop.objects.filter(follows=row.id).count())
        return wrong

    return Writer(f"{verb} from {before[-1] if before else 'requested'}", prepare, act, effects)


def _told(loop: uuid.UUID, seq: int, *, unique: bool = False) -> int:
    rows = Outbox.objects.filter(key__startswith=f"{loop}:{seq}:")
    return rows.values("person").distinct().count() if unique else rows.count()


# Promising, recording, registering


def _promise(kind: str, reason: str, loops: int) -> Writer:
    def act(stage: Stage, made: Any) -> Act:
        where, key = made
        doctor = stage.town.actor("医生1")
        return lambda: promises.promise(
            doctor,
            kind=kind,
            resident=where.resident,
            reason=reason,
            at=stage.at,
            command_id=key,
            note="请跟进",
        )

    def effects(stage: Stage, made: Any) -> list[str]:
        where, key = made
        wrong = exactly("entries of the command", Entry.objects.filter(command_id=key).count())
        return wrong + exactly("loops", Loop.objects.filter(subject=where.subject).count(), loops)

    return Writer(f"promise {kind}", lambda stage: (stage.newcomer(), uuid.uuid4().hex), act, effects)


def _medication() -> Writer:
    def act(stage: Stage, made: Any) -> Act:
        where, key = made
        doctor = stage.town.actor("医生1")
        return lambda: medications.record(
            doctor, where.resident, action="start", drug="氨氯地平", dose="5mg", frequency="每日一次", at=stage.at,
            command_id=key,
        )  # fmt: skip

    def effects(stage: Stage, made: Any) -> list[str]:
        where, _ = made
        wrong = exactly("medication changes", MedicationChange.objects.filter(subject=where.subject).count())
        return wrong + exactly("acknowledgements", Loop.objects.filter(subject=where.subject).count())

    return Writer("medication.record", lambda stage: (stage.newcomer(), uuid.uuid4().hex), act, effects)


def _note() -> Writer:
    def act(stage: Stage, made: Any) -> Act:
        where, key = made
        worker_ = stage.town.actor("社工1")
        return lambda: notes.record(
            worker_, where.resident, stage=_stage_code(), text="面谈", at=stage.at, command_id=key
        )

    def effects(stage: Stage, made: Any) -> list[str]:
        return exactly("notes", ServiceNote.objects.filter(subject=made[0].subject).count())

    return Writer("service note", lambda stage: (stage.newcomer(), uuid.uuid4().hex), act, effects)


def _stage_code() -> str:
    return next(iter(packs.in_force().codes["service_stage"]))


def _register() -> Writer:
    def prepare(stage: Stage) -> str:
        return _id_number(next(stage.numbers))

    def act(stage: Stage, made: str) -> Act:
        fields = {"name": "新居民", "id_number": made, "team": stage.town.teams[0], "phone": "13800000000"}
        doctor = stage.town.actor("医生1")
        return lambda: residents.register(doctor, fields, stage.at)

    def effects(stage: Stage, made: str) -> list[str]:
        found = everybody(Resident, "the newest").order_by("-created_at", "-id").first()
        assert found is not None
        same = Resident.objects.filter(id_blind=found.id_blind)
        subject = Subject.objects.get(resident=found)
        wrong = exactly("residents", same.count())
        wrong += exactly("subject keys", SubjectKey.objects.filter(subject=subject.subject).count())
        wrong += exactly("entries", Entry.objects.filter(stream=subject.subject).count())
        return wrong + (
            [] if SearchToken.objects.filter(resident=found).exists() else ["not to be found by search"]
        )

    return Writer("residents.register", prepare, act, effects, (Refused,))


def _spelt(number: int) -> str:
    return "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))


def _id_number(number: int, born: str = "19500101") -> str:
    body = f"110102{born}{number % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]


def _import() -> Writer:
    """A roster of three, all in one batch: there whole or not at all, and complete after a second run."""

    def prepare(stage: Stage) -> bytes:
        numbers = [next(stage.numbers) for _ in range(3)]
        rows = [f"王{_spelt(n)},{_id_number(n, '19510101')}" for n in numbers]
        return "\n".join(["姓名,身份证号", *rows]).encode()

    def act(stage: Stage, made: bytes) -> Act:
        lead = stage.town.actor("主任1")
        return lambda: import_.run(lead, made, at=stage.at, file_name="名册.csv")

    def effects(stage: Stage, made: bytes) -> list[str]:
        numbers = [line.split(",")[1] for line in made.decode().splitlines()[1:]]
        blinds = [keys.blind_everywhere("id", number) for number in numbers]
        found = Resident.objects.filter(id_blind__in=blinds)
        again = import_.run(stage.town.actor("主任1"), made, at=stage.at, file_name="名册.csv")
        wrong = exactly("unchanged on a third run", again.counts["unchanged"], 3)
        return wrong + exactly("residents", found.count(), 3)

    return Writer("people.import, one batch", prepare, act, effects)


# Consents and rights


def _yes(stage: Stage) -> Yes:
    text = consents.text("relative", stage.at)
    return Yes(
        "relative",
        text.sha256,
        relative_name="李小梅",
        relative_phone="13700137000",
        kinship="3",
        scope=("loops",),
    )


def _consent() -> Writer:
    def act(stage: Stage, made: Placement) -> Act:
        return lambda: consents.give(stage.town.actor("社工1"), made.resident, _yes(stage), stage.at)

    def effects(stage: Stage, made: Placement) -> list[str]:
        rows = Consent.objects.filter(subject=made.subject)
        wrong = exactly("consents", rows.count())
        wrong += exactly("entries", Entry.objects.filter(stream__in=rows.values("id")).count())
        return wrong + exactly("relations", AccessFact.objects.filter(subject=made.subject).count())

    return Writer("consents.give", lambda stage: stage.newcomer(), act, effects)


def _withdraw() -> Writer:
    def prepare(stage: Stage) -> tuple[Placement, uuid.UUID]:
        made = stage.newcomer()
        return made, consents.give(stage.town.actor("社工1"), made.resident, _yes(stage), stage.at)

    def act(stage: Stage, made: Any) -> Act:
        where, given = made
        at = stage.at + timedelta(seconds=1)
        return lambda: consenting.withdraw(stage.town.actor("社工1"), where.resident, given, "trust", at)

    def effects(stage: Stage, made: Any) -> list[str]:
        where, given = made
        wrong = exactly("entries", Entry.objects.filter(stream=given).count(), 2)
        wrong += exactly(
            "relations left",
            AccessFact.objects.filter(
                subject=where.subject, until__gt=stage.at + timedelta(seconds=1)
            ).count(),
            0,
        )
        return wrong + exactly("screens told", Outbox.objects.filter(subject=where.subject).count())

    return Writer("consents.withdraw", prepare, act, effects, (Refused,))


def _erase() -> Writer:
    """A request under review; however often the process dies, she is there whole or gone whole."""

    def prepare(stage: Stage) -> tuple[Placement, Loop]:
        made, lead = stage.newcomer(), stage.town.actor("主任1")
        asked = promises.promise(
            stage.town.actor("社工1"), kind=erasures.KIND, resident=made.resident, at=stage.at, command_id=uuid.uuid4().hex
        )  # fmt: skip
        for seq, verb in enumerate(("accept", "start"), 1):
            acts.act(lead, verb, asked, seq=seq, at=stage.at)
        return made, Loop.objects.get(id=asked)

    def act(stage: Stage, made: Any) -> Act:
        loop, lead = made[1], actors.actor_of(made[1].performer)
        return lambda: erasures.erase(lead, loop.id, seq=loop.seq, at=stage.at, command_id=f"erase-{loop.id}")

    def effects(stage: Stage, made: Any) -> list[str]:
        where, loop = made
        wrong = exactly("tombstones", Erasure.objects.filter(number=loop.id).count())
        wrong += exactly("keys", SubjectKey.objects.filter(subject=where.subject).count(), 0)
        wrong += exactly("mappings", Subject.objects.filter(subject=where.subject).count(), 0)
        wrong += exactly("length of the stream", Entry.objects.filter(stream=loop.id).count(), loop.seq + 1)
        kept = Held.objects.filter(number=loop.id)
        return wrong + exactly(
            "keys of what is kept",
            SubjectKey.objects.filter(subject__in=kept.values("id")).count(),
            kept.count(),
        )

    return Writer("erasures.erase", prepare, act, effects)


# Rosters


def _leave() -> Writer:
    def act(stage: Stage, made: datetime) -> Act:
        admin, staff = stage.town.actor("郑管理员"), stage.town.staff["护士2"]
        return lambda: rosters.take_leave(
            admin, staff, starts_at=made, ends_at=made + timedelta(hours=9), at=stage.at
        )

    def effects(stage: Stage, made: datetime) -> list[str]:
        wrong = exactly("leaves", Leave.objects.filter(starts_at=made).count())
        return wrong + exactly("changes told", Change.objects.filter(kind="leave", at=made).count())

    return Writer(
        "rosters.take_leave", lambda s: s.at + timedelta(days=100 + next(s.numbers)), act, effects, (Refused,)
    )


def _shift() -> Writer:
    def act(stage: Stage, made: datetime) -> Act:
        admin, staff = stage.town.actor("郑管理员"), stage.town.staff["值班社工"]
        ends = made + timedelta(hours=8)
        return lambda: rosters.put_shift(
            admin, stage.town.centres[0], "social_worker", staff, starts_at=made, ends_at=ends, at=stage.at
        )

    def effects(stage: Stage, made: datetime) -> list[str]:
        return exactly("shifts", Shift.objects.filter(starts_at=made).count())

    return Writer("rosters.put_shift", lambda s: s.at + timedelta(days=100 + next(s.numbers)), act, effects)


def _end_post() -> Writer:
    def prepare(stage: Stage) -> uuid.UUID:
        staff = stage.town.staff["护士3"]
        post = Post.objects.create(
            id=ids.new(), staff_id=staff, organisation_id=stage.town.teams[0], duty=f"duty{next(stage.numbers)}",
            since=stage.at,
        )  # fmt: skip
        return post.id

    def act(stage: Stage, made: uuid.UUID) -> Act:
        admin = stage.town.actor("郑管理员")
        return lambda: rosters.end_post(admin, made, stage.at + timedelta(seconds=1))

    def effects(stage: Stage, made: uuid.UUID) -> list[str]:
        duty = Post.objects.get(id=made).duty
        return exactly("ended posts", Post.objects.filter(id=made, until__isnull=False).count()) + exactly(
            "changes told", Change.objects.filter(kind="post_ended", data__duty=duty).count()
        )

    return Writer("rosters.end_post", prepare, act, effects, (Refused,))


def _die() -> Writer:
    def act(stage: Stage, made: Placement) -> Act:
        doctor = stage.town.actor("医生1")
        return lambda: residents.die(doctor, made.resident, stage.at)

    def effects(stage: Stage, made: Placement) -> list[str]:
        return exactly(
            "changes told", Change.objects.filter(kind="deceased", about=made.subject).count()
        ) + exactly("entries", Entry.objects.filter(stream=made.subject, kind="resident.died").count())

    return Writer("residents.die", lambda stage: stage.newcomer(), act, effects)


def _empanel() -> Writer:
    def act(stage: Stage, made: Placement) -> Act:
        return lambda: residents.empanel(actors.SYSTEM, made.resident, stage.town.teams[1], stage.at)

    def effects(stage: Stage, made: Placement) -> list[str]:
        return exactly("changes told", Change.objects.filter(kind="empanelled", about=made.subject).count())

    return Writer("residents.empanel", lambda stage: stage.newcomer(), act, effects)


# The worker


def _sweep(name: str, prepare: Callable[[Stage], Loop], event: str, after: timedelta | None = None) -> Writer:
    """The moment comes for one loop; however often the worker dies there, it does one thing."""

    def act(stage: Stage, made: Loop) -> Act:
        moment = made.promised_at + after if after else made.next_at
        assert moment is not None
        return lambda: worker.sweep_all(moment)

    def effects(stage: Stage, made: Loop) -> list[str]:
        found = Entry.objects.filter(stream=made.id, kind=event).count()
        wrong = exactly(f"{event} events", found)
        return wrong + exactly(
            "changes left", Change.objects.filter(consumed_at=None, at__lte=stage.at).count(), 0
        )

    def alone(stage: Stage) -> Loop:
        worker.sweep_all(stage.at)
        Loop.objects.filter(closed_at=None)  # earlier ones are far from their moment or closed
        _close_all(stage)
        return prepare(stage)

    return Writer(f"sweep: {name}", alone, act, effects)


def _close_all(stage: Stage) -> None:
    """Nothing but the loop under test is due: the others are ended by those who made them."""
    for row in Loop.objects.filter(closed_at=None):
        acts.act(stage.town.actor("郑管理员"), "void", row.id, seq=row.seq, at=stage.at, reason="test_entry")


def _row(stage: Stage, *verbs: str) -> Loop:
    return Loop.objects.get(id=stage.loop(*verbs))


def _on_leave(stage: Stage) -> Loop:
    with transaction.atomic():
        Leave.objects.all().delete()
        directory.bump()
    row = _row(stage, "accept")
    admin, at = stage.town.actor("郑管理员"), stage.at
    rosters.take_leave(admin, row.performer, starts_at=at, ends_at=at + timedelta(minutes=1), at=at)
    return row


def _dead(stage: Stage) -> Loop:
    row = _row(stage, "accept")
    where = residents.placement_of_subject(row.subject)
    assert where is not None
    residents.die(actors.SYSTEM, where.resident, stage.at)
    return row


def _untimed(stage: Stage) -> Loop:
    """As if the holiday table had changed: the loop's working clocks were set by another one."""
    row = _row(stage)
    clocks = {name: {**kept, "total": kept["total"] + 3600} for name, kept in row.clocks.items()}
    _rewritten(row, clocks)
    Timetable.objects.update_or_create(
        id=1, defaults={"digest": "another", "reached": None, "changed_at": stage.at}
    )
    return Loop.objects.get(id=row.id)


def _rewritten(row: Loop, clocks: dict[str, Any]) -> None:
    from yishe.loops.recording import Said, Track, carry  # noqa: PLC0415
    from yishe.policy.loop_decisions import Step  # noqa: PLC0415
    from yishe.trust.commit import Bundle  # noqa: PLC0415

    bundle = Bundle()
    carry(
        bundle, Track.of(row), [Step("reminded", {"clocks": clocks})], Said(ids.SYSTEM, row.promised_at), None
    )
    bundle.commit()


def _deliver() -> Writer:
    """Messages reach their reader once, whenever the carrier dies; the next takes over when the lease ends."""

    def prepare(stage: Stage) -> list[int]:
        _deliver_all(stage.at)
        made = Loop.objects.get(id=stage.loop("accept"))
        return list(Outbox.objects.filter(loop=made.id, channel="inbox").values_list("id", flat=True))

    def act(stage: Stage, made: list[int]) -> Act:
        return lambda: delivery.deliver(stage.at + timedelta(seconds=1), "one", 500)

    def effects(stage: Stage, made: list[int]) -> list[str]:
        _deliver_all(stage.at + timedelta(minutes=5))
        rows = Outbox.objects.filter(id__in=made)
        wrong = exactly("delivered", rows.filter(delivered_at__isnull=False).count(), len(made))
        loops = set(rows.values_list("loop", flat=True))
        counted = sum(Notice.objects.filter(loop__in=loops).values_list("count", flat=True))
        return wrong + exactly("notices counted", counted, len(made))

    return Writer("deliver", prepare, act, effects)


def _deliver_all(at: datetime) -> None:
    while delivery.deliver(at, "other", 500):
        pass


ALL: tuple[Writer, ...] = (
    _promise(D2S, "D12", 1), _promise("assessment.dual_track", "", 3), _medication(), _note(), _register(), _import(),
    _verb("receive"), _verb("accept"), _verb("decline"), _verb("ask_more"), _verb("supply", "ask_more"),
    _verb("start", "accept"), _verb("hold", "accept"), _verb("resume", "accept", "hold"),
    _verb("complete", "accept", "start"), _verb("fail", "accept"), _verb("confirm", "accept", "start", "complete"),
    _verb("confirm", "decline", what=CONFIRM_REFUSAL), _verb("refer_on", "decline"),
    _verb("reopen", "accept", "start", "complete"), _verb("reopen", "accept", "start", "complete", "confirm"),
    _verb("cancel"), _verb("hand_over"), _verb("note"), _verb("heard"), _verb("void", "decline"),
    _consent(), _withdraw(), _erase(),
    _leave(), _shift(), _end_post(), _die(), _empanel(),
    _sweep("a reminder", _row, "reminded"),
    _sweep("a passed deadline", _row, "escalated", timedelta(days=4)),
    _sweep("the end of a hold", lambda s: _row(s, "accept", "hold"), "resumed", timedelta(days=2, minutes=1)),
    _sweep("a confirmation nobody gives", lambda s: _row(s, "accept", "start", "complete"), "auto_confirmed", timedelta(days=10)),
    _sweep("an owner on leave", _on_leave, "handed_over", timedelta(seconds=1)),
    _sweep("a resident who died", _dead, "cancelled", timedelta(seconds=1)),
    _sweep("a new holiday table", _untimed, "retimed", timedelta(seconds=1)),
    _deliver(),
)  # fmt: skip
__all__ = ["ALL", "START", "Stage", "Writer", "ledger", "stage"]
