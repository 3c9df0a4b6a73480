"""Protected persons: found and seen by the pair who answer for her alone. 陈医生 and 林社工 are the pair, 孙护士 of their team,
徐主任 leads the centre, 薄医生 a colleague of another team, 魏医生 a stranger. Her husband lives in the same household."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from tests.rooms.people.conftest import World
from tests.rooms.people.test_consents import DAUGHTER, volunteer, yes
from yishe.loops import rebuild
from yishe.people import consent_checks, consents, glimpses, protections, residents, search, sight
from yishe.people.actors import SYSTEM
from yishe.people.cards import Card, cards
from yishe.people.models import Resident
from yishe.people.placements import Placement, placed
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import ledger
from yishe.trust.models import AccessLine

DAY = timedelta(days=1)
PHONE, RECORD = "13800138000", "110102011005000017"


def her(world: World, **said: object) -> Placement:
    pair = {"doctor": world.staff["chen"], "social_worker": world.staff["lin"]}
    return world.resident(household="H7", record_number=RECORD, **pair, **said)


def protect(world: World, stands: Placement, by: str = "lin") -> None:
    review = (world.now + 90 * DAY).date()
    protections.protect(world.actor(by), stands.resident, "violence", review, world.now)


def found(world: World, name: str, query: str) -> list[Card]:
    return search.find(world.actor(name), query, world.now)


def card(stands: Placement) -> Card:
    return cards([stands.subject])[stands.subject]


def test_only_the_pair_finds_her_by_a_number_that_tells_where_she_is(world: World) -> None:
    made = her(world)
    assert [one.name for one in found(world, "sun", PHONE)] == ["李秀兰"]
    protect(world, made)

    for name in ("sun", "xu", "bo", "wei"):
        for query in (PHONE, PHONE[-4:], RECORD[-4:], "H7", "春风路1号", "春风路"):
            assert found(world, name, query) == [], (name, query)
    for name in ("chen", "lin"):
        (one,) = found(world, name, PHONE)
        assert (one.phone, one.address, one.household) == (PHONE, "春风路 1 号", "H7")
    (one,) = found(world, "sun", "李秀兰")
    assert (one.phone, one.address, one.record_number, one.household) == ("", "", "", "")
    assert [one.phone for one in found(world, "xu", "") if one.name == "李秀兰"] == [""]


def test_a_whole_record_number_finds_her_for_nobody_else(world: World) -> None:
    made = her(world)
    protect(world, made)
    assert found(world, "sun", RECORD) == []
    assert [one.name for one in found(world, "lin", RECORD)] == ["李秀兰"]


def test_her_husbands_record_tells_nothing_of_her(world: World) -> None:
    made = her(world)
    protect(world, made)
    husband = world.resident(name="王大壮", id_number=None, phone="13900139000", household="H7")
    assert "李秀兰" not in str(found(world, "sun", "H7"))
    seen = protections.showing(world.actor("sun"), card(husband), world.now)
    assert seen.household == "H7"
    assert protections.showing(world.actor("sun"), card(made), world.now).household == ""


@pytest.mark.parametrize(("name", "hidden"), [("chen", False), ("lin", False), ("sun", True), ("xu", True)])
def test_who_is_of_the_pair_sees_and_nobody_else(world: World, name: str, hidden: bool) -> None:
    made = her(world)
    assert not protections.hidden(world.actor(name), made, world.now)
    protect(world, made)
    stands = placed(made.resident)
    assert protections.hidden(world.actor(name), stands, world.now) is hidden
    assert sight.of(world.actor(name), stands, world.now).sees("protected_contacts") is not hidden


def test_a_trait_of_the_roster_protects_as_well(world: World) -> None:
    made = her(world, traits=("protected",))
    assert protections.hidden(world.actor("sun"), made, world.now)
    assert found(world, "sun", PHONE) == []
    assert protections.of(made.resident) == protections.Protection("名册标记")
    with pytest.raises(Conflict, match="名册里的“受保护”特征"):
        protections.lift(world.actor("lin"), made.resident, world.now)


def test_it_is_set_with_a_reason_and_a_review_and_stays_until_it_is_lifted(world: World) -> None:
    made = her(world)
    protect(world, made)
    protect(world, made)

    shown = protections.of(made.resident)
    assert shown is not None
    assert "家庭暴力" in shown.words
    assert shown.due((world.now + 90 * DAY).date())
    assert protections.hidden(world.actor("sun"), placed(made.resident), world.now + 400 * DAY)
    kinds = [one.kind for one in ledger.entries(made.subject)]
    assert kinds.count("resident.protected") == 1
    assert AccessLine.objects.filter(action="resident.protected").count() == 1
    assert rebuild.differences() == []

    protections.lift(world.actor("xu"), made.resident, world.now + DAY)

    assert protections.of(made.resident) is None
    assert [one.name for one in found(world, "sun", PHONE)] == ["李秀兰"]
    assert rebuild.differences() == []
    Resident.objects.filter(id=made.resident).update(protected_at=world.now, protected_reason="known")
    assert {one.column for one in rebuild.differences()} >= {"protected_at", "protected_reason"}


@pytest.mark.parametrize("name", ["sun", "bo", "wei"])
def test_who_may_not_protects_nobody_and_lifts_nothing(world: World, name: str) -> None:
    made = her(world)
    with pytest.raises(Forbidden, match="受保护人员由"):
        protect(world, made, by=name)
    protect(world, made)
    with pytest.raises(Forbidden):
        protections.lift(world.actor(name), made.resident, world.now)
    assert placed(made.resident).protected


@pytest.mark.parametrize(
    ("reason", "days", "words"),
    [
        ("gossip", 90, "请选择保护的原因"),
        ("violence", 0, "复核日期要在明天到"),
        ("violence", 367, "复核日期要在明天到"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(world: World, reason: str, days: int, words: str) -> None:
    made = her(world)
    review: date = (world.now + days * DAY).date()
    with pytest.raises(Invalid, match=words):
        protections.protect(world.actor("lin"), made.resident, reason, review, world.now)


def test_no_consent_opens_where_she_is(world: World) -> None:
    made, helper = her(world), volunteer(world)

    def give(basis: str, **said: object) -> UUID:
        return consents.give(world.actor("lin"), made.resident, yes(world, basis, **said), world.now)

    give("volunteer", grantee=helper, scope=("contact", "address", "errand"))
    give("relative", **DAUGHTER)
    relative = consent_checks.relative_id(yes(world, "relative", **DAUGHTER))
    assert glimpses.of(helper, made.resident, world.now).opens("address")

    protect(world, made)

    assert glimpses.of(helper, made.resident, world.now).everything == {"errand"}
    assert glimpses.residents(helper, world.now)[made.resident].everything == {"errand"}
    assert glimpses.of(relative, made.resident, world.now).everything == {"loops", "medicines"}


def test_a_merge_keeps_her_protected(world: World) -> None:
    made, kept = her(world), world.resident(name="李秀兰", id_number=None, phone=None)
    protect(world, made)
    residents.merge(SYSTEM, kept.resident, made.resident, world.now)
    assert placed(kept.resident).protected
    assert found(world, "bo", PHONE) == []
    assert found(world, "sun", PHONE) == []
    assert rebuild.differences() == []
