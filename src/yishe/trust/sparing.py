"""One act among many must not stop the others: whoever looks after everybody goes on, and what broke is said and tried again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError

from yishe.policy.refusals import Refused
from yishe.trust.commit import Duplicate, Stale

log = logging.getLogger(__name__)


@dataclass
class Spared:
    """`fault` is what broke, None when nothing did."""

    fault: Exception | None = None


@contextmanager
def sparing(what: str) -> Iterator[Spared]:
    """Do one of many. Refusals, lost races and a database that is away are answers, and go to the caller; any other fault is a line
    in the log, without anything about a person."""
    found = Spared()
    try:
        yield found
    except (Refused, Stale, Duplicate, DatabaseError, InterfaceError):
        raise
    except Exception as fault:
        log.exception("%s broke and is left for the next time", what)
        found.fault = fault
