"""What a command must bring, and the words of its refusal: state, who may, and what is possible now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_roles import Command, Situation, allowed, implied_before, nudge_again, who_may
from yishe.policy.loop_table import Edge, table
from yishe.policy.refusals import Conflict, Forbidden, Invalid, Refused

SHANGHAI = ZoneInfo("Asia/Shanghai")
OTHER = "other"
STATEMENT = "statement"
NUDGE = "nudge"
"""The mark of a note that asks the owner to move: told to him alone, and only so often as the pack says."""
LONGEST = 4000
MOST_EVIDENCE = 50

STATES = {
    "requested": "待接单", "seen": "已收到待接单", "asked": "待补充", "accepted": "已接单待联系", "in-progress": "办理中",
    "on-hold": "暂停中", "rejected": "被退回待处理", "failed": "未办成待处理", "cancelled": "已撤销待确认",
    "completed": "待发出方确认", "closed": "已闭环", "void": "已作废",
}  # fmt: skip
ROLES = {
    "owner": "当前责任人",
    "performer": "承接人",
    "sender": "发出人",
    "leader": "团队长或中心负责人",
    "participant": "参与人",
}
VERBS = {
    "receive": "收到", "accept": "接单", "decline": "退回", "ask_more": "请补充", "supply": "补充", "start": "记录联系",
    "hold": "暂停", "resume": "恢复", "complete": "回写结果", "fail": "未办成", "confirm": "确认闭环", "refer_on": "再转介",
    "reopen": "重开", "cancel": "撤销", "hand_over": "转交", "note": "记一笔", "heard": "记居民反馈", "void": "作废",
}  # fmt: skip
HEARD = ("yes", "partly", "no")
SAID_BY = ("resident", "proxy")
_BLOCKED = {
    "red_never_held": "红色紧急的闭环不能暂停：请继续办理、转交，或写明未办成原因。",
    "children_open": "双轨的各部分都服务完成后才能回写和确认：还差 {missing}。",
    "already_open": "同一居民、同一原因已有另一件在办，不能重开这一件：请在那一件上继续。",
    "resident_gone": "这位居民已登记去世、迁出或已不在册，不能重开：如登记有误，请先更正档案。",
    "reopen_too_late": "闭环已过可重开的期限：请重新发起，系统会与原件关联。",
    "matter_not_referred": "这类事项不能再转：请确认未办成，需要时重新发起。",
    "nudge_closed": "这件事已经结束，不用再催。",
    "nudge_oneself": "现在轮到您自己：不用催，请直接办理。",
    "nudge_never": "这类闭环不设催办：着急请直接打电话给责任人。",
    "nudged_already": "{last}已催过，{every}内只催一次：{again}起可以再催；着急请直接打电话。",
}


def moment(at: datetime) -> str:
    """A moment as people here read it."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _possible(s: Situation) -> str:
    verbs = "、".join(VERBS[v] for v in allowed(s))
    return f"您现在可以：{verbs}。" if verbs else "您现在没有可做的操作。"


def _facts(s: Situation) -> dict[str, Any]:
    return {
        "state": s.state.status, "business_status": s.state.business_status, "allowed": allowed(s),
        "seq": s.state.seq, "turn": s.state.turn,
    }  # fmt: skip


def refuse_edge(s: Situation, verb: str) -> Refused:
    """No such edge from here (409), or it is someone else's to take (403)."""
    name, here = VERBS.get(verb, verb), STATES[s.state.place]
    if verb not in VERBS:
        return Invalid("unknown_verb", f"没有“{verb}”这个操作。", possible=list(table().verbs()))
    may = who_may(s.state, verb) or (("performer",) if implied_before(s, verb) else ())
    if not may:
        return Conflict("wrong_state", f"这件事现在是“{here}”，不能{name}。{_possible(s)}", **_facts(s))
    who = "或".join(ROLES[r] for r in may)
    return Forbidden(
        "not_yours",
        f"这件事现在是“{here}”，{name}要由{who}来做。{_possible(s)}",
        who_may=list(may),
        **_facts(s),
    )


def refuse_blocked(s: Situation, verb: str, why: str) -> Refused:
    missing = "、".join(title for title, served in s.children.items() if not served)
    return Conflict(why, _BLOCKED[why].format(missing=missing), **_facts(s))


def is_nudge(command: Command) -> bool:
    return command.verb == "note" and command.reason == NUDGE


def refuse_nudge(s: Situation, why: str) -> Conflict:
    """Why nobody may be asked to move, and from when on he may."""
    again = nudge_again(s)
    fills = {
        "last": f"{moment(s.nudged_at)} " if s.nudged_at else "",
        "every": s.kind.nudge_every.zh if s.kind.nudge_every else "",
        "again": f"{moment(again)} " if again else "",
    }
    return Conflict(
        why, _BLOCKED[why].format(**fills), again=again.isoformat() if again else None, **_facts(s)
    )


def codes(kind: LoopKind, verb: str) -> dict[str, Any]:
    """The code book a verb's reason is taken from; empty when it takes none."""
    book = {
        "decline": kind.decline_reasons, "hold": kind.hold_reasons, "fail": kind.fail_reasons,
        "confirm": kind.close_reasons, "refer_on": kind.close_reasons, "reopen": kind.reopen_reasons,
        "cancel": kind.cancel_reasons, "hand_over": kind.hand_over_reasons, "void": kind.void_reasons,
    }.get(verb)  # fmt: skip
    return dict(book or {})


def understood(s: Situation, edge: Edge, c: Command) -> tuple[dict[str, Any], dict[str, str]]:
    """The codes and the words of the command, checked against the pack. Raises Invalid listing what is possible."""
    data: dict[str, Any] = {}
    words = {"note": clean(c.note)} if c.note else {}
    if is_nudge(c):
        return {"reason": NUDGE}, words
    if "note" in edge.needs and not c.note.strip():
        raise Invalid("note_missing", f"{VERBS[edge.verb]}要写明内容。", field="note")
    if c.reason or "reason" in edge.needs:
        code, spoken = _reason(s.kind, edge, c.reason)
        if code:
            data["reason"] = code
        if spoken:
            words["reason"] = spoken
    if edge.verb == "complete":
        data |= _result(s.kind, c, words)
    if edge.verb == "heard":
        data |= _voice(c)
    if c.to is not None:
        data["to"] = str(c.to)
    if c.until is not None and edge.verb == "hold":
        data["until"] = c.until.isoformat()
    return data, words


def _reason(kind: LoopKind, edge: Edge, given: str) -> tuple[str, str]:
    """(code, free words). Words that are no code count as the code `other` where the book has one."""
    book = codes(kind, edge.verb)
    given = given.strip()
    if not book or given in book:
        return (given, "") if book else ("", given)
    if not given and "reason" not in edge.needs:
        return "", ""
    if given and not given.isascii() and OTHER in book:
        return OTHER, clean(given)
    known = "、".join(f"{code} {title}" for code, title in book.items())
    wrong = f"没有原因码“{given}”" if given else f"{VERBS[edge.verb]}要选原因"
    raise Invalid("reason", f"{wrong}；可选：{known}。", field="reason", possible=list(book))


def _result(kind: LoopKind, c: Command, words: dict[str, str]) -> dict[str, Any]:
    if c.outcome not in kind.outcomes:
        known = "、".join(f"{code} {title}" for code, title in kind.outcomes.items())
        wrong = f"没有结果码“{c.outcome}”" if c.outcome else "回写要选结果"
        raise Invalid("outcome", f"{wrong}；可选：{known}。", field="outcome", possible=list(kind.outcomes))
    evidence = [*c.evidence, *c.proofs]
    if taken := [one["type"] for one in c.evidence if one["type"] in kind.evidence_required.ours]:
        words_for = str(kind.evidence.get(taken[0], taken[0]))
        raise Invalid("evidence", f"“{words_for}”由系统在办理时生成，不能手工填写。", field="evidence")
    known_types = set(kind.evidence) | {STATEMENT}
    for item in evidence:
        if item["type"] not in known_types:
            known = "、".join(f"{code} {title}" for code, title in kind.evidence.items())
            raise Invalid("evidence", f"没有“{item['type']}”这类依据；可选：{known}。", field="evidence",
                          possible=sorted(known_types))  # fmt: skip
    brought = {item["type"] for item in evidence} | ({STATEMENT} if words.get("note") else set())
    missing = kind.evidence_required.missing(brought, c.outcome)
    if missing:
        names = "、".join(str(kind.evidence.get(t, t)) for t in missing)
        raise Invalid(
            "evidence_missing", f"回写结果要附依据：{names}。", field="evidence", missing=list(missing)
        )
    return {"outcome": c.outcome, "evidence": evidence}


def attached(evidence: Sequence[dict[str, str]]) -> dict[str, Any]:
    """What goes along with a promise, as its first entry keeps it."""
    if len(evidence) > MOST_EVIDENCE:
        raise Invalid("too_many", f"一次最多附 {MOST_EVIDENCE} 条记录：请选最要紧的。", field="evidence")
    return {"evidence": [dict(one) for one in evidence]} if evidence else {}


def _voice(c: Command) -> dict[str, Any]:
    if c.outcome not in HEARD:
        raise Invalid(
            "helped",
            "居民的话要选：有用 yes、有些用 partly、没用 no。",
            field="outcome",
            possible=list(HEARD),
        )
    said = c.said_by or "resident"
    if said not in SAID_BY:
        raise Invalid(
            "said_by",
            "是谁说的：resident 居民本人、proxy 家属代述。",
            field="said_by",
            possible=list(SAID_BY),
        )
    return {"helped": c.outcome, "said_by": said}


def clean(text: str) -> str:
    if "\x00" in text:
        raise Invalid("null_byte", "文字里有不可见的空字符，请删去后再提交。", field="note")
    if len(text) > LONGEST:
        raise Invalid("too_long", f"文字太长（{len(text)} 字），请压缩到 {LONGEST} 字以内。", field="note")
    return text.strip()
