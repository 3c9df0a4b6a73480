"""Django's session engine over trust.sessions (SESSION_ENGINE): reads the clock, asks the room, keeps nothing itself."""

from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError

from yishe.people import arrivals
from yishe.trust import clock, ids, sessions
from yishe.trust.models import Session


class SessionStore(SessionBase):
    """One browser's session. `row` is what the room knows of it, once it was looked up."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._row: Session | None = None

    @property
    def row(self) -> Session | None:
        """The session as it stood when this request asked; None for a browser without one."""
        if self._row is None and self.session_key:
            self._get_session()  # type: ignore[attr-defined]
        return self._row

    def load(self) -> dict[str, Any]:
        self._row = arrivals.by_cookie(str(self.session_key))
        if self._row is None:
            self._session_key = None
            return {}
        return dict(self.decode(self._row.data)) if self._row.data else {}

    def exists(self, session_key: str) -> bool:
        return sessions.taken(session_key)

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self._write(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        self._write(must_create=must_create)

    def _write(self, *, must_create: bool) -> None:
        if self.session_key is None:
            return self.create()
        said: dict[str, Any] = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        account = self._account(said)
        if must_create:
            if sessions.taken(self.session_key):
                raise CreateError
            self._row = sessions.store(self.session_key, self.encode(said), account, clock.real_now())
            return None
        if self.row is None or not sessions.keep(self.row.id, self.encode(said), account):
            raise UpdateError
        return None

    def delete(self, session_key: str | None = None) -> None:
        """A person's session ends and stays on record; a visitor's is simply over."""
        key = session_key or self.session_key
        row = sessions.shown(key) if key else None
        if row is not None and row.account_id is not None:
            sessions.end(row.account_id, row.id, "signed_out", clock.real_now())
        elif row is not None:
            sessions.forget(row.id)
        self._row = None

    def cycle_key(self) -> None:
        """The same session under a new cookie, so that one planted before the sign-in is worth nothing after it."""
        if self.row is None:
            self.create()
            return
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
        sessions.rekey(self.row.id, self._session_key)
        self.modified = True

    @staticmethod
    def _account(said: dict[str, Any]) -> UUID | None:
        return ids.parse(said.get(SESSION_KEY))

    @classmethod
    def clear_expired(cls) -> None:
        """The worker sweeps once a day (trust.sessions.sweep)."""
