"""How a Chinese name is typed: full pinyin and initials, in every reading its surname may have."""

from functools import lru_cache

from pypinyin import Style, lazy_pinyin

SURNAMES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "区": "ou", "解": "xie", "查": "zha", "任": "ren", "华": "hua",
    "朴": "piao", "盖": "ge", "纪": "ji", "员": "yun", "秘": "bi", "繁": "po", "召": "shao", "洗": "xian",
    "冼": "xian", "翟": "zhai", "尹": "yin", "乐": "yue", "折": "she", "黑": "he", "缪": "miao", "覃": "qin",
    "尉迟": "yu chi", "万俟": "mo qi", "长孙": "zhang sun", "澹台": "tan tai", "单于": "chan yu", "宿": "su",
    "沈": "shen", "重": "chong", "葛": "ge", "么": "yao", "种": "chong", "卜": "bu", "贾": "jia",
}  # fmt: skip
"""Readings as a surname where they differ from the everyday one (《现代汉语词典》姓氏读音)."""


@lru_cache(maxsize=8192)
def spellings(name: str) -> tuple[tuple[str, ...], ...]:
    """Syllables of each reading, lower case: 单小云 → (("shan", "xiao", "yun"), ("dan", "xiao", "yun"))."""
    plain = tuple(_syllables(name))
    for length in (2, 1):
        reading = SURNAMES.get(name[:length])
        if reading and len(name) > length:
            by_surname = (*reading.split(), *_syllables(name[length:]))
            return (by_surname,) if by_surname == plain else (by_surname, plain)
    return (plain,)


def _syllables(text: str) -> list[str]:
    spelled = lazy_pinyin(text, style=Style.NORMAL, v_to_u=False, errors="default")
    return [one.lower().replace("ü", "v") for one in spelled if one.isalnum()]


def full(name: str) -> str:
    """The first reading without spaces; what people are sorted by."""
    return "".join(spellings(name)[0])


def initials(name: str) -> str:
    return "".join(syllable[0] for syllable in spellings(name)[0] if syllable)
