"""Django settings, read from environment variables only.

YISHE_HOME             data folder (default ~/.yishe): database, secret key, uploads
YISHE_DATABASE_URL     e.g. postgresql://user:password@host/name or sqlite:////path (default: SQLite in YISHE_HOME)
YISHE_SECRET_KEY_FILE  root key (default YISHE_HOME/secret.key; made by `yishe migrate`)
YISHE_ROOT_KEY_COMMAND a command that prints the root key in base64 (HSM, KMS), instead of the file
YISHE_CIPHER           aes (default) or sm4: what sealed values are written with; both open
YISHE_BACKUP_DIR       where the worker puts a backup every day (default: none is made)
YISHE_BACKUP_ALSO      a second place for every backup
YISHE_PACKS            policy pack folders, separated by ":" (default: base, then the demo overlay)
"""

import os
import sys
from pathlib import Path
from typing import Any

import dj_database_url

from yishe.trust import root_key

PACKAGE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("YISHE_HOME") or Path.home() / ".yishe").expanduser()
SECRET_KEY_FILE = Path(os.environ.get("YISHE_SECRET_KEY_FILE") or HOME / "secret.key").expanduser()
ROOT_KEY_COMMAND = os.environ.get("YISHE_ROOT_KEY_COMMAND", "")
CIPHER = os.environ.get("YISHE_CIPHER") or "aes"
BACKUP_DIR, BACKUP_ALSO = (
    Path(named).expanduser() if (named := os.environ.get(variable)) else None
    for variable in ("YISHE_BACKUP_DIR", "YISHE_BACKUP_ALSO")
)
PACKS_ROOT = PACKAGE.parents[1] / "packs"
PACKS = [
    Path(p).expanduser()
    for p in (
        os.environ.get("YISHE_PACKS") or f"{PACKS_ROOT / 'base'}{os.pathsep}{PACKS_ROOT / 'demo'}"
    ).split(os.pathsep)
    if p
]

SECRET_KEY = root_key.derived(SECRET_KEY_FILE, ROOT_KEY_COMMAND, "django")
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "yishe.doors.urls"
WSGI_APPLICATION = "yishe.doors.wsgi.application"
APPEND_SLASH = False

ROOMS = ["trust", "people", "talk", "loops", "community", "care", "insight", "doors", "lab"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    *(f"yishe.{room}.apps.{room.capitalize()}Config" for room in ROOMS),
]
MIDDLEWARE = [
    "yishe.doors.picture.OnePicture",
    "django.middleware.security.SecurityMiddleware",
    "yishe.doors.api.entrance.ApiEntrance",  # answers /api/ itself: no session, no CSRF on that path
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "yishe.doors.web.answers.Answers",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "doors" / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "yishe.doors.web.tags"],
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [PACKAGE / "doors" / "web" / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

AUTH_USER_MODEL = "trust.Account"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "/sign-in"
CSRF_FAILURE_VIEW = "yishe.doors.web.answers.stale_form"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    if not url.startswith(("postgres://", "postgresql://")):
        sys.exit(
            "YISHE_DATABASE_URL 应以 postgresql:// 开头，例如 postgresql://user:password@host/yishe；不设则用 SQLite。"
        )
    found: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=None))
    # Work is one or two prepared statements; binding on the server is what lets them be prepared.
    found["OPTIONS"] = {
        **found.get("OPTIONS", {}),
        "server_side_binding": True,
        "prepare_threshold": 1,
        "application_name": "yishe",
    }
    # A connection that rested is tried before use (doors.picture); one in use costs no extra statement.
    return found


def _database(url: str) -> dict[str, Any]:
    if not url:
        return _sqlite(HOME / "yishe.sqlite3")
    return _sqlite(Path(url.removeprefix("sqlite:///"))) if url.startswith("sqlite:///") else _postgresql(url)


DATABASE_URL = os.environ.get("YISHE_DATABASE_URL", "")
DATABASES = {"default": _database(DATABASE_URL)}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
