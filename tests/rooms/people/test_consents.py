"""What a resident allows and takes back: by whom, to which text, about whom, for how long, and what it opens.

陈医生 and 林社工 are of her team, 薄医生 of another team of the centre, 魏医生 a stranger of another centre.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.rooms.people.conftest import World
from yishe.loops import rebuild
from yishe.people import access, consent_rows, consents, organisations, residents, standing
from yishe.people.actors import SYSTEM
from yishe.people.consent_checks import Yes
from yishe.people.models import AccessFact, Consent
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.talk import consents as consenting
from yishe.talk.models import Outbox
from yishe.trust import ids, ledger, verification
from yishe.trust.models import AccessLine

DAY = timedelta(days=1)
DAUGHTER = {
    "relative_name": "李小梅",
    "relative_phone": "13700137000",
    "kinship": "3",
    "scope": ("loops", "medicines"),
}


def yes(world: World, basis: str = "service", **said: Any) -> Yes:
    return Yes(basis, consents.text(basis, world.now).sha256, **said)


@pytest.fixture
def give(world: World) -> Callable[..., UUID]:
    """林社工 records it, unless said otherwise."""

    def given(stands: Placement, basis: str = "service", *, by: str = "lin", **said: Any) -> UUID:
        at = said.pop("at", world.now)
        return consents.give(world.actor(by), stands.resident, yes(world, basis, **said), at)

    return given


def volunteer(world: World) -> UUID:
    return organisations.hire(
        SYSTEM,
        name="周志愿",
        organisation=world.spring,
        duties=["volunteer"],
        number="vol",
        at=world.now - DAY,
    )


def partner(world: World) -> UUID:
    return organisations.found(
        SYSTEM, level="partner", code="P1", name="敬老助餐点", parent=world.spring, at=world.now - DAY
    )


# Giving


def test_a_consent_says_what_was_agreed_to_in_which_words_how_and_before_whom(
    world: World, give: Callable[..., UUID]
) -> None:
    made = world.resident()

    given = give(made, how="spoken", witness=world.staff["sun"])

    row, shown = Consent.objects.get(id=given), consents.text("service", world.now)
    assert (row.text_version, row.text_sha256) == (shown.version, shown.sha256)
    assert (row.given_by, row.how, row.witness) == ("resident", "spoken", world.staff["sun"])
    assert row.recorded_by == world.staff["lin"]
    assert consents.missing([made.subject], "service", world.now) == set()
    assert consents.missing([made.subject], "research", world.now) == {made.subject}


def test_the_same_said_twice_is_one_consent(world: World, give: Callable[..., UUID]) -> None:
    made = world.resident()

    first = give(made)

    assert give(made, by="chen") == first
    assert Consent.objects.count() == 1
    assert len(ledger.entries(first)) == 1


@pytest.mark.parametrize("name", ["bo", "wei"])
def test_neither_a_colleague_of_another_team_nor_a_stranger_records_a_consent(
    world: World, give: Callable[..., UUID], name: str
) -> None:
    made = world.resident()
    with pytest.raises(Forbidden, match="没有这样的关系"):
        give(made, by=name)
    given = give(made)
    with pytest.raises(Forbidden):
        consents.withdraw(world.actor(name), made.resident, given, "unsaid", world.now)
    assert Consent.objects.get().withdrawn_at is None


def test_a_text_that_changed_while_it_was_read_is_to_be_read_again(world: World) -> None:
    made = world.resident()
    with pytest.raises(Conflict, match="重新读一遍") as refused:
        consents.give(world.actor("lin"), made.resident, Yes("service", "0" * 64), world.now)
    assert refused.value.extra["sha256"] == consents.text("service", world.now).sha256
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("basis", "said", "words"),
    [
        ("goodwill", {}, "没有“goodwill”这种同意"),
        ("service", {"how": "telepathy"}, "选择同意的方式"),
        ("service", {"how": "online"}, "只能由本人登录后作出"),
        ("service", {"how": "spoken"}, "要有见证人"),
        ("service", {"given_by": "cat"}, "选择由谁同意"),
        ("service", {"given_by": "proxy"}, "代为同意的人的姓名"),
        ("service", {"given_by": "proxy", "giver_name": "王某", "giver_kinship": "99"}, "选择与居民的关系"),
        (
            "service",
            {"given_by": "guardian", "giver_name": "王某", "giver_kinship": "5"},
            "监护人不能代他同意",
        ),
        ("service", {"incapable": True}, "由监护人同意"),
        ("service", {"scope": ("loops",)}, "勾选同意的内容"),
        ("service", {"grantee": ids.new()}, "不指名给谁"),
        ("service", {"purpose": "meals"}, "选择用途"),
        ("relative", {**DAUGHTER, "scope": ()}, "勾选同意的内容"),
        ("relative", {**DAUGHTER, "scope": ("loops", "psychotherapy")}, "只能从这些里选"),
        ("relative", {**DAUGHTER, "kinship": "0"}, "选择与居民的关系"),
        ("relative", {**DAUGHTER, "relative_phone": ""}, "家属的电话"),
        ("relative", {**DAUGHTER, "relative_phone": "12"}, "不是 11 位手机号"),
        ("relative", {**DAUGHTER, "grantee": ids.new()}, "没有这位工作人员"),
        ("volunteer", {"grantee": ids.new(), "scope": ("contact",)}, "在册的志愿者"),
        ("partner", {"grantee": ids.new(), "scope": ("contact",), "purpose": "meals"}, "哪一家合作单位"),
        ("research", {"purpose": "curiosity"}, "选择用途"),
    ],
)
def test_what_does_not_hold_is_named(
    world: World, give: Callable[..., UUID], basis: str, said: dict[str, Any], words: str
) -> None:
    made = world.resident()
    with pytest.raises(Invalid, match=words):
        consents.give(world.actor("lin"), made.resident, Yes(basis, _hash(world, basis), **said), world.now)
    assert not Consent.objects.exists()


def _hash(world: World, basis: str) -> str:
    return "" if basis == "goodwill" else consents.text(basis, world.now).sha256


def test_the_recorder_is_neither_the_witness_nor_the_one_it_names(
    world: World, give: Callable[..., UUID]
) -> None:
    made = world.resident()
    with pytest.raises(Invalid, match="不能自己作见证"):
        give(made, how="spoken", witness=world.staff["lin"])
    with pytest.raises(Forbidden, match="不能给自己登记"):
        give(made, "relative", grantee=world.staff["lin"], kinship="3", scope=("loops",))


def test_for_a_child_the_guardian_agrees_and_is_on_record(world: World, give: Callable[..., UUID]) -> None:
    child = world.resident(name="李小宝", id_number=None, phone=None, birth_date=date(2015, 5, 5))
    with pytest.raises(Invalid, match="不满 14 周岁"):
        give(child)

    given = give(child, given_by="guardian", giver_name="李建国", giver_kinship="5")

    (one,) = consents.given(child.resident)
    assert (one.id, one.state.giver_kinship, one.words["giver_name"]) == (given, "5", "李建国")


def test_who_cannot_decide_agrees_through_a_guardian(world: World, give: Callable[..., UUID]) -> None:
    made = world.resident()
    given = give(made, given_by="guardian", giver_name="李建国", giver_kinship="2", incapable=True)
    assert Consent.objects.get(id=given).incapable


@pytest.mark.parametrize("went", ["died", "moved", "merged"])
def test_nothing_new_is_agreed_for_someone_who_is_gone_but_taking_back_stays_open(
    world: World, give: Callable[..., UUID], went: str
) -> None:
    made, lead = world.resident(), world.actor("xu")
    given = give(made)
    if went == "merged":
        residents.merge(lead, world.resident(id_number=None).resident, made.resident, world.now)
    else:
        {"died": residents.die, "moved": residents.move}[went](lead, made.resident, world.now)

    with pytest.raises(Conflict, match="不能再登记新的同意"):
        consents.give(lead, made.resident, yes(world, "research", purpose="service"), world.now)
    if went != "merged":
        consents.withdraw(lead, made.resident, given, "family", world.now)
        assert Consent.objects.get().withdrawn_reason == "family"


# Ending


def test_taking_back_is_recorded_with_its_reason_and_ends_it_at_once(
    world: World, give: Callable[..., UUID]
) -> None:
    made = world.resident()
    given = give(made)

    consents.withdraw(world.actor("chen"), made.resident, given, "trust", world.now + DAY, by="resident")

    row = Consent.objects.get()
    assert (row.withdrawn_at, row.withdrawn_reason, row.withdrawn_by) == (
        world.now + DAY,
        "trust",
        "resident",
    )
    assert row.withdrawal_recorded_by == world.staff["chen"]
    assert consents.missing([made.subject], "service", world.now + DAY) == {made.subject}
    with pytest.raises(Conflict, match="已经撤回，不需要再撤回"):
        consents.withdraw(world.actor("chen"), made.resident, given, "trust", world.now + 2 * DAY)
    with pytest.raises(Invalid, match="撤回的原因"):
        consents.withdraw(world.actor("chen"), made.resident, given, "spite", world.now)
    with pytest.raises(NotFound, match="没有这项同意"):
        consents.withdraw(world.actor("chen"), made.resident, ids.new(), "trust", world.now)


def test_one_resident_s_consent_is_not_taken_back_in_the_name_of_another(
    world: World, give: Callable[..., UUID]
) -> None:
    mine, other = world.resident(), world.resident(id_number=None, phone=None, name="张三丰")
    given = give(mine)
    with pytest.raises(NotFound):
        consents.withdraw(world.actor("lin"), other.resident, given, "trust", world.now)


def test_a_term_ends_it_by_itself(world: World, give: Callable[..., UUID]) -> None:
    made = world.resident()
    give(made, until=world.now + 10 * DAY)

    assert consents.missing([made.subject], "service", world.now + 9 * DAY) == set()
    assert consents.missing([made.subject], "service", world.now + 10 * DAY) == {made.subject}
    (one,) = consents.given(made.resident)
    assert consents.ended_words(one.state, world.now + 10 * DAY) == "已经到期"
    with pytest.raises(Conflict, match="已经到期"):
        consents.withdraw(world.actor("lin"), made.resident, one.id, "trust", world.now + 11 * DAY)


def test_a_term_lies_ahead_and_within_the_longest(world: World, give: Callable[..., UUID]) -> None:
    made = world.resident()
    with pytest.raises(Invalid, match="期限已经过去"):
        give(made, until=world.now)
    with pytest.raises(Invalid, match="最长到 2028-03-02"):
        give(made, "relative", **DAUGHTER, until=world.now + 732 * DAY)
    given = give(made, "relative", **DAUGHTER)
    assert Consent.objects.get(id=given).until == world.now + 731 * DAY


def test_agreed_again_with_another_scope_or_after_its_end_takes_the_place_of_the_first(
    world: World, give: Callable[..., UUID]
) -> None:
    made = world.resident()
    first = give(made, "relative", **DAUGHTER, until=world.now + DAY)

    second = give(made, "relative", **{**DAUGHTER, "scope": ("loops",)}, until=world.now + DAY)
    daughter = Consent.objects.get(id=first).grantee
    assert consents.scope(daughter, [made.subject], world.now) == {"loops"}
    third = give(made, "relative", **DAUGHTER, at=world.now + 5 * DAY)

    rows = {row.id: row for row in Consent.objects.all()}
    assert (rows[first].replaced_by, rows[second].replaced_by, rows[third].replaced_by) == (
        second,
        third,
        None,
    )
    assert consents.scope(daughter, [made.subject], world.now + 5 * DAY) == {"loops", "medicines"}
    assert [entry.kind for entry in ledger.entries(first)] == ["consent.given", "consent.replaced"]


# What it opens


def relations(person: UUID, made: Placement, at: Any) -> frozenset[str]:
    return standing.recorded_of(person, made.resident, at)


def test_a_relative_sees_from_the_consent_on_until_it_is_taken_back(
    world: World, give: Callable[..., UUID]
) -> None:
    made = world.resident()
    given = give(made, "relative", **DAUGHTER)
    daughter = Consent.objects.get(id=given).grantee

    assert relations(daughter, made, world.now) == {"relative"}
    assert relations(daughter, made, world.now + 731 * DAY) == set()
    consents.withdraw(world.actor("lin"), made.resident, given, "family", world.now + DAY)

    assert relations(daughter, made, world.now + DAY) == set()
    assert AccessFact.objects.get().source == f"consent:{given}"


def test_a_relative_is_the_same_one_for_both_parents_and_another_than_her_brother(
    world: World, give: Callable[..., UUID]
) -> None:
    mother, father = world.resident(), world.resident(id_number=None, phone=None, name="李大明")
    brother = {**DAUGHTER, "relative_name": "李小刚", "kinship": "2"}
    for stands, said in ((mother, DAUGHTER), (father, DAUGHTER), (mother, brother)):
        give(stands, "relative", **said)

    grantees = [row.grantee for row in Consent.objects.order_by("given_at", "id")]
    assert grantees[0] == grantees[1] != grantees[2]
    assert all("李小梅" not in entry.data for entry in ledger.Entry.objects.all())
    assert {one.words["relative_name"] for one in consents.given(mother.resident)} == {"李小梅", "李小刚"}


def test_a_relative_who_works_here_sees_as_a_relative_only_what_the_consent_opens(
    world: World, give: Callable[..., UUID]
) -> None:
    made = world.resident()
    give(made, "relative", grantee=world.staff["bo"], kinship="2", scope=("appointments",))
    assert relations(world.staff["bo"], made, world.now) == {"relative"}
    assert not access.may(world.actor("bo"), "read.timeline", made, world.now).allowed
    assert consents.scope(world.staff["bo"], [made.subject], world.now) == {"appointments"}


def test_a_volunteer_and_a_partner_are_named_with_purpose_and_scope(
    world: World, give: Callable[..., UUID]
) -> None:
    made, helper, kitchen = world.resident(), volunteer(world), partner(world)
    give(made, "volunteer", grantee=helper, scope=("contact", "errand"))
    give(made, "partner", grantee=kitchen, scope=("contact", "address"), purpose="meals")

    assert relations(helper, made, world.now) == {"volunteer"}
    assert relations(kitchen, made, world.now) == {"partner"}
    assert Consent.objects.get(basis="partner").purpose == "meals"


def test_open_screens_of_the_one_it_named_hear_of_its_end(world: World, give: Callable[..., UUID]) -> None:
    made, kitchen = world.resident(), partner(world)
    cook = organisations.hire(
        SYSTEM,
        name="吴师傅",
        organisation=kitchen,
        duties=["community_worker"],
        number="cook",
        at=world.now - DAY,
    )
    said = yes(world, "partner", grantee=kitchen, scope=("contact",), purpose="meals")
    given = consenting.give(world.actor("lin"), made.resident, said, world.now)

    consenting.withdraw(world.actor("lin"), made.resident, given, "unsaid", world.now + DAY)

    told = Outbox.objects.filter(topic="access.changed")
    assert {(row.person, row.subject) for row in told} == {(cook, made.subject)}
    assert told.count() == 2


# Records


def test_every_giving_and_taking_back_leaves_an_access_line(world: World, give: Callable[..., UUID]) -> None:
    made = world.resident()
    given = give(made)
    consents.withdraw(world.actor("chen"), made.resident, given, "unsaid", world.now)
    lines = AccessLine.objects.filter(action__startswith="consent.").order_by("id")
    assert [(one.action, one.actor, one.purpose) for one in lines] == [
        ("consent.give", world.staff["lin"], "service"),
        ("consent.withdraw", world.staff["chen"], "service"),
    ]


def test_after_a_merge_the_consents_of_both_records_count(world: World, give: Callable[..., UUID]) -> None:
    kept, dropped = world.resident(), world.resident(id_number=None)
    give(dropped)
    residents.merge(world.actor("gong"), kept.resident, dropped.resident, world.now)
    assert consents.missing([kept.subject, dropped.subject], "service", world.now) == set()
    assert len(consents.given(kept.resident)) == 1


def test_two_who_record_at_once_end_in_one_consent(world: World) -> None:
    """The second was decided on the same picture; its commit finds the first one there."""
    made = world.resident()
    from_both = [consents.Bundle(), consents.Bundle()]
    for bundle in from_both:
        consents.give(world.actor("lin"), made.resident, yes(world), world.now, bundle=bundle)
    consents.commit_(from_both[0])
    with pytest.raises(Conflict, match="另一位同事刚刚改过"):
        consents.commit_(from_both[1])
    assert Consent.objects.count() == 1


def test_replay_equals_the_rows_and_a_touched_row_is_named(world: World, give: Callable[..., UUID]) -> None:
    made = world.resident()
    first = give(made, "relative", **DAUGHTER)
    give(made, "relative", **{**DAUGHTER, "scope": ("plan",)})
    consents.withdraw(world.actor("lin"), made.resident, give(made), "mistaken", world.now + DAY)
    assert rebuild.differences() == []
    assert verification.verify(rebuild.heads()).broken is None

    Consent.objects.filter(id=first).update(scope=["measurements"])

    (difference,) = rebuild.differences()
    assert (difference.stream, difference.column) == (first, "scope")


def test_a_consent_of_the_first_form_still_folds(world: World) -> None:
    """Before texts and terms there was only a basis and who gave it."""
    made, consent, bundle = world.resident(), ids.new(), consents.Bundle()
    head = ledger.append(
        bundle, ledger.Head(), home=made.home, stream=consent, kind="consent.given", actor=world.staff["lin"],
        at=world.now, pack="p", data={"basis": "service", "given_by": "proxy"}, subject=made.subject,
    )  # fmt: skip
    bundle.insert(
        Consent, id=consent, home=made.home, subject=made.subject, basis="service", given_at=world.now, given_by="proxy",
        recorded_by=world.staff["lin"], seq=head.seq, head=head.hash,
    )  # fmt: skip
    bundle.commit()
    assert consent_rows.differences() == []
    assert consents.missing([made.subject], "service", world.now) == set()


def test_a_yes_keeps_names_out_of_the_codes() -> None:
    said = Yes("relative", "x", relative_name=" 李小梅 ", giver_name="", witness_name="赵邻居")
    assert said.words == {"relative_name": "李小梅", "witness_name": "赵邻居"}
    assert replace(said, relative_name="").words == {"witness_name": "赵邻居"}
