"""How many streams are open at once: by browser session or token, by person, by address. The pack says how many.

Each process counts its own. A stream that has ended makes room at once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from yishe.policy.refusals import TooMany
from yishe.policy.sheets import Streams

AGAIN_SECONDS = 30
"""After how long it is worth asking again; a closed tab makes room within seconds."""
WORDS = {
    "session": "这个浏览器里打开的实时页面太多",
    "person": "您在各处打开的实时页面太多",
    "address": "这个网络地址打开的实时页面太多",
}


class Crowd:
    """The open streams of one process."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, object]] = Counter()

    @contextmanager
    def one_more(self, whose: Mapping[str, object], most: Streams) -> Iterator[None]:
        """Room for one stream of this ``session``, ``person`` and ``address``, given back at the end. TooMany, saying
        which of them has too many, when there is none."""
        seats = list(whose.items())
        for kind, who in seats:
            if self._open[kind, who] >= getattr(most, kind):
                raise TooMany(
                    "too_many_streams", f"{WORDS[kind]}：请关掉几页，{AGAIN_SECONDS} 秒后会再连。",
                    limit=kind, retry_after=AGAIN_SECONDS,
                )  # fmt: skip
        self._open.update(seats)
        try:
            yield
        finally:
            self._open.subtract(seats)
            for seat in seats:
                if self._open[seat] <= 0:
                    del self._open[seat]
