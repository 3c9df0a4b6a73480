"""What a plan promises: a dated action becomes a loop when its day is near, a review on its day. Nothing is promised twice, and
what nobody can take now is tried again the next time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from typing import Any
from uuid import UUID

from yishe.care import plan_stream
from yishe.care.models import Plan, PlanPromise
from yishe.care.plan_rows import promised
from yishe.care.plan_stream import advance
from yishe.loops import fulfilling, promises
from yishe.loops.models import Loop
from yishe.loops.promises import Wanted
from yishe.loops.recording import Said
from yishe.people import directory, packs, placements
from yishe.people.actors import SYSTEM, Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.plan_content import Content, Due, dated
from yishe.policy.plan_rules import PlanSheet
from yishe.policy.plan_state import OPENED, REVIEW_OPENED
from yishe.trust import batch, ids
from yishe.trust.commit import Bundle

LAST_MINUTE = time(23, 59)


@dataclass(frozen=True)
class Coming:
    """What a version brings when it comes into force: new promises, and those it takes away."""

    made: Sequence[dict[str, Any]]
    dropped: Sequence[PlanPromise]
    review_on: date

    @property
    def said(self) -> dict[str, Any]:
        """As the entry says it."""
        return {
            "review_on": self.review_on.isoformat(), "promises": list(self.made),
            "dropped": [str(one.id) for one in self.dropped],
        }  # fmt: skip


def coming(content: Content, standing: Sequence[PlanPromise], sheet: PlanSheet) -> Coming:
    """Each dated action has exactly one promise: one that asks the same of the same duty by the same day stays."""
    wanted = {one.action: one for one in dated(content)}
    kept = {one.action for one in standing if _same(one, wanted.get(one.action))}
    made = [_made(one, sheet) for code, one in wanted.items() if code not in kept]
    return Coming(made, [one for one in standing if one.action not in kept], content.review_on)


def _same(standing: PlanPromise, wanted: Due | None) -> bool:
    return wanted is not None and (standing.duty, standing.due) == (wanted.duty, wanted.due)


def _made(one: Due, sheet: PlanSheet) -> dict[str, Any]:
    opens = one.due - sheet.opens_before.exact()
    return {
        "id": str(ids.new()), "action": one.action, "duty": one.duty, "opens": opens.isoformat(),
        "due": one.due.isoformat(),
    }  # fmt: skip


def standing(row: Plan) -> list[PlanPromise]:
    """The promises of the version in force."""
    return list(row.promises.filter(dropped=False).order_by("due", "id"))


def into(
    bundle: Bundle, coming: Coming, plan: UUID, where: tuple[UUID, UUID], closes: str, said: Said
) -> None:
    """Add the rows, and the end of what was taken away. `where` is home and subject."""
    drop(bundle, coming.dropped, closes, said)
    for item in coming.made:
        bundle.insert(PlanPromise, **promised(item, plan, *where))


def drop(bundle: Bundle, gone: Sequence[PlanPromise], closes: str, said: Said) -> None:
    """These are promised no more; a loop that is still open ends with this close reason."""
    for one in gone:
        bundle.update(PlanPromise, where={"id": one.id, "dropped": False}, values={"dropped": True})
        if one.loop:
            fulfilling.withdraw(bundle, one.loop, closes, said)


def open_due(at: datetime, *, plan: UUID | None = None) -> int:
    """Make loops of actions whose time is near and of reviews whose day has come, many to a commit; returns how many. Doing it
    again, or twice at once, changes nothing."""
    today = at.astimezone(ZONE).date()
    near = PlanPromise.objects.filter(loop=None, dropped=False, opens__lte=today, plan__ended_at=None)
    due = Plan.objects.filter(review=None, ended_at=None, review_on__lte=today)
    if plan is not None:
        near, due = near.filter(plan=plan), due.filter(id=plan)
    actions = list(near.order_by("opens", "id").values_list("id", "plan"))
    opened = sum(batch.together(part, partial(_actions, at=at)) for part in batch.apart(actions))
    reviews = [(one, one) for one in due.order_by("review_on", "id").values_list("id", flat=True)]
    return opened + sum(batch.together(part, partial(_reviews, at=at)) for part in batch.apart(reviews))


def _actions(ids: Sequence[UUID], at: datetime) -> Iterator[batch.Act]:
    """What opens each of these that still waits."""
    near = list(PlanPromise.objects.filter(id__in=ids, loop=None, dropped=False).select_related("plan"))
    stands = placements.of_subjects([one.subject for one in near])
    with directory.one_picture():
        for one in near:
            yield partial(_open_action, one=one, row=one.plan, where=stands.get(one.subject), at=at)


def _reviews(ids: Sequence[UUID], at: datetime) -> Iterator[batch.Act]:
    """The same of reviews."""
    due = list(Plan.objects.filter(id__in=ids, review=None, ended_at=None))
    stands = placements.of_subjects([one.subject for one in due])
    with directory.one_picture():
        for one in due:
            yield partial(_open_review, row=one, where=stands.get(one.subject), at=at)


def _open_action(bundle: Bundle, one: PlanPromise, row: Plan, where: Placement | None, at: datetime) -> bool:
    kind = packs.in_force().plans.rules().action
    if where is None or where.gone:
        return False
    until = max(datetime.combine(one.due, LAST_MINUTE, ZONE), at)
    performer = directory.current().performer(one.duty, where, at).member.id
    wanted = Wanted(
        kind, note=_words(row, one), dates=(("accept", until), ("finish", until)), to=performer, duty=one.duty, sender=row.written_by,
        matter={"promise": str(one.id)},
    )  # fmt: skip
    loop = promises.into(bundle, SYSTEM, where, wanted, Said(SYSTEM.staff_id, at, f"plan:{one.id}")).state.id
    advance(bundle, row, OPENED, SYSTEM, at, {"promise": str(one.id), "loop": str(loop)})
    bundle.update(PlanPromise, where={"id": one.id, "dropped": False}, values={"loop": loop})
    return True


def _words(row: Plan, one: PlanPromise) -> str:
    """What is to be done, as the version in force says it."""
    found = plan_stream.story(row).version(row.in_force)
    actions = found.content.actions if found else ()
    said = {each.id: each for each in actions}.get(one.action)
    often = packs.in_force().plans.rules().often
    return f"{said.title}（{often.get(said.often, said.often)}）" if said else ""


def _open_review(bundle: Bundle, row: Plan, where: Placement | None, at: datetime) -> bool:
    if where is None or where.gone:
        return False
    to, duty = owner(row, where, at)
    wanted = Wanted(
        packs.in_force().plans.rules().review, to=to, duty=duty, sender=row.written_by, matter={"plan": str(row.id)}
    )  # fmt: skip
    said = Said(SYSTEM.staff_id, at, f"plan:{row.id}:{row.in_force}")
    loop = promises.into(bundle, SYSTEM, where, wanted, said).state.id
    advance(bundle, row, REVIEW_OPENED, SYSTEM, at, {"loop": str(loop)})
    return True


def owner(row: Plan, where: Placement, at: datetime) -> tuple[UUID, str]:
    """Who answers for the plan, and by which duty: who wrote it, while he serves in the resident's centre; else the first
    profession's."""
    book = directory.current()
    writer = book.people.get(row.written_by)
    duties = packs.in_force().plans.rules().duties()
    held = [one for one in duties if writer and one in writer.duties(at)]
    if writer and held and writer.centre(at) == where.centre:
        return writer.id, held[0]
    return book.performer(duties[0], where, at).member.id, duties[0]


def ask(
    bundle: Bundle, where: Placement, sheet: PlanSheet, missing: str, plan: UUID, by: UUID, at: datetime
) -> UUID:
    """Promise that the other profession looks at the version; returns the loop."""
    duty = sheet.professions[missing].duties[0]
    performer = directory.current().performer(duty, where, at).member.id
    wanted = Wanted(sheet.confirmation, to=performer, duty=duty, sender=by, matter={"plan": str(plan)})
    return promises.into(bundle, SYSTEM, where, wanted, Said(by, at)).state.id


def done(bundle: Bundle, actor: Actor, loop: UUID | None, outcome: str, plan: UUID, at: datetime) -> None:
    """A confirmation or review that the plan itself answers. Nothing when it is closed already."""
    still = loop and Loop.objects.filter(id=loop, closed_at=None, turn="performer").exists()
    if loop and still:
        proof = {"type": "plan", "id": str(plan)}
        fulfilling.fulfil(bundle, actor, loop, outcome=outcome, proof=proof, said=Said(actor.staff_id, at))
