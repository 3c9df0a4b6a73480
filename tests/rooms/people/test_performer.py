"""Who answers: always someone, never someone away, and above him only distinct others."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yishe.people.members import Absence, Held, Member, Turn, Unit
from yishe.people.staffing import Directory
from yishe.policy.refusals import Unavailable

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DISTRICT, CENTRE, TEAM, OTHER = (UUID(int=n) for n in (1, 2, 3, 4))
DUTIES = ("family_doctor", "social_worker", "nurse", "team_lead", "centre_director", "administrator")
UNITS = {
    DISTRICT: Unit(DISTRICT, None, "district", "D", "区"),
    CENTRE: Unit(CENTRE, DISTRICT, "centre", "C", "中心"),
    TEAM: Unit(TEAM, CENTRE, "team", "T", "一队"),
    OTHER: Unit(OTHER, CENTRE, "team", "O", "二队"),
}


@dataclass(frozen=True)
class At:
    """A placement."""

    centre: UUID = CENTRE
    team: UUID | None = TEAM
    doctor: UUID | None = None
    social_worker: UUID | None = None
    neighbourhood_team: UUID | None = None
    workplace: UUID | None = None


def person(
    number: int, organisation: UUID, *duties: str, lead: bool = False, until: datetime | None = None
) -> Member:
    level = UNITS[organisation].level
    centre = None if level == "district" else CENTRE
    posts = tuple(
        Held(organisation, duty, lead, T0 - timedelta(days=9), until, level, centre) for duty in duties
    )
    return Member(UUID(int=100 + number), f"人{number}", posts=posts)


def away(member: Member, instead: Member | None = None) -> Absence:
    return Absence(member.id, T0 - timedelta(days=1), T0 + timedelta(days=1), instead.id if instead else None)


def book(*people: Member, leaves: tuple[Absence, ...] = (), shifts: tuple[Turn, ...] = ()) -> Directory:
    return Directory(1, {one.id: one for one in people}, UNITS, shifts, leaves)


NAMED, LEAD, MATE = (
    person(1, TEAM, "family_doctor"),
    person(2, TEAM, "family_doctor", lead=True),
    person(3, OTHER, "family_doctor"),
)
ROSTERED, HEAD, ADMIN = (
    person(4, CENTRE, "family_doctor"),
    person(5, CENTRE, "centre_director"),
    person(6, DISTRICT, "administrator"),
)
SHIFT = Turn(CENTRE, "family_doctor", ROSTERED.id, T0 - timedelta(hours=1), T0 + timedelta(hours=7))


def test_the_named_doctor_first() -> None:
    found = book(NAMED, LEAD).performer("family_doctor", At(doctor=NAMED.id), T0)

    assert (found.member, found.via, found.until) == (NAMED, "named", None)


def test_his_stand_in_while_he_is_away() -> None:
    found = book(NAMED, LEAD, MATE, leaves=(away(NAMED, MATE),)).performer(
        "family_doctor", At(doctor=NAMED.id), T0
    )

    assert (found.member, found.via) == (MATE, "stand_in")


def test_a_stand_in_who_is_away_passes_it_on_to_his_own() -> None:
    people = book(NAMED, LEAD, MATE, ROSTERED, leaves=(away(NAMED, MATE), away(MATE, ROSTERED)))

    assert people.performer("family_doctor", At(doctor=NAMED.id), T0).member == ROSTERED


def test_two_who_stand_in_for_each_other_and_are_both_away_do_not_go_round_for_ever() -> None:
    people = book(NAMED, MATE, LEAD, leaves=(away(NAMED, MATE), away(MATE, NAMED)))

    assert people.performer("family_doctor", At(doctor=NAMED.id), T0).member == LEAD


def test_without_a_named_one_the_teams_lead_for_that_duty() -> None:
    found = book(NAMED, LEAD, HEAD).performer("family_doctor", At(), T0)

    assert (found.member, found.via) == (LEAD, "team")


def test_a_named_doctor_whose_post_ended_is_not_asked() -> None:
    gone = person(7, TEAM, "family_doctor", until=T0)

    assert book(gone, LEAD).performer("family_doctor", At(doctor=gone.id), T0).member == LEAD


def test_without_a_contract_the_neighbourhoods_team() -> None:
    found = book(MATE, HEAD).performer("family_doctor", At(team=None, neighbourhood_team=OTHER), T0)

    assert (found.member, found.via) == (MATE, "neighbourhood")


def test_then_who_is_on_duty_until_the_end_of_the_shift() -> None:
    people = book(ROSTERED, HEAD, shifts=(SHIFT,))

    found = people.performer("family_doctor", At(), T0)

    assert (found.member, found.via, found.until) == (ROSTERED, "on_duty", SHIFT.ends_at)
    assert people.performer("family_doctor", At(), SHIFT.ends_at).via == "centre_lead"


def test_then_the_centre_lead_then_the_district() -> None:
    assert book(HEAD, ADMIN).performer("nurse", At(), T0).via == "centre_lead"
    assert book(HEAD, ADMIN, leaves=(away(HEAD),)).performer("nurse", At(), T0).via == "district_lead"


def test_nobody_at_all_is_said_aloud() -> None:
    with pytest.raises(Unavailable, match="无人在岗"):
        book(HEAD, leaves=(away(HEAD),)).performer("nurse", At(), T0)


def test_a_late_team_leading_doctor_is_reported_past_himself() -> None:
    lead = person(8, TEAM, "family_doctor", "team_lead", lead=True)

    assert book(lead, HEAD, ADMIN).chain_up(lead.id, TEAM, CENTRE, T0) == (HEAD, ADMIN)


people = st.lists(
    st.tuples(
        st.sampled_from([DISTRICT, CENTRE, TEAM, OTHER]),
        st.sampled_from(DUTIES),
        st.booleans(),
        st.booleans(),
        st.integers(0, 11),
    ),
    min_size=1,
    max_size=12,
)


def _invented(rows: list[tuple[UUID, str, bool, bool, int]], rostered: list[int]) -> Directory:
    members = [person(n, org, duty, lead=lead) for n, (org, duty, lead, _, _) in enumerate(rows)]
    leaves = tuple(
        away(members[n], members[instead % len(members)])
        for n, (*_, gone, instead) in enumerate(rows)
        if gone
    )
    shifts = tuple(
        Turn(CENTRE, rows[n % len(rows)][1], members[n % len(rows)].id, T0, T0 + timedelta(hours=8))
        for n in rostered
    )
    return book(*members, leaves=leaves, shifts=shifts)


@given(people, st.lists(st.integers(0, 11), max_size=4), st.sampled_from(DUTIES), st.integers(0, 11))
def test_always_someone_and_never_someone_away(
    rows: list[tuple[UUID, str, bool, bool, int]], rostered: list[int], duty: str, named: int
) -> None:
    directory = _invented([*rows, (DISTRICT, "administrator", True, False, 0)], rostered)
    placement = At(doctor=UUID(int=100 + named), social_worker=UUID(int=100 + named))

    found = directory.performer(duty, placement, T0)

    assert directory.present(found.member, T0)
    assert (found.until is not None) == (found.via == "on_duty")
    assert found == directory.performer(duty, placement, T0)


@given(people, st.lists(st.integers(0, 11), max_size=4))
def test_the_chain_is_distinct_present_and_never_the_person_himself(
    rows: list[tuple[UUID, str, bool, bool, int]], rostered: list[int]
) -> None:
    directory = _invented(rows, rostered)

    for member in directory.people.values():
        chain = directory.chain_up(member.id, TEAM, CENTRE, T0)
        assert len({one.id for one in chain}) == len(chain)
        assert member.id not in {one.id for one in chain}
        assert all(directory.present(one, T0) for one in chain)
