"""Every page's path. Paths have no trailing slash."""

from django.urls import path

from yishe.doors.web import design, preferences, sign_in

urlpatterns = [
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("preferences", preferences.prefer, name="preferences"),
    path("me", preferences.settings, name="me"),
    path("design", design.design, name="design"),
]
