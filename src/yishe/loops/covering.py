"""A promise whose reason belongs to a protected field group, as those see it to whom the pack does not show it: that it is
owed, by whom and until when; not what for, nor anything that was said."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from yishe.loops import knowing
from yishe.people import packs, sight
from yishe.people.actors import Actor
from yishe.people.placements import placement_of_subject
from yishe.policy.access_rules import Shown
from yishe.policy.loop_state import LoopState

PLAIN = ("to", "told", "clock", "late", "rung", "until", "child", "to_loop")
"""Codes of an entry that say who and when, and nothing of what it is about."""


def words(actor: Actor, state: LoopState, at: datetime) -> str:
    """What is said instead of the reason, empty for those who see it: the two sides, whose turn it is, and whom the pack
    names. Costs a statement only for a sensitive reason and somebody who takes no part."""
    if not state.sensitive or knowing.takes_part(actor, state, at):
        return ""
    groups = packs.in_force().access.of_reason(state.kind, state.reason)
    where = placement_of_subject(state.subject) if groups else None
    if where is None:
        return ""
    seen = sight.of(actor, where, at)
    return "" if seen.shown(groups) is Shown.DETAIL else seen.instead(groups)


def covered(state: LoopState) -> LoopState:
    """The state without what it is about."""
    return replace(state, reason="", outcome="", close_reason="", heard="")


def plain(data: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An entry's codes without what it is about."""
    return {name: value for name, value in data if name in PLAIN}
