"""What a form says of the press itself: the state it was made from, and the number by which a second press is the first."""

from django.http import HttpRequest

from yishe.policy.refusals import Invalid
from yishe.trust import ids

LONGEST, MOST_DIGITS = 128, 9


def command(request: HttpRequest) -> str:
    """The number of this press, made anew where the form has none. Invalid for one no form of ours holds."""
    told = request.POST.get("command_id", "")
    if len(told) > LONGEST:
        raise Invalid("bad_form", "这张表单不完整或被改动过：请刷新页面后再办。", field="command_id")
    return told or str(ids.new())


def seq(request: HttpRequest, otherwise: int) -> int:
    """How far the loop had come when the form was made; `otherwise` where the form says nothing. Invalid for what is no
    number."""
    told = request.POST.get("seq", "")
    if not told:
        return otherwise
    if not (told.isdecimal() and len(told) <= MOST_DIGITS):
        raise Invalid("bad_form", "这张表单不完整或被改动过：请刷新页面后再办。", field="seq")
    return int(told)
