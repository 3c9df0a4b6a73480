"""The first roster of an empty database: the centres it names are founded, so that there is somewhere to take it in.

Only the system itself does so, and only while there is no centre at all; later ones are founded by name.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import transaction

from yishe.people import directory, organisations, packs
from yishe.people import import_cells as cells
from yishe.people.actors import Actor
from yishe.people.import_headers import Table, lines
from yishe.people.particulars import tidy
from yishe.people.tokens import plain
from yishe.policy.refusals import Invalid
from yishe.policy.sheets import Founding
from yishe.trust import commit, keys

LONGEST_NAME, LONGEST_CODE = 120, 40


@contextmanager
def ground(actor: Actor, found: list[Table], at: datetime, *, dry_run: bool) -> Iterator[None]:
    """Within this block there is a centre, if the packs say what to call one. A preview's centres are gone after it."""
    if (
        not actor.is_system
        or packs.in_force().imports.founding is None
        or directory.current().units("centre")
    ):
        yield
        return
    if not dry_run:
        _found(actor, found, at)
        yield
        return
    try:
        with commit.atomically():
            _found(actor, found, at)
            yield
            transaction.set_rollback(True)
    finally:
        directory.forget()
        keys.forget()


def _found(actor: Actor, found: list[Table], at: datetime) -> None:
    with commit.atomically():
        for name in centres_named(found) or [_words().centre.zh]:
            centre(actor, name, at)


def centres_named(found: Iterable[Table]) -> list[str]:
    """The centres in the order the tables name them."""
    named: dict[str, str] = {}
    for table in found:
        columns = [index for index, code in table.columns.items() if code == "centre"]
        for line in lines(table, packs.in_force().imports) if columns else ():
            name = cells.optional(line.cells[columns[0]]) if columns[0] < len(line.cells) else None
            if name:
                named.setdefault(plain(name), name[:LONGEST_NAME])
    return list(named.values())


def centre(actor: Actor, name: str, at: datetime, *, code: str = "") -> UUID:
    """Found a centre of that name, under the only district, or under a first one."""
    if not tidy(name):
        raise Invalid("name_missing", "中心要有名称：请写上。")
    if len(name) > LONGEST_NAME or len(code) > LONGEST_CODE:
        raise Invalid("name_long", f"名称最多 {LONGEST_NAME} 字，代码最多 {LONGEST_CODE} 字：请缩短。")
    districts = directory.current().units("district")
    above = districts[0].id if districts else None
    if above is None:
        district = _words().district.zh
        above = organisations.found(actor, level="district", code=_free("D"), name=district, at=at)
    return organisations.found(actor, level="centre", code=code or _free("C"), name=name, parent=above, at=at)


def _words() -> Founding:
    said = packs.in_force().imports.founding
    if said is None:
        raise Invalid("no_founding", "政策包没有说第一个机构叫什么：请在 imports.yaml 里写明 founding。")
    return said


def _free(letter: str) -> str:
    """The first code of that letter and a number that no organisation has."""
    taken = {unit.code for unit in directory.current().organisations.values()}
    return next(code for n in range(1, len(taken) + 2) if (code := f"{letter}{n}") not in taken)
