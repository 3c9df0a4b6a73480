"""What the screen calls things: verbs, steps, clocks, urgencies. A pack's own words win where it has them.

One place for words that belong to the table of design §4 and not to any loop kind.
"""

from yishe.people import packs
from yishe.policy.loop_kinds import LoopKind

URGENCIES = {"red": "红", "orange": "橙", "yellow": "黄", "green": "绿"}
VERBS = {
    "receive": "收到了",
    "accept": "接单",
    "decline": "退回…",
    "ask_more": "请对方补充…",
    "supply": "补充情况…",
    "start": "开始办理",
    "hold": "暂停…",
    "resume": "恢复办理",
    "complete": "回写结果…",
    "fail": "没有办成…",
    "confirm": "确认闭环",
    "refer_on": "再转…",
    "reopen": "重新打开…",
    "cancel": "取消…",
    "hand_over": "转交他人…",
    "note": "记一笔进展…",
    "heard": "居民怎么说…",
    "void": "作废…",
}
SHORT = {"start": "已联系上", "ask_more": "请补充", "supply": "补充", "refer_on": "再转"}
"""Button words for rows, where a pack's own are a sentence."""
END = "按未办成结束"
DONE = {
    "receive": "已标记收到",
    "accept": "已接单",
    "decline": "已退回发出方",
    "ask_more": "已请对方补充",
    "supply": "已补充",
    "start": "已开始办理",
    "hold": "已暂停",
    "resume": "已恢复办理",
    "complete": "结果已回写，等发出方确认",
    "fail": "已告知发出方没有办成",
    "confirm": "已闭环",
    "refer_on": "已再转",
    "reopen": "已重新打开",
    "cancel": "已取消",
    "hand_over": "已转交",
    "note": "已记下",
    "heard": "已记下居民的话",
    "void": "已作废",
}
EVENTS = {
    "promised": "发出",
    "received": "收到",
    "accepted": "接单",
    "declined": "退回",
    "info_asked": "请发出方补充",
    "info_supplied": "补充情况",
    "started": "开始办理",
    "held": "暂停",
    "resumed": "恢复办理",
    "completed": "回写结果",
    "failed": "没有办成",
    "confirmed": "确认",
    "referred_on": "再转",
    "reopened": "重新打开",
    "cancelled": "取消",
    "handed_over": "转交",
    "noted": "记一笔进展",
    "heard": "记下居民的话",
    "voided": "作废",
    "reminded": "提醒",
    "escalated": "升级报告",
    "retimed": "节假日或日期有变，时限重算",
    "auto_confirmed": "到期自动确认",
    "broken_glass": "紧急查看了这位居民的资料",
    "child_closed": "有一轨已办完",
}
NOTICES = {
    "promised": "有一件转给您",
    "received": "对方已看到",
    "accepted": "已接单",
    "declined": "被退回",
    "info_asked": "请您补充情况",
    "info_supplied": "情况已补充",
    "started": "已联系居民，开始办理",
    "held": "已暂停",
    "resumed": "已恢复办理",
    "completed": "结果已回写",
    "failed": "没有办成",
    "confirmed": "已确认闭环",
    "referred_on": "已再转",
    "reopened": "被重新打开",
    "cancelled": "已取消",
    "handed_over": "已转交",
    "noted": "有新进展",
    "nudged": "催您办理",
    "heard": "有居民的话",
    "voided": "已作废",
    "reminded": "时限将到",
    "escalated": "已逾期",
    "retimed": "时限有变",
    "auto_confirmed": "到期自动确认",
}
RECORDS = {
    "encounter": "诊疗记录",
    "medication_change": "用药变更",
    "service_note": "服务记录",
    "observation": "测量值",
    "condition": "疾病、过敏或社会情况",
    "immunization": "接种",
}
STEPS = {
    "sent": "发出",
    "received": "收到",
    "accepted": "接单",
    "started": "办理",
    "completed": "回写结果",
    "confirmed": "发出方确认",
}
CLOCKS = {
    "accept": "接单",
    "supply": "补充",
    "first_contact": "首次联系",
    "finish": "回写结果",
    "confirm": "确认",
}
BUSINESS = {
    "awaiting-acceptance": "待接单",
    "seen": "已看到，待接单",
    "more-info-needed": "待补充",
    "accepted": "已接单",
    "in-progress": "办理中",
    "resident-hold": "暂停",
    "waiting": "暂停",
    "declined": "已退回，待发出方处理",
    "failed": "没办成，待发出方处理",
    "cancelled": "已取消，待发出方处理",
    "awaiting-sender-confirm": "待发出方确认",
    "closed": "已闭环",
    "void": "作废",
}
CLOSED_AS = {"served": "已闭环", "not_served": "已结束，未办成", "void": "已作废"}
HEARD = {"yes": "有帮助", "partly": "有一些帮助", "no": "没有帮助"}
MEASURES = {
    "sent": "发出",
    "accepted": "接单",
    "served": "办了",
    "confirmed": "发出方确认",
    "helped": "居民说有用",
    "closed_in_time": "按时闭环",
}
SPANS = {"accept": "接单", "first_contact": "首次联系", "finish": "办理", "confirm": "确认", "whole": "全程"}
FIRST_CHOICE = ("complete", "accept", "supply", "start", "resume", "confirm", "refer_on")
"""Which of the allowed verbs is the one primary action, by what brings the promise forward."""
FORWARD = {
    "requested": ("accept", "complete"),
    "seen": ("accept", "complete"),
    "asked": ("supply",),
    "accepted": ("start", "complete"),
    "in-progress": ("complete",),
    "on-hold": ("resume",),
    "completed": ("confirm",),
    "rejected": ("refer_on", "confirm"),
    "failed": ("refer_on", "confirm"),
    "cancelled": ("refer_on", "confirm"),
}


def verb(kind: LoopKind, code: str, *, brief: bool = False) -> str:
    """The button's words: the kind's own, else ours; `brief` for rows."""
    said = {str(name): str(words) for name, words in kind.verbs.items()}
    words = said.get(code) or VERBS.get(code, code).rstrip("…")
    return SHORT.get(code, words) if brief and len(words) > 6 else words


def coded(book: str, code: str) -> str:
    """A code of the pack's books in words; an unknown code stands for itself."""
    return str(packs.in_force().codes.get(book, {}).get(code, code))


def duty(code: str) -> str:
    found = packs.in_force().duties.get(code)
    return str(found.title) if found else code


def trait(code: str) -> str:
    found = packs.in_force().traits.get(code)
    return str(found.title) if found else code
