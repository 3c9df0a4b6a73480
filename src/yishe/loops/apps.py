from django.apps import AppConfig


class LoopsConfig(AppConfig):
    name = "yishe.loops"
    label = "loops"
    default_auto_field = "django.db.models.BigAutoField"
