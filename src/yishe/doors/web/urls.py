"""Every page's path. Paths have no trailing slash."""

from django.urls import path

from yishe.doors.web import (
    board,
    design,
    duty,
    ledger,
    loop,
    notices,
    preferences,
    recording,
    refer,
    resident,
    residents,
    sign_in,
    team,
    today,
)

urlpatterns = [
    path("", today.today, name="today"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("preferences", preferences.prefer, name="preferences"),
    path("me", preferences.settings, name="me"),
    path("design", design.design, name="design"),
    path("residents", residents.residents, name="residents"),
    path("residents/<uuid:resident>", resident.resident, name="resident"),
    path("residents/<uuid:resident>/reveal/<slug:field>", resident.reveal, name="reveal"),
    path("residents/<uuid:resident_id>/record", recording.choose, name="record"),
    path("residents/<uuid:resident_id>/record/<slug:kind>", recording.record, name="record-kind"),
    path("residents/<uuid:resident_id>/refer", refer.choose, name="refer"),
    path("residents/<uuid:resident_id>/refer/<str:kind>/<str:reason>", refer.send, name="refer-send"),
    path("loops", ledger.ledger, name="ledger"),
    path("loops/export", ledger.take_out, name="export"),
    path("loops/<uuid:loop_id>", loop.loop, name="loop"),
    path("loops/<uuid:loop>/track", refer.follow, name="track"),
    path("loops/<uuid:loop_id>/<slug:verb>", loop.act, name="act"),
    path("board", board.board, name="board"),
    path("duty", duty.duty, name="duty"),
    path("notices", notices.notices, name="notices"),
    path("notices/read", notices.mark_read, name="notices-read"),
    path("notices/<uuid:notice>/read", notices.mark_read, name="notice-read"),
    path("team", team.team, name="team"),
    path("team/leave", team.take_leave, name="leave"),
    path("team/shift", team.put_shift, name="shift"),
]
