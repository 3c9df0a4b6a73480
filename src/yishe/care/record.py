"""What one request reads of one resident: each part once, when it is first asked for. Whoever reads has asked access."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from yishe.care import case_events, conditions, entries, medications
from yishe.care.entries import Keyed
from yishe.care.models import Condition, MedicationChange, Recorded
from yishe.loops import reading
from yishe.people import cards, whole
from yishe.people.cards import Card
from yishe.people.placements import Placement
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import NotFound
from yishe.trust.models import Entry

Row = TypeVar("Row", bound=Recorded)
WHOLE: tuple[type[Recorded], ...] = (MedicationChange, Condition)
"""Sources of which a page needs every row that stands, also beside the timeline."""


class Record:
    """A resident's record for one look. `resident` may be one whose record was merged; then it is the survivor's."""

    def __init__(self, resident: UUID) -> None:
        self._whole = whole.of(resident)
        self._rows: dict[type[Recorded], Sequence[Any]] = {}
        self.placement: Placement = self._whole.placement if self._whole else entries.whose(resident)

    @cached_property
    def subjects(self) -> tuple[Keyed, ...]:
        """Unavailable when the record was erased."""
        if self._whole is None:
            return entries.keyed(self.placement)
        return tuple(Keyed(*one) for one in self._whole.keys)

    @cached_property
    def card(self) -> Card:
        """In the clear. NotFound when the record was erased."""
        found = (
            self._whole.card()
            if self._whole
            else cards.cards([self.placement.subject]).get(self.placement.subject)
        )
        if found is None:
            raise NotFound("resident_unknown", "找不到这位居民：可能已按其要求删除。")
        return found

    @cached_property
    def loops(self) -> list[LoopState]:
        return reading.all_of([one.subject for one in self.subjects])

    @cached_property
    def conditions(self) -> list[conditions.Standing]:
        return conditions.standing_of(self._all(Condition), self.subjects)

    @cached_property
    def medicines(self) -> list[medications.Medicine]:
        return medications.current_of(self._all(MedicationChange), self.subjects)

    @cached_property
    def class_entries(self) -> list[Entry]:
        """Everything said of her class, oldest first; a timeline that was read has read it along."""
        return case_events.read([], self.subjects, None, 0)[1]

    def newest(self, model: type[Row], before: tuple[datetime, UUID] | None, size: int) -> Sequence[Row]:
        """The rows of a page of the timeline, newest first."""
        if model in WHOLE and before is None:
            return self._all(model)[:size]
        return entries.newest(model, self.subjects, before, size)

    def _all(self, model: type[Row]) -> Sequence[Row]:
        if model not in self._rows:
            self._rows[model] = entries.newest(model, self.subjects)
        return self._rows[model]
