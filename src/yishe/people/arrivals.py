"""Who comes with a cookie: the living session, its account, and the picture of staff, in one statement for each page."""

from functools import cache

from yishe.people import directory
from yishe.trust import quick, sessions
from yishe.trust.models import Account, Session

_SESSION = len(quick.names(Session))


@cache
def _sql() -> str:
    return f"""
        SELECT {quick.columns(Session, "s")}, {quick.columns(Account, "a")},
               (SELECT v.version FROM people_directoryversion v WHERE v.id = 1)
        FROM trust_session s LEFT JOIN trust_account a ON a.id = s.account_id
        WHERE s.digest = %s AND s.ended_at IS NULL"""


def by_cookie(key: str) -> Session | None:
    """As `sessions.shown`, with the account at hand; the request's picture of staff is then known to be the present one."""
    rows = quick.rows(_sql(), [sessions.digest(key)])
    if not rows:
        return None
    found = quick.instance(Session, rows[0])
    if found.account_id is not None:
        found.account = quick.instance(Account, rows[0][_SESSION:])
        directory.current(rows[0][-1] or 0)
    return found
