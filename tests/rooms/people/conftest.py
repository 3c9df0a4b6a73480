"""A small district: 春风 and 秋水 are its centres; 春风 has team 一 (Chen, Lin, Sun) and team 二 (Bo).

Chen is the doctor who leads team 一, Lin its social worker, Sun its nurse. Bo is a doctor of team 二, Xu directs
春风, Guo administers the district, and Wei is a doctor of 秋水, a stranger to everyone in 春风.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from yishe.people import organisations, residents
from yishe.people.actors import SYSTEM, Actor, actor_of
from yishe.people.placements import Placement
from yishe.policy import id_number


def number(first17: str) -> str:
    """An ID number with its right check digit, of nobody."""
    return first17 + id_number.check_digit(first17)


LI = {
    "name": "李秀兰",
    "id_number": number("11010219470305002"),
    "phone": "13800138000",
    "address": "春风路 1 号",
    "traits": ("living_alone", "hypertension"),
}


@dataclass
class World:
    now: datetime
    city: UUID
    district: UUID
    spring: UUID
    autumn: UUID
    one: UUID
    two: UUID
    far: UUID
    committee: UUID
    staff: dict[str, UUID] = field(default_factory=dict)

    def actor(self, name: str) -> Actor:
        return actor_of(self.staff[name])

    def resident(self, team: UUID | bool = True, **fields: object) -> Placement:
        """李秀兰 of team 一, or who the fields say."""
        answering = self.one if team is True else team or None
        said = {**LI, "team": answering, **fields}
        return residents.register(SYSTEM, said, self.now, centre=self.spring)


def _organisations(at: datetime) -> World:
    def found(level: str, code: str, name: str, parent: UUID | None = None) -> UUID:
        return organisations.found(SYSTEM, level=level, code=code, name=name, parent=parent, at=at)

    city = found("city", "C", "演示市")
    district = found("district", "D", "演示区", city)
    spring, autumn = found("centre", "A", "春风中心", district), found("centre", "B", "秋水中心", district)
    one, two = found("team", "A1", "一团队", spring), found("team", "A2", "二团队", spring)
    far = found("team", "B1", "三团队", autumn)
    place = organisations.mark_out(SYSTEM, code="N1", name="柳荫社区", centre=spring, team=two, at=at)
    return World(at, city, district, spring, autumn, one, two, far, place)


@pytest.fixture
def world(db: None, now: datetime) -> World:
    born = now - timedelta(days=400)
    made = _organisations(born)
    posts: list[tuple[str, str, UUID, list[str], bool]] = [
        ("chen", "陈医生", made.one, ["family_doctor", "team_lead"], True),
        ("lin", "林社工", made.one, ["social_worker"], True),
        ("sun", "孙护士", made.one, ["nurse"], False),
        ("bo", "薄医生", made.two, ["family_doctor"], True),
        ("he", "何社工", made.two, ["social_worker"], False),
        ("xu", "徐主任", made.spring, ["centre_director"], False),
        ("gong", "公卫医师", made.spring, ["public_health"], False),
        ("wei", "魏医生", made.far, ["family_doctor"], True),
        ("dao", "秋水主任", made.autumn, ["centre_director"], False),
        ("guo", "郭管理员", made.district, ["administrator"], False),
    ]
    for name, words, organisation, duties, lead in posts:
        made.staff[name] = organisations.hire(
            SYSTEM, name=words, organisation=organisation, duties=duties, lead=lead, number=name, at=born
        )
    made.now = now
    return made
