"""/design: every component with its states, drawn by the same templates as the pages, from invented samples."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from yishe.doors.web.page import PREFERENCES
from yishe.doors.web.shapes import Act, Bar, Chip, Part, Person, Proof, Row, Said, Step, share_bar

NOW = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)
COLOURS = (
    ("ink", "墨", "正文"),
    ("accent", "主色", "主操作与链接"),
    ("red", "红", "逾期，或红色紧急"),
    ("orange", "橙", "今天到期，或橙色"),
    ("yellow", "黄", "快到了"),
    ("green", "绿", "办完了"),
    ("calm", "灰", "不急，或在等别人"),
)


@dataclass(frozen=True)
class Taken:
    drug: str
    dose: str
    frequency: str


@dataclass(frozen=True)
class Known:
    kind: str
    title: str


class SampleForm(forms.Form):
    """The field component: plain, with help, with an error, a choice, long text."""

    name = forms.CharField(label="姓名")
    phone = forms.CharField(label="联系电话", help_text="手机 11 位；座机带区号。", required=False)
    outcome = forms.ChoiceField(
        label="结果",
        choices=[("O1", "需求解决"), ("O2", "显著改善"), ("O4", "无变化")],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(label="说明", widget=forms.Textarea(attrs={"rows": 3}), required=False)


def design(request: HttpRequest) -> HttpResponse:
    """Public: it shows nobody."""
    chosen = {name: request.GET.get(name, "") for name in PREFERENCES}
    return render(request, "design.html", {**_samples(), "now": NOW, "preferences": chosen})


def _samples() -> dict[str, Any]:
    bad = SampleForm({"name": "", "phone": "123", "outcome": ""})
    bad.add_error("phone", "电话 123 只有 3 位：请填 11 位手机号，或带区号的座机。")
    return {
        "colours": COLOURS,
        "rows": _rows(),
        "chips": _chips(),
        "steps": _steps(),
        "story": _story(),
        "person": _person(),
        "form": SampleForm(auto_id="good_%s"),
        "bad": bad,
        "bars": _bars(),
        "ages": _ages(),
        "looks": ("go", "", "quiet", "grave"),
        "gone": replace(_person(), gone="已于 2026-10-02 去世", allergies=(), href=""),
        "stopped": (
            *_steps()[:2],
            Step("接单", "stopped"),
            Step("办理"),
            Step("回写结果"),
            Step("发出方确认"),
        ),
        "open": _rows()[:2],
        "medicines": (Taken("氯吡格雷", "75 mg", "每日一次"), Taken("缬沙坦胶囊", "80 mg", "每日一次")),
        "standing": (Known("allergy", "青霉素"), Known("disease", "高血压"), Known("social", "独居")),
    }


def _chips() -> tuple[Chip, ...]:
    late, soon = NOW - timedelta(hours=3), NOW + timedelta(hours=3, minutes=20)
    return (
        Chip("接单逾期 3 小时", "red", late),
        Chip("还剩 3 小时 20 分", "orange", soon),
        Chip("周三 14:00 前", "yellow", NOW),
        Chip("已闭环", "green", NOW),
        Chip("王医生 还剩 1 个工作日", "calm", NOW),
        Chip("12 月 16 日前"),
    )


def _rows() -> tuple[Row, ...]:
    late, today, week, _, waiting, _ = _chips()
    accept = Act("accept", "接单", "#", "go", dialog=False, about="1", person="王秀兰")
    decline = Act("decline", "退回…", "#", "quiet", dialog=False, about="1", person="王秀兰")
    write = Act("complete", "回写结果", "#", "go", dialog=False, about="2")
    nudge = Act("nudge", "催一下", "#", "quiet", dialog=False, about="4", person="吴德福")
    overdue = Chip("李敏 首次联系逾期 2 天", "red", NOW - timedelta(days=2))
    look = Act("open", "打开", "#", dialog=False, about="3")
    first = Row(
        "1", "#", "王秀兰", "孤独隔离，近一月少出门", late, "red", "79 岁", "独居", "王医生转来：", "D12"
    )
    aid = "辅具申请结果待回写：残联已受理，助行器"
    group = "自我管理小组第 3 次，签到并记录前后测"
    lost = "转医生：认知下降，家属诉常走错门"
    red = Row(
        "5", "#", "何志远", "当前有自伤念头", Chip("还剩 9 分钟", "red"), "red", "45 岁", sent_by="李敏转来："
    )
    return (
        replace(first, acts=(accept, decline)),
        Row("2", "#", "刘洪生", aid, today, "orange", "71 岁", "糖尿病", acts=(write,)),
        Row("3", "#", "孙桂英", group, week, "yellow", "76 岁", "高血压", acts=(look,)),
        Row("4", "#", "吴德福", lost, waiting, "calm", "81 岁", code="S14r", acts=(nudge,)),
        Row(
            "6",
            "#",
            "马淑芬",
            "首次联系：照护负担重",
            overdue,
            "red",
            "58 岁",
            said="今天 09:12 已催",
            phone="8003",
        ),
        replace(red, urgent=True),
    )


def _steps() -> tuple[Step, ...]:
    return (
        Step("发出", "done", "王医生 11-18"),
        Step("收到", "done", "即时"),
        Step("接单", "done", "李敏 1 天 1 小时"),
        Step("办理", "now", "第 2 天", "yellow"),
        Step("回写结果"),
        Step("发出方确认"),
    )


def _story() -> tuple[Said, ...]:
    start = NOW - timedelta(days=4)
    return (
        Said(start, "王医生", "发出转介", "近一月少出门，女儿在外地，UCLA-3 得 7 分。请评估社会支持。"),
        Said(start, "系统", "送达李敏（德胜一队社工），3 个工作日内接单：11-23（周一）09:12 前", system=True),
        Said(start + timedelta(days=1), "李敏", "接单：明天下午入户"),
        Said(
            start + timedelta(days=2),
            "李敏",
            "回写结果：显著改善",
            colour="green",
            proofs=(
                Proof("服务记录 · 介入", "李敏", start + timedelta(days=2), "愿意试助餐点，怕麻烦别人。"),
                Proof("入户记录"),
                Proof("诊疗记录", "王医生", start, note="有一次诊疗（经过由医护查看）"),
                Proof("收缩压 152 mmHg", "赵护士", start, note="与当时附上的不一致", alarm=True),
            ),
        ),
    )


def _person() -> Person:
    return Person(
        "王秀兰",
        "女",
        "79 岁",
        "0231",
        ("独居", "高血压", "失能 1 级"),
        "德胜一队（王医生 / 李敏）",
        ("青霉素",),
        href="#",
    )


def _bars() -> tuple[Bar, ...]:
    return (
        share_bar("发出", 412, 412, "#"),
        share_bar("接单", 389, 412, "#"),
        share_bar("服务", 331, 412, "#"),
        share_bar("确认", 298, 412, "#"),
        share_bar("有用", 3, 4, "#", small=True),
    )


def _ages() -> tuple[Bar, ...]:
    return (
        Bar("3 天内", "31", "件", "#", (Part("0", "62", "fine"), Part("62", "6", "late"))),
        Bar("4–14 天", "24", "件", "#", (Part("0", "34", "fine"), Part("34", "20", "late"))),
    )
