"""导入: upload a roster, see what would happen, take it in, get every row back with its reason; decide held rows."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from yishe.care import past_undo
from yishe.doors.web import import_desk, page, undoing
from yishe.doors.web.page import Here, signed_in
from yishe.people import access, import_held, packs
from yishe.people.cards import mask_name
from yishe.people.import_report import TITLES
from yishe.people.models import ImportRow, ImportRun
from yishe.policy.refusals import Invalid, Refused

MOST_BYTES = 32 * 1024 * 1024
SHOWN = 50
KINDS = (".xlsx", ".csv")
COLOURS = {"created": "green", "updated": "calm", "unchanged": "calm", "held": "orange", "rejected": "red"}


@signed_in
def importing(request: HttpRequest, here: Here) -> HttpResponse:
    rows, why = _waiting(here)
    page.seen(here, "read.import_held", [row.run.subject for row in rows])
    return page.show(
        request,
        here,
        "import.html",
        {
            "place": "import",
            "held": [_held(row) for row in rows[:SHOWN]],
            "held_count": len(rows),
            "why_not": why,
            "kinds": _kinds(),
            "runs": [undoing.line(one) for one in _recent(here)],
        },
    )


@require_POST
@signed_in
def upload(request: HttpRequest, here: Here) -> HttpResponse:
    access.require_in_organisation(here.actor, import_held.IMPORT, here.home(), here.now)
    file = request.FILES.get("roster")
    if file is None or not file.name:
        raise Invalid("no_file", "没有选择文件：请选一个 .xlsx 或 .csv 名册。")
    if not file.name.lower().endswith(KINDS):
        raise Invalid(
            "wrong_kind", f"“{file.name}”不是 .xlsx 或 .csv：请在 Excel 或 WPS 里另存为其中一种再上传。"
        )
    if (file.size or 0) > MOST_BYTES:
        raise Invalid("too_large", "文件超过 32 MB：请按社区或团队拆开上传。")
    kind = request.POST.get("kind", import_desk.ROSTER)
    if kind not in _kinds():
        raise Invalid("past_kind", f"请选这份文件是什么：{'、'.join(_kinds().values())}。", field="kind")
    job = import_desk.receive(here.actor, file.name, file.read(), here.now, kind)
    return HttpResponseRedirect(f"/import/{job.id}")


@signed_in
def job(request: HttpRequest, here: Here, job_id: str) -> HttpResponse:
    """How far it is; when done, the counts and what to mend."""
    found = import_desk.find(here.actor, job_id)
    outcomes = [
        {
            "words": TITLES[code],
            "count": count,
            "colour": COLOURS[code] if count else "calm",
            "opens": code in ("held", "rejected"),
        }
        for code, count in found.counts.items()
    ]
    return page.show(
        request, here, "import_job.html", {"place": "import", "job": found, "outcomes": outcomes}
    )


@require_POST
@signed_in
def take_in(request: HttpRequest, here: Here, job_id: str) -> HttpResponse:
    import_desk.take_in(here.actor, job_id, here.now)
    return HttpResponseRedirect(f"/import/{job_id}")


@signed_in
def result(request: HttpRequest, here: Here, job_id: str) -> HttpResponse:
    workbook = import_desk.result(here.actor, job_id, here.now)
    return page.attached(workbook, "daoru-jieguo.xlsx")


@require_POST
@signed_in
def resolve(request: HttpRequest, here: Here, row: int) -> HttpResponse:
    """同一人 or 新居民, decided by a person."""
    import_held.resolve(here.actor, row, request.POST.get("answer", ""), here.now)
    return page.done(request, "已处理这一行", "/import")


def _kinds() -> dict[str, str]:
    """What a workbook may hold."""
    past = packs.in_force().imports.past
    return {import_desk.ROSTER: "名册"} | {code: one.title.zh for code, one in past.items()}


def _recent(here: Here) -> list[ImportRun]:
    """What this person may still take back."""
    return past_undo.recent(here.actor, here.centre, here.now) if here.centre else []


def _waiting(here: Here) -> tuple[list[ImportRow], str]:
    if here.centre is None:
        return [], ""
    try:
        return import_held.waiting(here.actor, here.centre, here.now), ""
    except Refused as refused:
        return [], refused.title


def _held(row: ImportRow) -> dict[str, Any]:
    said = import_held.opened(row)
    return {
        "id": row.id,
        "number": row.number,
        "sheet": row.sheet,
        "name": mask_name(said.name),
        "reason": row.reason,
        "born": said.birth_date,
        "tail": (said.id_number or "")[-4:],
        "candidate": row.candidate_id,
        "file": row.run.file_name,
    }
