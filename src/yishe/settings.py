"""Django settings, read from environment variables only.

YISHE_HOME             data folder (default ~/.yishe): database, secret key, uploads
YISHE_DATABASE_URL     e.g. postgresql://user:password@host/name or sqlite:////path (default: SQLite in YISHE_HOME)
YISHE_DATABASE_POOLED  1 when YISHE_DATABASE_URL leads to PgBouncer in transaction pooling: nothing is then kept in a session
YISHE_DATABASE_DIRECT_URL  the same database past the pooler: for streams, which listen, for commands and for the day's batches;
                       needed with YISHE_DATABASE_POOLED
YISHE_SECRET_KEY_FILE  root key (default YISHE_HOME/secret.key; made by `yishe migrate`)
YISHE_ROOT_KEY_COMMAND a command that prints the root key in base64 (HSM, KMS), instead of the file
YISHE_CIPHER           aes (default) or sm4: what sealed values are written with; both open
YISHE_CODE_COMMAND     a command that carries sign-in codes to phones (an SMS gateway): gets {"phone", "text"} as JSON on its
                       standard input (default: none; residents then come in by slips and passkeys, in a demo by the
                       codes the worker prints)
YISHE_BACKUP_DIR       where the worker puts a backup every day (default: none is made)
YISHE_BACKUP_ALSO      a second place for every backup
YISHE_ORIGIN           the address people use, e.g. https://yishe.example.cn (several: separated by commas); https makes
                       cookies secure and sends HSTS; other Host headers are then refused
YISHE_TRUSTED_PROXIES  addresses or networks of the proxies in front, whose X-Forwarded-* headers are believed
YISHE_METRICS_DIR      a folder of this machine, best in memory (/run/yishe), where its processes count; read by `yishe metrics`
YISHE_METRICS_TOKEN_FILE  what `yishe metrics` wants to be shown (Bearer) where others than this machine can reach it
YISHE_LOG_REQUESTS     1: a line of the log for each request, without addresses or persons
YISHE_TRACING          1: spans for OpenTelemetry (extra `tracing`; OTEL_* name where they go)
YISHE_PACKS            policy pack folders, separated by ":" (default: those that `yishe pack switch-on` wrote
                       down in YISHE_HOME/packs; without them base, then the demo overlay)
"""

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from yishe.trust import root_key

PACKAGE = Path(__file__).resolve().parent
HOME = Path(os.environ.get("YISHE_HOME") or Path.home() / ".yishe").expanduser()
SECRET_KEY_FILE = Path(os.environ.get("YISHE_SECRET_KEY_FILE") or HOME / "secret.key").expanduser()
ROOT_KEY_COMMAND = os.environ.get("YISHE_ROOT_KEY_COMMAND", "")
CODE_COMMAND = os.environ.get("YISHE_CODE_COMMAND", "")
CIPHER = os.environ.get("YISHE_CIPHER") or "aes"
BACKUP_DIR, BACKUP_ALSO = (
    Path(named).expanduser() if (named := os.environ.get(variable)) else None
    for variable in ("YISHE_BACKUP_DIR", "YISHE_BACKUP_ALSO")
)
METRICS_DIR, METRICS_TOKEN_FILE = (
    Path(named).expanduser() if (named := os.environ.get(variable)) else None
    for variable in ("YISHE_METRICS_DIR", "YISHE_METRICS_TOKEN_FILE")
)
if METRICS_DIR is not None:
    METRICS_DIR.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)  # where its library looks
PACKS_ROOT = PACKAGE.parents[1] / "packs"
PACKS_FILE = HOME / "packs"


def _flag(name: str) -> bool:
    said = os.environ.get(name, "")
    if said not in ("", "0", "1"):
        sys.exit(f"{name} 应为 1（是）或 0（否），现在是 {said!r}：请改正后再启动。")
    return said == "1"


def _packs() -> list[Path]:
    if named := os.environ.get("YISHE_PACKS"):
        return [Path(one).expanduser() for one in named.split(os.pathsep) if one]
    if PACKS_FILE.is_file():
        return [Path(one) for one in PACKS_FILE.read_text(encoding="utf-8").splitlines() if one]
    return [PACKS_ROOT / "base", PACKS_ROOT / "demo"]


PACKS = _packs()
LOG_REQUESTS, TRACING = _flag("YISHE_LOG_REQUESTS"), _flag("YISHE_TRACING")

SECRET_KEY = root_key.derived(SECRET_KEY_FILE, ROOT_KEY_COMMAND, "django")
DEBUG = False


def _origins(named: str) -> list[str]:
    found = [one.strip().rstrip("/") for one in named.split(",") if one.strip()]
    wrong = [
        one for one in found if urlsplit(one).scheme not in ("http", "https") or not urlsplit(one).hostname
    ]
    if wrong:
        sys.exit(f"YISHE_ORIGIN 应写成 https://域名（可带端口），现在是 {wrong[0]!r}：请改正后再启动。")
    return found


def _networks(named: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        return [ipaddress.ip_network(one.strip(), strict=False) for one in named.split(",") if one.strip()]
    except ValueError as fault:
        sys.exit(
            f"YISHE_TRUSTED_PROXIES 应为地址或网段，如 10.0.0.5 或 10.0.0.0/24（{fault}）：请改正后再启动。"
        )


ORIGINS = _origins(os.environ.get("YISHE_ORIGIN", ""))
TLS = bool(ORIGINS) and all(one.startswith("https:") for one in ORIGINS)
TRUSTED_PROXIES = _networks(os.environ.get("YISHE_TRUSTED_PROXIES", ""))
HSTS_SECONDS = 365 * 86400
ALLOWED_HOSTS = (
    [str(urlsplit(one).hostname) for one in ORIGINS] + ["127.0.0.1", "[::1]", "localhost"]
    if ORIGINS
    else ["*"]
)
CSRF_TRUSTED_ORIGINS = ORIGINS
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
    "django.contrib.sessions",  # its table is unused (doors.session_store); backups made before name its migration
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    *(f"yishe.{room}.apps.{room.capitalize()}Config" for room in ROOMS),
]
MIDDLEWARE = [
    "yishe.doors.edge.Edge",  # first: it says who calls, and puts the security headers on every answer
    "yishe.doors.probes.Probes",
    "yishe.doors.doorstep.Doorstep",
    "yishe.doors.methods.Methods",
    "yishe.doors.coming.WhereFrom",
    "yishe.doors.picture.OnePicture",
    "yishe.doors.ringing.Ringing",
    "yishe.doors.api.entrance.ApiEntrance",  # answers /api/ itself: no session, no CSRF on that path
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",  # over doors.session_store
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "yishe.doors.known.Known",
    "yishe.doors.web.presence.Presence",
    "django.contrib.messages.middleware.MessageMiddleware",
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
SESSION_ENGINE = "yishe.doors.session_store"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # a link in a notice must find the person signed in
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS
# The prefix makes the browser refuse a cookie that another host of the domain, or plain HTTP, tries to plant.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = (
    ("__Host-sessionid", "__Host-csrftoken") if TLS else ("sessionid", "csrftoken")
)
DEVICE_COOKIE_NAME = "__Host-device" if TLS else "device"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# Uploads stay in memory: a roster in a temporary file would be people's names in the clear on a disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 34 * 1024 * 1024


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "yishe.trust.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 30,
            "cached_statements": 1024,  # the driver keeps 128, fewer than our writers have shapes
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;",
        },
    }


NOTICED = {
    "connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000,
}  # fmt: skip


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
        # A server that is off the net is noticed within seconds, not after the system's minutes.
        **{name: value for name, value in NOTICED.items() if name not in found.get("OPTIONS", {})},
    }
    # A connection that rested is tried before use (doors.picture); one in use costs no extra statement.
    return found


def _pooled(found: dict[str, Any]) -> dict[str, Any]:
    """Behind PgBouncer in transaction pooling each transaction may meet another server: nothing may be left in one."""
    found["OPTIONS"]["prepare_threshold"] = None
    return {**found, "DISABLE_SERVER_SIDE_CURSORS": True}


def _straight(url: str) -> dict[str, Any]:
    if not DATABASE_URL.startswith("postgres") or not url:
        sys.exit(
            "YISHE_DATABASE_POOLED=1 时，YISHE_DATABASE_URL 写连接池的地址，YISHE_DATABASE_DIRECT_URL 写数据库本身的地址"
            "（都以 postgresql:// 开头）：请补上后再启动。"
        )
    return _postgresql(url)


def _database(url: str) -> dict[str, Any]:
    if not url:
        return _sqlite(HOME / "yishe.sqlite3")
    return _sqlite(Path(url.removeprefix("sqlite:///"))) if url.startswith("sqlite:///") else _postgresql(url)


DATABASE_URL = os.environ.get("YISHE_DATABASE_URL", "")
DATABASES = {"default": _database(DATABASE_URL)}
DATABASE_POOLED = _flag("YISHE_DATABASE_POOLED")
DIRECT_URL = os.environ.get("YISHE_DATABASE_DIRECT_URL", "") if DATABASE_POOLED else DATABASE_URL
DIRECT: dict[str, Any] = {}  # what differs for whoever goes past the pooler (trust.straight)
if DATABASE_POOLED:
    DIRECT = {"DISABLE_SERVER_SIDE_CURSORS": False, **_straight(DIRECT_URL)}
    DATABASES = {"default": _pooled(DATABASES["default"])}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "yishe.trust.logs.Line"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
