"""The hot reads, each as a request of somebody of this district. Needs Django set up."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.test import Client

from bench import filling
from yishe.people import directory, pinyin, sought
from yishe.people.models import Empanelment, Resident
from yishe.trust import accounts, clock
from yishe.trust.models import Account

Request = Callable[[], object]


def of_this_district() -> dict[str, Request]:
    """By name. Who asks: a doctor with residents of his own, a social worker, a director."""
    at = clock.now()
    doctor, whom = _doctor(at)
    worker, director = _holding("social_worker", at), _holding("centre_director", at)
    name = sought.named(Resident.objects.filter(pk=whom))[0].name
    searched = {
        "name": name,
        "surname and one": name[:2],
        "pinyin": pinyin.full(name)[:4],
        "initials": pinyin.initials(name),
    }
    searches = {
        f"search by {what}": _api(doctor, f"/residents?q={quote(word)}") for what, word in searched.items()
    }
    return {
        "work list of 20 (API)": _api(worker, "/worklist"), "today": _page(doctor, "/"),
        "resident page": _page(doctor, f"/residents/{whom}"), "beside her (near)": _page(doctor, f"/residents/{whom}/near"),
        "timeline, page 1 (API)": _api(doctor, f"/residents/{whom}/timeline?limit=5"),
        "timeline, page 50 or the last (API)": _api(doctor, _late(doctor, f"/residents/{whom}/timeline?limit=5")),
        "own residents": _page(doctor, "/residents"), "panel": _page(doctor, "/panel"), "calls": _page(doctor, "/calls"),
        "ledger of a team": _page(doctor, "/loops"), "ledger of a centre": _page(director, "/loops"),
        "late ones behind the board": _page(director, "/loops?set=overdue&sort=due"), "loops of a team (API)": _api(doctor, "/loops"),
        "notices": _page(doctor, "/notices"), **searches, "search by tail": _api(doctor, "/residents?q=1234"),
        "surname, own panel": _api(doctor, f"/residents?q={quote(name[:1])}"),
        "search in a whole centre": _api(director, f"/residents?q={pinyin.full(name)[:4]}"),
    }  # fmt: skip


def _late(account: UUID, path: str, pages: int = 50) -> str:
    """The address of a page so far on, or of the last."""
    token = accounts.issue_token(Account.objects.get(id=account), "bench", clock.now())
    client, at = Client(headers={"Authorization": f"Bearer {token}"}), path
    for _ in range(pages - 1):
        following = client.get(f"/api/v1{at}").json()["next"]
        if following is None:
            break
        at = f"{path}&cursor={quote(following)}"
    return at


def _doctor(at: datetime) -> tuple[UUID, UUID]:
    """A family doctor with an account, and a resident he is named for."""
    for member in _members("family_doctor", at):
        found = (
            Empanelment.objects.filter(doctor=member.id, until=None)
            .values_list("resident", flat=True)
            .first()
        )
        if found is not None:
            return member.account, found
    raise RuntimeError("no family doctor of this district has a resident")


def _holding(duty: str, at: datetime) -> UUID:
    return next(member.account for member in _members(duty, at))


def _members(duty: str, at: datetime) -> list[Any]:
    people = sorted(directory.current().people.values(), key=lambda one: str(one.id))
    return [one for one in people if one.account and duty in one.duties(at)]


def _page(account: UUID, path: str) -> Request:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = filling.session(Account.objects.get(id=account))
    return lambda: _well(client.get(path), path)


def _api(account: UUID, path: str) -> Request:
    token = accounts.issue_token(Account.objects.get(id=account), "bench", clock.now())
    client = Client(headers={"Authorization": f"Bearer {token}"})
    return lambda: _well(client.get(f"/api/v1{path}"), path)


def _well(answer: Any, path: str) -> Any:
    if answer.status_code not in (200, 302):
        raise RuntimeError(f"{path} was answered by {answer.status_code}")
    return answer
