"""The building blocks that every part of a pack is made of."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from .durations import PATTERN, Duration

Urgency = Literal["red", "orange", "yellow", "green"]
Status = Literal["draft", "approved", "retired"]
Confidence = Literal["H", "M", "L", "D"]


class Strict(BaseModel):
    """Frozen; an unknown name is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def _duration(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    return Duration.parse(str(value))


Length = Annotated[
    Duration,
    BeforeValidator(_duration),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["4 h", "2 workdays", "15 min"]}),
]


class Words(Strict):
    """One thing said in Chinese (always) and English (when known)."""

    zh: str
    en: str = ""

    def __str__(self) -> str:
        return self.zh


def _words(value: object) -> object:
    return {"zh": value} if isinstance(value, str) else value


# a plain Chinese text is short for {zh: text}
Said = Annotated[Words, BeforeValidator(_words)]


HOUSE = {"content": "内容依据", "spec": "需求规格"}
"""Documents of the house, by the names that pages give them."""
_HOUSE = re.compile(r"\b(?:content|spec)\b")


class Source(Strict):
    """Where a value comes from: a document id of docs/sources or the specification, and the place in it."""

    id: str
    section: str = ""
    row: str = ""

    @property
    def said(self) -> str:
        """As a page tells it: the place in the document; documents of the house by what they are, not by their file names."""
        place = self.section or self.row
        words = f"{self.id} {place}".strip() if self.id in HOUSE or not place else place
        return _HOUSE.sub(lambda found: HOUSE[found[0]], words)


class Sourced(Strict):
    """What every rule carries. `draft` never triggers; `D` marks a house rule that an authority must approve."""

    source: Source
    confidence: Confidence = "M"
    status: Status = "draft"


def percent(value: object) -> Any:
    """Read `50%` as 50. Raises ValueError saying what was expected."""
    text = str(value).strip()
    if not text.endswith("%") or not text[:-1].isdigit():
        raise ValueError(f"{value!r} is no percentage; expected such as 50%")
    return int(text[:-1])
