"""What a database is born with: its key file and the one row that remembers which key that was."""

from datetime import datetime

from django.conf import settings
from django.db import connection

from yishe.policy.refusals import Unavailable
from yishe.trust import keys, root_key
from yishe.trust.models import Instance


def prepare_key() -> bool:
    """Make the key file for a database that has none yet. Returns whether one was made.

    Unavailable when the database already has sealed content and its key file is gone: a new key would not
    open it.
    """
    if settings.ROOT_KEY_COMMAND:
        keys.root()
        return False
    if settings.SECRET_KEY_FILE.exists() or not is_founded():
        return root_key.create(settings.SECRET_KEY_FILE)
    raise Unavailable(
        "key_missing",
        f"找不到密钥文件 {settings.SECRET_KEY_FILE}，而数据库已有加密内容：请从备份放回原文件，不要新建。",
    )


def found(at: datetime) -> None:
    """Write the first row once, then only check that the key still fits."""
    keys.root()
    Instance.objects.bulk_create(
        [Instance(id=1, demo=False, key_check=keys.check_value(), created_at=at)], ignore_conflicts=True
    )
    keys.verify_root()
    keys.house_key("blind")


def is_founded() -> bool:
    """Whether this database has been migrated and given its first row."""
    if Instance._meta.db_table not in connection.introspection.table_names():
        return False
    return Instance.objects.filter(id=1).exists()
