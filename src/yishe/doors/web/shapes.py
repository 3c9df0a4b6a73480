"""What the components draw: plain values that pages fill from the rooms and /design fills with samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Chip:
    """A clock or an urgency in words. `live` ones count on in the browser; `at` is the exact time."""

    words: str
    colour: str = "calm"
    at: datetime | None = None
    live: bool = False
    step: str = ""


@dataclass(frozen=True)
class Act:
    """One thing a person may press. `direct` ones are done by the press, others open a form."""

    verb: str
    words: str
    href: str
    look: str = ""
    direct: bool = False
    dialog: bool = True
    seq: int = 0
    command_id: str = ""
    about: str = ""
    person: str = ""


@dataclass(frozen=True)
class Row:
    """A sentence in three parts: who, what is owed, by when and by whom. `said` stands where nothing can be pressed;
    `phone` rings whoever is late."""

    id: str
    href: str
    name: str
    why: str
    chip: Chip
    colour: str = "calm"
    age: str = ""
    fact: str = ""
    sent_by: str = ""
    code: str = ""
    urgent: bool = False
    acts: Sequence[Act] = ()
    said: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Group:
    """Rows under one heading, such as 已逾期; `more` names the whole list at `href` when only some are shown."""

    id: str
    title: str
    note: str
    rows: Sequence[Row]
    href: str = ""
    more: str = ""


@dataclass(frozen=True)
class Step:
    """One stage of a promise: done, now, next or stopped."""

    words: str
    state: str = "next"
    note: str = ""
    colour: str = ""


@dataclass(frozen=True)
class Link:
    words: str
    href: str


@dataclass(frozen=True)
class Proof:
    """A piece of evidence: its title, and as far as the reader may see it who wrote what when. `alarm`: not what was
    brought."""

    title: str
    who: str = ""
    at: datetime | None = None
    quote: str = ""
    note: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class Said:
    """One line of a story or of the timeline: when, who, what, in whose words."""

    at: datetime
    who: str
    words: str
    quote: str = ""
    system: bool = False
    colour: str = ""
    tags: Sequence[str] = ()
    links: Sequence[Link] = ()
    href: str = ""
    proofs: Sequence[Proof] = ()


@dataclass(frozen=True)
class Person:
    """The card of a resident as the head of a page shows it. Nothing here is unmasked but the name; `about` is the
    random subject by which an open page knows that what it may show has changed."""

    name: str
    sex: str = ""
    age: str = ""
    record_tail: str = ""
    traits: Sequence[str] = ()
    team: str = ""
    allergies: Sequence[str] = ()
    gone: str = ""
    href: str = ""
    acts: Sequence[Act] = ()
    about: str = ""


@dataclass(frozen=True)
class Part:
    """One piece of a bar, in percent of its whole length."""

    x: str
    width: str
    look: str = "fill"


@dataclass(frozen=True)
class Bar:
    """A labelled share that opens its list of `count` rows; `small` marks a denominator too small to compare."""

    words: str
    number: str
    of: str
    href: str
    parts: Sequence[Part] = field(default_factory=tuple)
    small: bool = False
    count: int = 0


def share_bar(
    words: str, part: int, whole: int, href: str, *, look: str = "fill", small: bool = False
) -> Bar:
    """`63 %` beside `126 / 200`; an empty whole says so instead of a share."""
    share = 100 * part / whole if whole else 0.0
    number = f"{share:.0f}%" if whole else "无"
    bar = Part("0", f"{min(share, 100):.1f}", "small" if small else look)
    return Bar(words, number, f"{part} / {whole}", href, (bar,), small, part)
