"""A generated world's organisations, places, staff and rosters, in a few statements; the same rows that the verbs leave."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from yishe.lab import founding, hours
from yishe.lab.founding import DAY_SHIFT, EMERGENCY, NIGHT_SHIFT, PASSWORD
from yishe.lab.town import ROSTERED, TITLES
from yishe.lab.words import DISTRICT
from yishe.lab.world.frame import Centre, Employee, Frame
from yishe.loops import kinds
from yishe.loops.models import Timetable
from yishe.people import directory, packs, pinyin
from yishe.people.models import Neighbourhood, Organisation, Post, Shift, Staff
from yishe.policy.loop_kinds import LoopKind
from yishe.trust import commit, ids, keys
from yishe.trust.commit import Bundle
from yishe.trust.models import Account

BACK, AHEAD = 1, 14
"""Days of the roster before and after the day of the world."""
LEADING = ("team_lead", "centre_director")
SIZE = 500


def found(frame: Frame, used: list[LoopKind]) -> None:
    """Everything that is there before the first resident, with the kinds that are `used` as they stood."""
    with commit.atomically():
        _organisations(frame)
        _staff(frame)
        Shift.objects.bulk_create(_shifts(frame), batch_size=SIZE)
        bundle = Bundle()
        for kind in used:
            kinds.keep(bundle, kind, frame.opening)
        bundle.insert(
            Timetable, id=1, digest=packs.in_force().calendar.digest, reached=None, changed_at=frame.opening
        )
        bundle.commit()
        directory.bump()


def _organisations(frame: Frame) -> None:
    shape = next(iter(packs.in_force().team_shapes), "")
    since = {"active_from": frame.opening}
    rows = [
        Organisation(id=frame.district, level="district", code="w", name=f"{DISTRICT}卫生健康委员会", **since)
    ]
    for one in frame.centres:
        rows.append(
            Organisation(
                id=one.id,
                parent_id=frame.district,
                level="centre",
                code=one.code,
                name=one.name,
                emergency=list(EMERGENCY),
                **since,
            )
        )
        rows += [
            Organisation(
                id=team.id,
                parent_id=one.id,
                level="team",
                code=team.code,
                name=team.name,
                shape=shape,
                **since,
            )
            for team in one.teams
        ]
    Organisation.objects.bulk_create(rows, batch_size=SIZE)
    for row in rows:
        keys.make_centre_key(row.id, frame.opening)
    Neighbourhood.objects.bulk_create(_places(frame), batch_size=SIZE)


def _places(frame: Frame) -> Iterator[Neighbourhood]:
    for centre in frame.centres:
        for team in centre.teams:
            for one in team.places:
                yield Neighbourhood(
                    id=one.id, code=one.code, name=one.name, centre_id=centre.id, team_id=team.id
                )


def _staff(frame: Frame) -> None:
    hasher = founding.QuickHasher()
    hashed, since = hasher.encode(PASSWORD, hasher.salt()), frame.opening
    people = list(frame.employees())
    Account.objects.bulk_create(
        (Account(id=one.account, username=one.username, password=hashed, created_at=since) for one in people),
        batch_size=SIZE,
    )
    Staff.objects.bulk_create((_hired(one, since) for one in people), batch_size=SIZE)
    posts = [
        Post(
            id=ids.new(),
            staff_id=one.id,
            organisation_id=one.office,
            duty=duty,
            lead=_leads(one),
            since=since,
        )
        for one in people
        for duty in one.posts
    ]
    Post.objects.bulk_create(posts, batch_size=SIZE)


def _hired(one: Employee, since: datetime) -> Staff:
    return Staff(
        id=one.id, account_id=one.account, number=one.number, name=one.name, pinyin=pinyin.full(one.name),
        title=TITLES[one.posts[0]], phone=f"80{one.number[-4:]}", active_from=since,
    )  # fmt: skip


def _leads(one: Employee) -> bool:
    return bool(set(LEADING) & set(one.posts))


def _shifts(frame: Frame) -> Iterator[Shift]:
    """Somebody on duty at each centre, day and night, in turn, for every duty that needs it."""
    for centre in frame.centres:
        for duty in ROSTERED:
            yield from _turns(frame, centre, duty)


def _turns(frame: Frame, centre: Centre, duty: str) -> Iterator[Shift]:
    holders = [team.one(duty) for team in centre.teams]
    for number in range(BACK + AHEAD):
        day = frame.today + timedelta(days=number - BACK)
        dawn, dusk = hours.local(day, DAY_SHIFT), hours.local(day, NIGHT_SHIFT)
        for who, starts, ends in ((number, dawn, dusk), (number + 1, dusk, dawn + timedelta(days=1))):
            yield Shift(
                id=ids.new(), organisation_id=centre.id, duty=duty, staff_id=holders[who % len(holders)],
                starts_at=starts, ends_at=ends,
            )  # fmt: skip
