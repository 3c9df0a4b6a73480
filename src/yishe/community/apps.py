from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "yishe.community"
    label = "community"
    default_auto_field = "django.db.models.BigAutoField"
