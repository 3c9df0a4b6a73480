"""Invented residents: nobody real, plausible together, the same for the same seed."""

from datetime import date

from yishe.lab import population, town, words
from yishe.policy import id_number

TODAY = date(2026, 11, 22)


def test_the_same_seed_gives_the_same_people() -> None:
    assert population.residents(300, 7, TODAY) == population.residents(300, 7, TODAY)
    assert population.residents(300, 7, TODAY) != population.residents(300, 8, TODAY)


def test_every_id_number_holds_and_tells_birth_date_and_sex() -> None:
    for person in population.residents(500, 1, TODAY):
        read = id_number.check(person.id_number, TODAY)
        assert (read.birth_date, read.sex) == (person.birth_date, person.sex)


def test_no_two_people_share_a_number_even_in_a_large_district() -> None:
    people = population.residents(20_000, 3, TODAY)
    assert len({p.id_number for p in people}) == 20_000
    assert len({p.phone for p in people}) == 20_000


def test_numbers_lie_where_no_authority_gives_any_out() -> None:
    for person in population.residents(200, 1, TODAY):
        assert person.id_number.startswith(words.AREA)
        assert person.id_number[2:4] == "99"
        assert person.phone.startswith("179")


def test_ages_and_conditions_are_those_of_an_urban_community() -> None:
    people = population.residents(4000, 1, TODAY)
    old = [p for p in people if p.age(TODAY) >= 65]
    assert 0.20 <= len(old) / len(people) <= 0.30
    assert 0.45 <= sum("hypertension" in p.traits for p in old) / len(old) <= 0.65
    assert 0.10 <= sum("living_alone" in p.traits for p in old) / len(old) <= 0.25
    assert 0.65 <= sum(p.contracted for p in people) / len(people) <= 0.85


def test_who_lives_alone_lives_alone() -> None:
    people = population.residents(1000, 1, TODAY)
    homes = [p.household for p in people]
    assert all(homes.count(p.household) == 1 for p in people[:-6] if "living_alone" in p.traits)


def test_the_district_has_two_centres_six_teams_and_about_forty_staff() -> None:
    levels = [office.level for office in town.offices()]
    assert (levels.count("centre"), levels.count("team")) == (2, 6)
    assert 38 <= len(town.employees()) <= 44
    assert len({e.username for e in town.employees()}) == len(town.employees())


def test_every_team_has_a_leading_doctor_and_a_social_worker() -> None:
    for office in town.offices():
        if office.level == "team":
            posts = [e.posts for e in town.employees() if e.place == office.code]
            assert ("family_doctor", "team_lead") in posts
            assert ("social_worker",) in posts
