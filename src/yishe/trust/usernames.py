"""What an account may be called: names that look alike are the same name, or no name at all."""

import re
import unicodedata

from yishe.policy.refusals import Invalid

LONGEST = 64
_GOOD = re.compile(r"[0-9A-Za-z._@-]+|[0-9._@\-\u4e00-\u9fff]+")
"""Latin letters or Chinese characters, never both: a Cyrillic а, or an a among characters, passes for another name."""


def folded(written: str) -> str:
    """The name as it is looked up: full-width forms made plain, outer blanks gone. Empty when it cannot be one."""
    name = unicodedata.normalize("NFKC", written).strip()
    return name if len(name) <= LONGEST and _GOOD.fullmatch(name) else ""


def required(written: str) -> str:
    """The folded name of a new account. Invalid, saying what a name may be, when it is none."""
    name = folded(written)
    if not name:
        shown = "".join(one for one in written if one.isprintable())[:20]
        raise Invalid(
            "bad_username",
            f"账号名“{shown}”不能用：请只用英文字母和数字，或只用汉字和数字（可加 . _ - @），"
            f"不超过 {LONGEST} 个字；不能混用形近的其他文字。",
        )
    return name
