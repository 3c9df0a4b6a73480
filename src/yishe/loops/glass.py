"""Breaking the glass, whole: the permission, the loop in which somebody else says whether it was right, and the telling, in
one commit. Nobody looks without a review being open."""

from datetime import datetime
from uuid import UUID

from yishe.loops import matters, promises, repeats
from yishe.loops.promises import Wanted
from yishe.loops.recording import Said
from yishe.people import break_glass, directory
from yishe.people.actors import SYSTEM, Actor
from yishe.people.break_glass import Broken, Command
from yishe.people.placements import of_matter
from yishe.policy.refusals import Conflict
from yishe.talk import outbox
from yishe.trust import ids, keys, ledger
from yishe.trust.commit import Bundle, Duplicate, Stale
from yishe.trust.ids import parse

CHANGED, TOLD = "access.changed", "access.broken_glass"
TRIES = 3


def break_(command: Command, resident: UUID) -> tuple[UUID, datetime]:
    """The actor may look at `resident` until a moment; returns the number of the glass, and that moment. The same command
    again answers with the same.

    Raises what `break_glass.break_` refuses, and Unavailable when nobody could review it.
    """
    for _ in range(TRIES):
        before = _before(command)
        if before is not None:
            return before
        bundle = Bundle()
        found = break_glass.break_(bundle, command, resident)
        _review(bundle, found, command.at)
        _tell(bundle, found, command.at)
        try:
            bundle.commit()
        except (Stale, Duplicate):
            directory.forget()
        else:
            return found.id, found.until
    raise Conflict("busy", "这位居民的档案正在变更，请再点一次。")


def end(
    actor: Actor, resident: UUID, at: datetime, command_id: str | None = None, digest: bytes | None = None
) -> None:
    """The actor needs the record no more; his other screens close as well. The review stays. Conflict when nothing of his
    stands open; the same command again changes nothing."""
    if repeats.entry_before(actor, Said(actor.staff_id, at, command_id, digest)) is not None:
        return
    bundle = Bundle()
    stands = break_glass.end(bundle, actor, resident, at, command_id, digest)
    outbox.show(
        bundle, home=stands.home, person=actor.staff_id, topic=CHANGED, key=f"{CHANGED}:{ids.new()}", at=at,
        subject=stands.subject,
    )  # fmt: skip
    try:
        bundle.commit()
    except (Stale, Duplicate):
        raise Conflict("busy", "这位居民的档案正在变更，请再点一次。") from None


def _before(command: Command) -> tuple[UUID, datetime] | None:
    """What this very command opened, if it was carried out."""
    entry = repeats.entry_before(
        command.actor, Said(command.actor.staff_id, command.at, command.id, command.digest)
    )
    if entry is None:
        return None
    said = ledger.facts_of(entry)
    grant = parse(str(said.get("grant", "")))
    if grant is None:
        raise Conflict("key_reused", "这个编号已用于另一件事：请刷新后再办。")
    return grant, datetime.fromisoformat(said["until"])


def _review(bundle: Bundle, found: Broken, at: datetime) -> None:
    """The loop of the privacy officer, or of whoever stands in; never of the one who looked, nor under his lead."""
    stands, subject = found.stands, ids.random()
    place = matters.beside(found.person, stands.centre, at)
    head = directory.current().centre_lead(place, at)
    wanted = Wanted(
        found.review, note=found.words, sender=head.id if head and head.id != found.person else None,
        besides=(found.person,),
        matter={"grant": str(found.id), "person": str(found.person), "subject": str(stands.subject), "why": found.reason,
                "since": ledger.stamp(at), "until": ledger.stamp(found.until)},
    )  # fmt: skip
    key = keys.new_subject(bundle, stands.home, subject)
    promises.into(
        bundle, SYSTEM, of_matter(stands.home, place, subject), wanted, Said(SYSTEM.staff_id, at), key
    )


def _tell(bundle: Bundle, found: Broken, at: datetime) -> None:
    """Those who answer for the resident hear of it; whoever looked sees his open screens anew."""
    home, subject = found.stands.home, found.stands.subject
    for person in break_glass.told(found.stands, at):
        outbox.tell(
            bundle, home=home, person=person, topic=TOLD, key=f"{TOLD}:{found.id}:{person}", at=at, subject=subject,
            data={"event": "broken_glass", "by": str(found.person), "why": found.reason}, urgency="orange",
        )  # fmt: skip
    outbox.show(
        bundle, home=home, person=found.person, topic=CHANGED, key=f"{CHANGED}:{found.id}", at=at, subject=subject
    )  # fmt: skip
