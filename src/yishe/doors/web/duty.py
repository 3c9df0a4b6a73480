"""值班: is anything due and not moved, what is stuck, what is latest, and who is on duty now."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from yishe.doors.web import loop_rows, page, spoken, wording
from yishe.doors.web.page import Here, signed_in
from yishe.loops import nudges, reach, reading, stuck, worker
from yishe.people import packs
from yishe.people.cards import cards
from yishe.trust import backup

OLDEST = 12


@signed_in
def duty(request: HttpRequest, here: Here) -> HttpResponse:
    late = reading.soonest(here.actor, {"set": "overdue"}, here.now, OLDEST)
    held = {one.loop: one for one in stuck.listed()}
    stopped = reading.soonest(here.actor, {"set": "open"}, here.now, OLDEST, only=list(held)) if held else ()
    shown = cards(one.subject for one in (*late, *stopped))
    asked = nudges.resting(late, here.actor.staff_id, here.now)
    page.seen(here, "read.duty", shown)
    waited, overdue = (
        worker.oldest_due(here.now),
        reading.how_many(here.actor, {"set": "overdue"}, here.now),
    )
    return page.show(
        request,
        here,
        "duty.html",
        {
            "place": "duty",
            "waited": spoken.span(waited),
            "worker_late": waited > late_worker(here),
            "waiting": bool(waited),
            "open": spoken.counted(reading.how_many(here.actor, {"set": "open"}, here.now), reach.COUNTED),
            "late_count": overdue,
            "overdue": spoken.counted(overdue, reach.COUNTED),
            "late": loop_rows.looked_after(late, shown, here, asked),
            "stuck_count": len(held),
            "stuck": [
                {"row": loop_rows.row(one, shown.get(one.subject), here, named=True), "why": held[one.id]}
                for one in stopped
            ],
            "on_duty": on_duty(here),
            **backups(here),
        },
    )


def late_worker(here: Here) -> timedelta:
    """How long a due clock may wait before this page says so."""
    return packs.in_force().settings(spoken.local(here.now).date()).worker_late.exact()


def backups(here: Here) -> dict[str, Any]:
    """How old the newest backup is that was restored on trial and found whole, whether that is too old, and what went
    wrong last; the reason for the administrator alone."""
    found, failed = backup.last_proven(), backup.last_failure()
    wanted = packs.in_force().settings(spoken.local(here.now).date()).backup
    old = found is None or here.now - found.made_at > wanted.proven_within.exact()
    return {
        "proven": spoken.span(here.now - found.made_at) if found else "",
        "backup_late": old and settings.BACKUP_DIR is not None,
        "backup_failed": bool(failed),
        "backup_why": failed if "administrator" in here.duties else "",
    }


def on_duty(here: Here) -> list[dict[str, Any]]:
    """Each centre with who the roster names now, and who answers when it names nobody."""
    found = []
    for unit in sorted(here.staff.units("centre"), key=lambda unit: unit.id != here.centre):
        turns = []
        for code in packs.in_force().duties:
            turn = here.staff.on_duty(unit.id, code, here.now)
            if turn:
                turns.append(
                    {
                        "duty": wording.duty(code),
                        "name": turn[0].name,
                        "phone": turn[0].phone,
                        "until": turn[1],
                    }
                )
        lead = here.staff.centre_lead(unit.id, here.now)
        found.append(
            {
                "name": unit.name,
                "turns": turns,
                "lead": lead,
                "emergency": unit.emergency,
            }
        )
    return found
