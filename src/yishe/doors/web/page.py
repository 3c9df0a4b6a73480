"""What every page shares: who is here, when, how it is shown, and the line that says who looked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from yishe.doors import admission, limits, refusals
from yishe.doors.web import entering, spoken
from yishe.insight import audit, desk
from yishe.people import directory
from yishe.people.actors import Actor, serving
from yishe.people.directory import Directory
from yishe.policy.refusals import Conflict, Forbidden, NotFound, Refused
from yishe.trust import access_log, clock, sessions

PREFERENCES = {"theme": ("", "light", "dark"), "density": ("", "dense"), "mode": ("", "elder")}
YEAR_SECONDS = 365 * 86400


@dataclass(frozen=True)
class Here:
    """One request by a person signed in: read once, handed down."""

    actor: Actor
    now: datetime
    staff: Directory
    preferences: dict[str, str] = field(default_factory=dict)

    @property
    def centre(self) -> UUID | None:
        return self.actor.member.centre(self.now)

    @property
    def duties(self) -> frozenset[str]:
        return self.actor.member.duties(self.now)

    def home(self) -> UUID:
        """Where access lines of this person are kept."""
        return self.actor.member.home(self.now)


View = Callable[..., HttpResponseBase]


def signed_in(view: View) -> View:
    """Only for staff who are signed in; others go to the door and come back. The view gets `here`."""

    @never_cache
    @wraps(view)
    def opened(request: HttpRequest, **path: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_the_door(request)
        here = arrived(request, request.user.pk)
        held_up = _held_up(request, here)
        if held_up is not None:
            return held_up
        try:
            limits.take("person", here.actor.staff_id, here.now)
            return view(request, here, **path)
        except (Forbidden, NotFound) as refused:
            refusals.note(here.actor, refused, here.now, f"{request.method} {request.path}")
            raise

    return opened


def arrived(request: HttpRequest, account: UUID) -> Here:
    """Who has come, when, and how he likes it shown. Refused for an account that serves no more."""
    staff, now = directory.current(), clock.now()
    return Here(serving(account, now, staff.version), now, staff, preferences(request))


def _held_up(request: HttpRequest, here: Here) -> HttpResponse | None:
    """What stands between this request and the page: another person on this screen, or a second step still missing."""
    if _changed_hands(request, here.actor):
        return _another_person(request)
    row, account = admission.session_of(request), here.actor.account_id
    if row is None or account is None:
        return _to_the_door(request)
    if row.strong_at is None and admission.asks_second(account, here.now, clock.real_now()):
        return entering.step_up(request, _here(request))
    if getattr(request.user, "given_at", None) is not None:
        return HttpResponseRedirect(f"/sign-in/own-password?next={quote(_here(request))}")
    return None


def _here(request: HttpRequest) -> str:
    return request.get_full_path() if request.method == "GET" else "/"


def _to_the_door(request: HttpRequest) -> HttpResponse:
    door = f"/sign-in?next={quote(request.get_full_path())}"
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Redirect": "/sign-in"})
    return HttpResponseRedirect(door)


def _changed_hands(request: HttpRequest, actor: Actor) -> bool:
    """An open page of somebody else, who was here before on this screen, asks or sends by itself."""
    return request.headers.get("X-Person", person_tag(actor)) != person_tag(actor)


def _another_person(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    raise Conflict("another_person", "这台设备刚换了人登录，没有提交：请由本人重新登录后再办。")


def person_tag(actor: Actor) -> str:
    """By which an open page knows whose it is."""
    return actor.staff_id.hex[-12:]


def preferences(request: HttpRequest) -> dict[str, str]:
    """Theme, density and 长辈模式 as this person left them on this machine."""
    found = {}
    for name, allowed in PREFERENCES.items():
        value = request.COOKIES.get(_cookie(request, name), "")
        found[name] = value if value in allowed else ""
    return found


def remember(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    if value in PREFERENCES.get(name, ()):
        response.set_cookie(
            _cookie(request, name), value, max_age=YEAR_SECONDS, samesite="Lax", httponly=True
        )


def _cookie(request: HttpRequest, name: str) -> str:
    """Kept per person, as several people share one machine."""
    return f"{name}-{str(request.user.pk)[-12:]}" if request.user.is_authenticated else name


def show(
    request: HttpRequest,
    here: Here,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Render a page inside the frame. `place` in the context marks where in the rail we are."""
    row, rules = admission.session_of(request), admission.rules(clock.real_now())
    waiting = desk.waiting(here.actor.staff_id)
    shared = {
        "here": here,
        "whose": person_tag(here.actor),
        "idle": int((sessions.idle(row, rules) if row else rules.screen.idle.exact()).total_seconds()),
        "turns": row is not None and row.shared,
        "now": here.now,
        "preferences": here.preferences,
        "today_line": spoken.today_line(here.now),
        "post_line": post_line(here),
        "unread": waiting.unread,
        "todo_count": waiting.mine,
        "may_audit": audit.may(here.actor, here.now),
    }
    return render(request, template, {**shared, **(context or {})}, status=status)


def ask(request: HttpRequest, here: Here, told: dict[str, Any], *, status: int = 0) -> HttpResponse:
    """A form (`told["form"]`): in the dialog of the page that asked for it, else as a page of its own. 422 when it was refused."""
    template = "parts/dialog_form.html" if getattr(request, "htmx", False) else "form_page.html"
    return show(request, here, template, told, status=status or (422 if told["form"].errors else 200))


def refused_in(form: BaseForm, refused: Refused) -> None:
    """What the verb refused stands in the form with what was typed: at its field, or above all of them."""
    name = refused.extra.get("field")
    form.add_error(name if name in form.fields else None, refused.title)


def post_line(here: Here) -> str:
    """`德胜一队` for someone in a team, else the organisation served in."""
    held = here.actor.member.held(here.now)
    names = [here.staff.organisation(post.organisation).name for post in held]
    return "、".join(dict.fromkeys(names[:2]))


def seen(here: Here, action: str, subjects: Iterable[UUID], *, relation: str = "", purpose: str = "") -> None:
    """Leave the one access line of this request."""
    access_log.line(
        None,
        home=here.home(),
        actor=here.actor.staff_id,
        action=action,
        subjects=dict.fromkeys(subjects),
        at=here.now,
        relation=relation,
        purpose=purpose,
    )


EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def attached(content: bytes, name: str, media: str = EXCEL) -> HttpResponse:
    """A file to be kept; `name` in ASCII."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=media, headers=headers)


def done(request: HttpRequest, words: str, to: str) -> HttpResponse:
    """After a write: inside a live page close the form and say so; else go to the page that shows it."""
    if getattr(request, "htmx", False):
        response = HttpResponse(status=204)
        response["HX-Trigger"] = _event("acted", words)
        return response
    messages.success(request, words)
    return HttpResponseRedirect(to)


def _event(name: str, words: str) -> str:
    safe = words.replace("\\", "").replace('"', "”").encode("ascii", "backslashreplace").decode()
    return f'{{"{name}": {{"words": "{safe}"}}}}'
