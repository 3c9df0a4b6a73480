"""From laid-over loop files to dated `LoopKind`s, with code books filled in."""

from datetime import date

from pydantic import ValidationError

from .loop_kinds import LoopKind
from .marked import Marked
from .pack_errors import Problems, one_of
from .pack_files import Laid, lay_versions
from .timeline import Timeline

DEFAULTS = "loop_defaults"
# fields that list codes of the code book of the same name
BOOKS = (
    "outcomes", "decline_reasons", "fail_reasons", "cancel_reasons", "hold_reasons", "hand_over_reasons",
    "close_reasons", "reopen_reasons", "void_reasons", "evidence",
)  # fmt: skip
Kinds = dict[str, Timeline[LoopKind]]
Trees = dict[tuple[str, str], Marked]


def build(laid: Laid, problems: Problems) -> tuple[Kinds, Trees]:
    """Every loop kind, and the marked tree each version was read from (for messages of later checks)."""
    kinds: Kinds = {}
    trees: Trees = {}
    lowest = laid.steps(DEFAULTS, problems)
    codes = laid.sheet("codes")
    books = codes.get("books") if codes else None
    for name in laid.names("loops"):
        header = laid.header(name)
        code = _code(header, name, problems)
        steps: list[tuple[date, LoopKind | None]] = []
        for day, body in lay_versions(laid.steps(name, problems), lowest):
            kind = _version(header, day, body, books, problems) if body else None
            if kind or not body:
                steps.append((day, kind))
            if kind and body:
                trees[code, str(day)] = body
        if not steps and not problems.found:
            problems.add(header.place, f"loop kind {code!r} has no versions; expected versions with a date")
        kinds[code] = Timeline(code, tuple(steps))
    return kinds, trees


def _code(header: Marked, name: str, problems: Problems) -> str:
    written = header.get("kind")
    wanted = name.removeprefix("loops/")
    if written is None or written.value != wanted:
        place = written.place if written else header.place
        problems.add(
            place,
            f"kind is {written.value if written else None!r}; expected {wanted!r}, as the file is named",
        )
    return wanted


def _version(
    header: Marked, day: date, body: Marked, books: Marked | None, problems: Problems
) -> LoopKind | None:
    found = len(problems.found)
    fields = {name: _filled(name, child, books, problems) for name, child in body.items()}
    whole = Marked({**header.value, **fields}, body.place)
    if len(problems.found) > found:
        return None
    try:
        return LoopKind.model_validate({**whole.plain(), "version": str(day)})
    except ValidationError as error:
        problems.add_invalid(error, whole, LoopKind)
        return None


def _filled(name: str, child: Marked, books: Marked | None, problems: Problems) -> Marked:
    """A list of codes becomes codes with their words."""
    if name not in BOOKS or not isinstance(child.value, list):
        return child
    book = books.get(name) if books else None
    known = dict(book.items()) if book else {}
    words: dict[str, Marked] = {}
    for item in child.value:
        if item.value in known:
            words[str(item.value)] = known[item.value]
        else:
            problems.add(
                item.place,
                f"unknown code {item.value!r} of codes.yaml, {name}; {one_of(known, item.value)}",
            )
    return Marked(words, child.place)
