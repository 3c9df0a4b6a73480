"""/api/v1/."""

from django.urls import path

from yishe.doors.api.v1 import api

urlpatterns = [path("api/v1/", api.urls)]
