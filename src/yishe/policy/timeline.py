"""Values with a life: each from its date until the next; `None` ends it. Asking outside its life raises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from .refusals import Invalid

T = TypeVar("T")


class NotInForce(Invalid):
    """There is no such rule on that day. `name`, `on` say which and when."""

    def __init__(self, name: str, on: date, why: str) -> None:
        super().__init__(
            "pack.not_in_force", f"“{name}”在 {on.isoformat()} 没有生效的规定：{why}", name=name, on=str(on)
        )
        self.name = name
        self.on = on


@dataclass(frozen=True)
class Timeline(Generic[T]):
    """`steps` are (from, value) in order of date."""

    name: str
    steps: tuple[tuple[date, T | None], ...]

    def on(self, day: date) -> T:
        """The value in force on `day`. Raises NotInForce, naming the thing, the day, and its life."""
        if not self.steps or day < self.steps[0][0]:
            begins = f"自 {self.steps[0][0]} 起施行" if self.steps else "从未施行"
            raise NotInForce(self.name, day, begins)
        since, value = in_force(self.steps, day)  # type: ignore[misc]
        if value is None:
            raise NotInForce(self.name, day, f"已于 {since} 停止")
        return value

    def always(self, day: date) -> T:
        """The same for what only describes the world: before its first version the first one holds."""
        return self.on(max(day, self.steps[0][0]) if self.steps else day)

    def alive(self, day: date) -> bool:
        found = in_force(self.steps, day)
        return found is not None and found[1] is not None

    @property
    def values(self) -> tuple[T, ...]:
        """Every version, oldest first, ends left out."""
        return tuple(value for _, value in self.steps if value is not None)


def in_force(steps: Sequence[tuple[date, T]], day: date) -> tuple[date, T] | None:
    """The step with the latest date on or before `day`."""
    begun = [step for step in steps if step[0] <= day]
    return max(begun, key=lambda step: step[0]) if begun else None
