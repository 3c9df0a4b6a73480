from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "yishe.lab"
    label = "lab"
    default_auto_field = "django.db.models.BigAutoField"
    command_line = "yishe.lab.commands"
    commands = ("demo", "world")
