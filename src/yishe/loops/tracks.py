"""Parent and children: a dual track is a parent answered for by one person, with a loop of its own per profession."""

import uuid
from dataclasses import replace

from yishe.loops import kinds
from yishe.loops.models import Loop
from yishe.loops.projection import Track
from yishe.loops.recording import Said, carry, not_before
from yishe.people.packs import in_force as packs_in_force
from yishe.policy.loop_decisions import Cast, Step, after, decide
from yishe.policy.loop_roles import Command, Situation, blocked, edge_for
from yishe.policy.loop_state import LoopState
from yishe.trust import ids
from yishe.trust.commit import Bundle

ON_THE_WAY = ("resume", "accept", "start")


def children(state: LoopState, besides: uuid.UUID | None = None) -> dict[str, bool]:
    """Title of each track → whether it was served (`besides` counts as served). A track referred on is answered for
    by its successor; one entered in error was not served."""
    rows = list(
        Loop.objects.filter(parent=state.id).values_list("id", "kind", "pack", "closed_as", "follows")
    )
    followed = {follows for *_, follows in rows if follows}
    return {
        str(kinds.opened_under(kind, pack).title): closed_as == "served" or child == besides
        for child, kind, pack, closed_as, _ in rows
        if child not in followed
    }


def served(bundle: Bundle, child: LoopState, said: Said) -> Track | None:
    """A track was served: its parent hears of it, and is completed by the system when it was the last.

    The parent always gets an entry, so that two tracks ending at once meet on its seq and the later one sees both.
    """
    row = Loop.objects.filter(id=child.parent, closed_at=None).first() if child.parent else None
    if row is None:
        return None
    track = Track.of(row)
    at = not_before(said.at, track.state)
    s = Situation(
        track.state, kinds.opened_under(row.kind, row.pack), packs_in_force().calendar, at, track.state.performer,
        children=children(track.state, besides=child.id),
    )  # fmt: skip
    steps = _completed(s, child.id) or [Step("noted", {"last_at": at}, {"child": str(child.id)})]
    return carry(bundle, track, steps, Said(ids.SYSTEM, at), None)


def _completed(s: Situation, last_child: uuid.UUID) -> list[Step]:
    """From wherever the parent stands to completed; nothing when a track is missing, the sender is asked, or the parent
    has something of its own to bring."""
    if s.state.turn != "performer" or blocked(s, "complete") or s.kind.evidence_required.ours:
        return []
    steps: list[Step] = []
    for verb in ON_THE_WAY:
        if edge_for(s, verb):
            steps += decide(s, Command(verb), Cast())
            s = after(s, steps[-1])
    evidence = tuple({"type": kind, "id": str(last_child)} for kind in s.kind.evidence_required.complete)
    done = decide(s, Command("complete", outcome=next(iter(s.kind.outcomes)), evidence=evidence), Cast())
    return [*steps, *(replace(step, data={**step.data, "child": str(last_child)}) for step in done)]
