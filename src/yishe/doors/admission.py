"""Whether a browser that shows a session is let on: asked by pages at every request, by streams as they go."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest

from yishe.doors.session_store import SessionStore
from yishe.doors.web import spoken
from yishe.people import directory, packs
from yishe.policy.sign_in_rules import SignInVersion
from yishe.trust import devices, sessions
from yishe.trust.models import Session
from yishe.trust.sessions import Verdict


def session_of(request: HttpRequest) -> Session | None:
    """The session this request shows; None for a browser without one."""
    store = request.session
    return store.row if isinstance(store, SessionStore) else None


def rules(at: datetime) -> SignInVersion:
    """What the packs in force say about signing in on that day."""
    return packs.in_force().sign_in(spoken.local(at).date())


def verdict(row: Session, device: str, at: datetime) -> Verdict:
    """`device` is what the device's cookie said; `at` is real time."""
    return sessions.judge(row, devices.read(device) if device else None, at, rules(at))


def asks_second(account: UUID, story: datetime, at: datetime) -> bool:
    """Whether someone with these duties may not come in by a password alone. Duties hold in the story's time."""
    member = directory.current().by_account(account)
    duties = member.duties(story) if member else frozenset()
    return bool(duties & set(rules(at).second_factor.duties))
