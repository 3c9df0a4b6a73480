"""Template tags of the pages: icons from the lucide wheel, and times said aloud."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

from yishe.doors.web import sign_in_words, spoken

register = template.Library()


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
