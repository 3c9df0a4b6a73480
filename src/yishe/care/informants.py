"""Who gave the answers of a form: staff, the resident herself, or a relative for her; and how somebody from outside came to it."""

from collections.abc import Mapping

from yishe.people import packs

STAFF, RESIDENT, RELATIVE = "staff", "resident", "relative"
BY_LINK, BY_ACCOUNT = "link", "account"


def words(by: Mapping[str, str]) -> str:
    """Who answered from outside: 居民本人（凭链接）, 王小梅（女）代答. `by` as `answering.Answerer` says."""
    if by.get("informant") != RELATIVE:
        return "居民本人（凭链接）" if by.get("informant") == RESIDENT else "收到问卷的人"
    kinship = packs.in_force().codes["kinship"].get(by.get("kinship", ""), "")
    way = "凭链接" if by.get("way") == BY_LINK else ""
    return f"{by.get('name', '')}（{kinship}）{way}代答"
