"""Where a request comes from. A door says it once; every access line of the request carries it.

Nothing is ever decided by it, so it travels beside the calls and not through them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Origin:
    """`door` is web, api, live or cli; `address` and `device` as the door saw them; `request` names the request."""

    door: str = ""
    address: str = ""
    device: str = ""
    request: UUID | None = None


NOWHERE = Origin()
_here: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def current() -> Origin:
    """Where the present call comes from; NOWHERE below no door (the worker, the lab)."""
    return _here.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Everything called inside comes from `origin`."""
    before = _here.set(origin)
    try:
        yield
    finally:
        _here.reset(before)
