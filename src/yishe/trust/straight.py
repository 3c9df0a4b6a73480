"""Past the pooler. PgBouncer in transaction pooling lends a server for one transaction: nothing that lives in a session
(LISTEN, cursors and locks held between transactions, settings) survives there. Who needs a session of his own goes straight.
"""

from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import load_backend


def take() -> None:
    """From now on this process speaks to the database itself; for commands and batches, which ask long and hold much."""
    if settings.DIRECT:
        known = connections[DEFAULT_DB_ALIAS]
        known.close()
        known.settings_dict.update(settings.DIRECT)


def is_lent() -> bool:
    """Whether this process's connections come from a pooler."""
    return bool(
        settings.DATABASE_POOLED and connections.settings[DEFAULT_DB_ALIAS]["DISABLE_SERVER_SIDE_CURSORS"]
    )


def line() -> "psycopg.Connection[Any]":
    """A connection of the caller's own, outside Django's, that nobody else is lent in between."""
    known = connections[DEFAULT_DB_ALIAS]
    if settings.DIRECT:
        own = {**known.settings_dict, **settings.DIRECT}
        known = load_backend(own["ENGINE"]).DatabaseWrapper(own, DEFAULT_DB_ALIAS)
    found: psycopg.Connection[Any] = known.get_new_connection(known.get_connection_params())
    found.autocommit = True
    return found
