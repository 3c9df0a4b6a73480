"""The invented district: its centres, its teams and the people who work there. Pure data, no database."""

from dataclasses import dataclass
from functools import cache

from pypinyin import lazy_pinyin

from yishe.lab import words


@dataclass(frozen=True)
class Employee:
    """`place` is an organisation code; `posts` are duty codes there, the first one the main one."""

    name: str
    username: str
    place: str
    title: str
    posts: tuple[str, ...]


@dataclass(frozen=True)
class Office:
    """An organisation before it has an id. `centre` is the code of the one above a team."""

    code: str
    name: str
    level: str
    parent: str | None


TITLES = {
    "family_doctor": "全科医生",
    "nurse": "护士",
    "public_health": "公卫医师",
    "social_worker": "医务社工",
    "community_worker": "社区工作者",
    "volunteer": "志愿者",
    "specialist": "专科医生",
    "centre_director": "中心主任",
    "administrator": "系统管理员",
    "privacy_officer": "隐私保护专员",
    "research_lead": "科研负责人",
}
TEAM_STAFF: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "望湖一队": (
        ("王建平", ("family_doctor", "team_lead")),
        ("何文静", ("family_doctor",)),
        ("李敏", ("social_worker",)),
        ("孙晓梅", ("nurse",)),
    ),
    "望湖二队": (
        ("陈志远", ("family_doctor", "team_lead")),
        ("周雅琴", ("social_worker",)),
        ("胡海燕", ("nurse",)),
        ("马振华", ("public_health",)),
    ),
    "望湖三队": (
        ("刘玉芬", ("family_doctor", "team_lead")),
        ("高明辉", ("family_doctor",)),
        ("赵静怡", ("social_worker",)),
        ("宋桂芳", ("nurse",)),
    ),
    "柳岸一队": (
        ("吴国强", ("family_doctor", "team_lead")),
        ("杨慧敏", ("social_worker",)),
        ("郭春燕", ("nurse",)),
        ("罗学文", ("public_health",)),
    ),
    "柳岸二队": (
        ("郑佩兰", ("family_doctor", "team_lead")),
        ("谢晓东", ("family_doctor",)),
        ("韩思雨", ("social_worker",)),
        ("唐丽华", ("nurse",)),
    ),
    "柳岸三队": (
        ("冯永年", ("family_doctor", "team_lead")),
        ("董佳怡", ("social_worker",)),
        ("程秀丽", ("nurse",)),
        ("曹立新", ("public_health",)),
    ),
}
CENTRE_STAFF: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "望湖": (
        ("林世昌", ("centre_director",)),
        ("袁文斌", ("public_health",)),
        ("邓俊杰", ("specialist",)),
        ("许雨桐", ("social_worker",)),
        ("傅保平", ("family_doctor",)),
        ("沈红梅", ("community_worker",)),
        ("曾德福", ("volunteer",)),
    ),
    "柳岸": (
        ("梁惠芬", ("centre_director",)),
        ("彭卫东", ("public_health",)),
        ("吕晨曦", ("specialist",)),
        ("苏若溪", ("social_worker",)),
        ("卢广田", ("family_doctor",)),
        ("蒋美玲", ("community_worker",)),
        ("蔡树德", ("volunteer",)),
    ),
}
DISTRICT_STAFF = (("魏景和", ("centre_director",)), ("丁一鸣", ("administrator",)))
TRUSTED_STAFF = (
    ("望湖", "邹立群", ("privacy_officer",)),
    ("柳岸", "常书怡", ("privacy_officer",)),
    ("", "贺明远", ("research_lead",)),
)
"""Those who guard the record, by centre ("" is the district); they come last, so that nobody's number moves."""
DISTRICT_CODE = "yunxi"
ROSTERED = ("family_doctor", "nurse", "social_worker")
"""Duties that somebody at each centre is always on duty for."""


def slug(chinese: str) -> str:
    return "".join(lazy_pinyin(chinese))


def centre_code(centre: str) -> str:
    return slug(centre)


def team_code(centre: str, team: str) -> str:
    return f"{slug(centre)}-{words.TEAMS.index(team) + 1}"


@cache
def offices() -> tuple[Office, ...]:
    """District first, then each centre before its teams."""
    found = [Office(DISTRICT_CODE, f"{words.DISTRICT}卫生健康委员会", "district", None)]
    for centre in words.CENTRES:
        found.append(Office(centre_code(centre), f"{centre}社区卫生服务中心", "centre", DISTRICT_CODE))
        for team in words.TEAMS:
            found.append(Office(team_code(centre, team), f"{centre}{team}", "team", centre_code(centre)))
    return tuple(found)


@cache
def employees() -> tuple[Employee, ...]:
    """About forty people in the order sign-ins are listed: team by team, then centres, then district."""
    found = []
    for centre in words.CENTRES:
        for team in words.TEAMS:
            code = team_code(centre, team)
            found += [_employee(name, code, posts) for name, posts in TEAM_STAFF[f"{centre}{team}"]]
    for centre in words.CENTRES:
        found += [_employee(name, centre_code(centre), posts) for name, posts in CENTRE_STAFF[centre]]
    found += [_employee(name, DISTRICT_CODE, posts) for name, posts in DISTRICT_STAFF]
    for centre, name, posts in TRUSTED_STAFF:
        found.append(_employee(name, centre_code(centre) if centre else DISTRICT_CODE, posts))
    return tuple(found)


def _employee(name: str, place: str, posts: tuple[str, ...]) -> Employee:
    title = "团队长 · 全科医生" if "team_lead" in posts else TITLES[posts[0]]
    return Employee(name, slug(name), place, title, posts)
