"""Cross-references of `indicators.yaml`: kinds, services, traits, forms and ways that an indicator names are declared."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from .indicator_rules import Closing, Coverage, Fulfilment, Measure, Standard
from .marked import Marked
from .pack_errors import Problems, one_of
from .pack_kinds import Kinds
from .pack_sheets import Sheets, Unread

Named = tuple[str, str, Any]
"""What it is, its code, and those there are."""


def check(
    tree: Marked, sheets: Sheets, kinds: Kinds, followups: Mapping[str, Any], problems: Problems
) -> None:
    """Note every code that nobody declares; nothing while another file could not be read, so that one mistake is told once."""
    if sheets.indicators is None or problems.found:
        return
    for code, one in sheets.indicators.indicators.items():
        for what, name, known in _named(one.measure, sheets, kinds, followups):
            if name not in known:
                place = tree.at(("indicators", code, "measure")).place
                problems.add(place, f"{code}: unknown {what} {name!r}; {one_of(known, name)}")


def _named(measure: Measure, sheets: Sheets, kinds: Kinds, followups: Mapping[str, Any]) -> Iterator[Named]:
    if isinstance(measure, Closing):
        yield from (("loop kind", one, kinds) for one in measure.kinds)
    elif isinstance(measure, Fulfilment):
        yield from (("service", one, _services(sheets)) for one in measure.without)
    elif isinstance(measure, Coverage):
        traits = measure.group.traits if measure.group else ()
        yield from (("trait", one, sheets.traits) for one in traits)
    else:
        yield "trait", measure.patients.trait, sheets.traits
        yield "follow-up", measure.patients.form, followups
        if isinstance(measure, Standard):
            ways = sheets.codes.get("encounter_kind", Unread())
            yield from (("way", one, ways) for one in measure.ways)


def _services(sheets: Sheets) -> Container[str]:
    return {"renewal", *sheets.contracts.services} if sheets.contracts else Unread()
