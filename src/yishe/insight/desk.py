"""What stands beside the rail of every page: how many notices are unread, how many loops wait for this person."""

from dataclasses import dataclass
from uuid import UUID

from yishe.trust import quick

_WAITING = """
    SELECT (SELECT COUNT(*) FROM talk_notice n WHERE n.person = %s AND n.read_at IS NULL),
           (SELECT COUNT(*) FROM loops_loop l WHERE l.owner = %s AND l.closed_at IS NULL)"""


@dataclass(frozen=True)
class Waiting:
    unread: int
    mine: int


def waiting(person: UUID) -> Waiting:
    """Both numbers in one fixed statement: every page asks."""
    return Waiting(*quick.rows(_WAITING, [person, person])[0])
