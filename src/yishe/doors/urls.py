"""Every path: the API under /api/v1/, pages everywhere else. /live/ is answered before Django (live/front)."""

from django.urls import include, path

urlpatterns = [
    path("", include("yishe.doors.api.urls")),
    path("", include("yishe.doors.web.urls")),
]

handler400 = "yishe.doors.web.answers.unreadable"
handler404 = "yishe.doors.web.answers.not_found"
handler500 = "yishe.doors.web.answers.failed"
