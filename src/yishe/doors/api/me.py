"""GET /me."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from yishe.doors.api.wire import caller
from yishe.people import directory
from yishe.talk import notices

router = Router(tags=["me"])


@router.get("/me")
def me(request: HttpRequest) -> dict[str, Any]:
    """Who this token is: the id that loops name as owner, sender or performer, with duties and places."""
    who = caller(request)
    member, book = who.actor.member, directory.current()
    teams = [book.organisation(team) for team in sorted(member.teams(who.at))]
    centre = member.centre(who.at)
    return {
        "id": who.actor.staff_id,
        "name": who.actor.name,
        "title": member.title,
        "duties": sorted(member.duties(who.at)),
        "team": teams[0].id if teams else None,
        "teams": [{"id": team.id, "name": team.name} for team in teams],
        "centre": centre,
        "centre_name": book.organisation(centre).name if centre else None,
        "unread": notices.unread_count(who.actor.staff_id),
        "now": who.at.isoformat(),
    }
