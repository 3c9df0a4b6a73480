"""One thing that `yishe doctor` looked at."""

from dataclasses import dataclass
from typing import Final, Literal

State = Literal["ok", "watch", "fault"]
OK: Final = "ok"
WATCH: Final = "watch"
FAULT: Final = "fault"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `says` what was found, `do` what to do, empty when nothing."""

    what: str
    state: State
    says: str
    do: str = ""
