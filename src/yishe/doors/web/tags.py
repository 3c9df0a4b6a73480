"""Template tags of the pages: icons from the lucide wheel, and times said aloud."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField
from django.template.base import Parser, Token
from django.templatetags.i18n import TranslateNode, do_translate
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from lucide.templatetags.lucide import lucide

from yishe.doors.web import sign_in_words, spoken

register = template.Library()


class Constant(template.Node):
    """Words of ours, which are the same on every page: looked up once for each language."""

    def __init__(self, asked: TranslateNode) -> None:
        self.asked = asked
        self.said: dict[str | None, str] = {}

    def render(self, context: template.Context) -> str:
        language = get_language()
        found = self.said.get(language)
        if found is None:
            found = self.said[language] = self.asked.render(context)
        return found


@register.tag
def translate(parser: Parser, token: Token) -> template.Node:
    """Django's own; of mere words it keeps what they are in a language, as a page says some fifty of them."""
    node: TranslateNode = do_translate(parser, token)
    words = node.filter_expression
    mere = isinstance(words.var.literal, str) and not words.filters
    return Constant(node) if mere and not node.asvar and not node.message_context else node


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, size: int = 16) -> SafeString:
    """A decorative lucide icon; the words beside it carry the meaning."""
    return mark_safe(lucide(name, size=size, aria_hidden="true", focusable="false"))  # noqa: S308


@register.filter
def exact(at: datetime | None) -> str:
    return spoken.exact(at) if at else ""


@register.filter
def stamp(at: datetime | None, now: datetime) -> str:
    return spoken.stamp(at, now) if at else ""


@register.filter
def iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


@register.filter
def date_words(at: datetime | None, now: datetime) -> str:
    return spoken.day(at, now) if at else ""


@register.filter
def percent(part: float, whole: float) -> str:
    """A share as a width for an SVG bar, 0–100 with one decimal."""
    return f"{100 * part / whole:.1f}" if whole else "0"


@register.filter
def errors_said(field: BoundField) -> list[str]:
    """What is wrong with a field, and what to do: by its label where Django only says that something is missing."""
    said = []
    for error in field.errors.as_data():
        verb = "选择" if hasattr(field.field, "choices") else "填写"
        if error.code == "required":
            said.append(f"请{verb}“{field.label}”。")
        elif error.code == "invalid_choice":
            said.append(f"“{field.label}”没有这一项：请从列出的里面选。")
        else:
            said += error.messages
    return said


@register.filter
def at_key(mapping: dict[str, Any], key: str) -> Any:
    return mapping.get(key, "")


register.filter("event_words", sign_in_words.event)
register.filter("way_words", sign_in_words.way)


@register.simple_tag(takes_context=True)
def same_page(context: dict[str, Any], **changes: Any) -> str:
    """The present query with some keys changed (None or empty removes), for pagers, filters and sorting."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        else:
            query[key] = value
    return f"?{query.urlencode()}"
