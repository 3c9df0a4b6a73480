"""The residents' own pages: who came in, the frame of every page, and the line that says who looked.

A resident sees her own record, a relative what a consent in force lets him; neither ever meets a staff page, and no member
of staff meets these.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from yishe.doors import admission, limits, refusals
from yishe.doors.web.page import Here, View
from yishe.people import directory, own_accounts
from yishe.people.access import OWN
from yishe.people.own_accounts import Own
from yishe.people.placements import Placement
from yishe.policy.refusals import Forbidden, NotFound
from yishe.trust import access_log, clock

DOOR = "/my/sign-in"
HOME = "/my"


@dataclass(frozen=True)
class Mine(Here):
    """One request by somebody outside the service."""

    own: Own = None  # type: ignore[assignment]

    @property
    def where(self) -> Placement:
        """The resident's own record. Forbidden for a relative."""
        if self.own.where is None:
            raise Forbidden("not_yours", "这一页只给居民本人：家属能看的，在您自己的首页上。")
        return self.own.where

    def home(self) -> UUID:
        return self.own.where.home if self.own.where else self.own.person


def at_home(view: View) -> View:
    """Only for residents and relatives who are signed in; others go to their door. The view gets `mine`."""

    @never_cache
    @wraps(view)
    def opened(request: HttpRequest, **path: Any) -> HttpResponseBase:
        if not request.user.is_authenticated or admission.session_of(request) is None:
            return HttpResponseRedirect(DOOR)
        mine = arrived(request.user.pk)
        try:
            limits.take("person", mine.own.person, mine.now)
            return view(request, mine, **path)
        except (Forbidden, NotFound) as refused:
            refusals.note(mine.actor, refused, mine.now, f"{request.method} {request.path}")
            raise

    return opened


def hers(view: Callable[..., HttpResponseBase]) -> View:
    """Only for the resident herself: nobody exercises a right for her by a consent to look."""

    @at_home
    @wraps(view)
    def opened(request: HttpRequest, mine: Mine, **path: Any) -> HttpResponseBase:
        return view(request, mine, mine.where, **path)

    return opened


def arrived(account: UUID) -> Mine:
    """Who has come, and when. Forbidden for a member of staff, and for who is not known any more."""
    own = own_accounts.required(account)
    return Mine(own.actor, clock.now(), directory.current(), {}, own)


def show(
    request: HttpRequest, mine: Mine, template: str, told: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Render a page inside the residents' frame. `about` in what is told is whose open page a withdrawal closes."""
    return render(request, f"my/{template}", {"mine": mine, "now": mine.now, **(told or {})}, status=status)


def seen(mine: Mine, action: str, about: Placement, *, relation: str = OWN, purpose: str = OWN) -> None:
    """Leave the one access line of this request."""
    access_log.line(
        None, home=about.home, actor=mine.own.person, action=f"my.{action}", subjects=[about.subject], at=mine.now,
        relation=relation, purpose=purpose,
    )  # fmt: skip
