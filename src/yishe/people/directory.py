"""The picture of staff and rosters, read once per change and kept by each process."""

import secrets
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard
from uuid import UUID

from yishe.people.members import Absence, Found, Held, Member, Place, Placed, Turn, Unit
from yishe.people.models import (
    DirectoryVersion,
    Leave,
    Neighbourhood,
    Organisation,
    Post,
    Shift,
    Staff,
)
from yishe.people.staffing import Directory
from yishe.trust import columns

__all__ = [
    "Directory",
    "Found",
    "Held",
    "Member",
    "Place",
    "Placed",
    "Turn",
    "Unit",
    "bump",
    "current",
    "version",
]

NEWEST = 20_000
"""Shifts and leaves kept, newest first: weeks for a large district, years for a centre."""

_kept: dict[str, Directory] = {}
_request = threading.local()
_reading = threading.Lock()


def version() -> int:
    """The present version; 0 before anything was written."""
    return DirectoryVersion.objects.filter(id=1).values_list("version", flat=True).first() or 0


def current(known: int | None = None) -> Directory:
    """The picture as of now. One small statement when nothing changed; none when the caller just read the
    version and passes it as `known`."""
    place = str(columns.here().settings_dict["NAME"])
    kept = _kept.get(place)
    held: dict[str, Directory] | None = getattr(_request, "held", None)
    if known is None and held and place in held:
        return held[place]
    wanted = version() if known is None else known
    found = _fresh(place, kept, wanted)
    if held is not None and found.version:
        held[place] = found
    return found


def _fresh(place: str, kept: Directory | None, wanted: int) -> Directory:
    if _fits(kept, wanted):
        return kept
    with _reading:
        kept = _kept.get(place)
        if not _fits(kept, wanted):
            # Rows may be newer than the version read before them; then the next call reads them again.
            kept = _kept[place] = _read(wanted)
    return kept


def _fits(kept: Directory | None, wanted: int) -> TypeGuard[Directory]:
    """Version 0 is before the first write through a verb: nothing would tell of rows added since."""
    return kept is not None and kept.version == wanted != 0


@contextmanager
def one_picture() -> Iterator[None]:
    """Within this block (a request, one loop of a sweep) the version is read once and everybody sees one picture.
    A block inside another keeps the outer one's picture."""
    outer = getattr(_request, "held", None)
    _request.held = {} if outer is None else outer
    try:
        yield
    finally:
        _request.held = outer


def forget() -> None:
    """Read the version again next time, also within `one_picture`."""
    if getattr(_request, "held", None) is not None:
        _request.held.clear()


def bump() -> int:
    """Tell every process to read the directory anew; call in the transaction that wrote to it.

    The step is random so that a version seen inside a transaction that was rolled back never comes again.
    """
    forget()
    step = 1 + secrets.randbelow(1 << 20)
    found = DirectoryVersion.objects.select_for_update().filter(id=1).first()
    if found is None:
        DirectoryVersion.objects.bulk_create([DirectoryVersion(id=1, version=0)], ignore_conflicts=True)
        found = DirectoryVersion.objects.select_for_update().get(id=1)
    found.version += step
    found.save(update_fields=["version"])
    return found.version


def _read(wanted: int) -> Directory:
    organisations = _organisations()
    bare = Directory(wanted, {}, organisations)
    shifts = Shift.objects.order_by("-ends_at").values_list(
        "organisation", "duty", "staff", "starts_at", "ends_at"
    )
    leaves = Leave.objects.order_by("-ends_at").values_list("staff", "starts_at", "ends_at", "substitute")
    places = Neighbourhood.objects.values_list("id", "code", "name", "centre", "team")
    return Directory(
        version=wanted,
        people=_members(bare),
        organisations=organisations,
        shifts=tuple(Turn(*row) for row in shifts[:NEWEST]),
        leaves=tuple(Absence(*row) for row in leaves[:NEWEST]),
        places={row[0]: Place(*row) for row in places},
    )


def _organisations() -> dict[UUID, Unit]:
    rows = Organisation.objects.values_list(
        "id", "parent", "level", "code", "name", "shape", "emergency", "active_from", "active_until"
    )
    return {row[0]: Unit(*row[:6], tuple(row[6] or ()), *row[7:]) for row in rows}


def _members(tree: Directory) -> dict[UUID, Member]:
    posts: dict[UUID, list[Held]] = defaultdict(list)
    rows = Post.objects.order_by("since", "id").values_list(
        "staff", "organisation", "duty", "lead", "since", "until", "id"
    )
    for staff, organisation, duty, lead, since, until, post in rows:
        level, centre = tree.organisations[organisation].level, tree.centre_of(organisation)
        posts[staff].append(Held(organisation, duty, lead, since, until, level, centre, post))
    staff_rows = Staff.objects.values_list(
        "id", "name", "account", "title", "active_from", "active_until", "phone"
    )
    return {
        row[0]: Member(row[0], row[1], row[2], tuple(posts[row[0]]), row[3], row[4], row[5], row[6])
        for row in staff_rows
    }
