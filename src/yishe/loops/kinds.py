"""Loop kinds: the one in force today, and the one an open loop was opened under."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from yishe.loops.models import KindVersion
from yishe.people import packs
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.refusals import Unavailable
from yishe.trust.commit import Bundle

SHANGHAI = ZoneInfo("Asia/Shanghai")
_known: set[str] = set()


def in_force(code: str, at: datetime) -> LoopKind:
    """The approved kind on the day of `at` in Shanghai. Invalid for an unknown or ended one."""
    return packs.in_force().loop_kind(code, at.astimezone(SHANGHAI).date())


def all_in_force(at: datetime) -> tuple[LoopKind, ...]:
    """Every approved kind on the day of `at` in Shanghai, with its approved reasons."""
    return packs.in_force().loop_kinds(at.astimezone(SHANGHAI).date())


def keep(bundle: Bundle, kind: LoopKind, at: datetime) -> None:
    """Store the definition with the first loop opened under it."""
    bundle.insert_if_absent(
        KindVersion,
        sha256=kind.sha256,
        kind=kind.code,
        version=kind.version,
        definition=kind.to_json(),
        first_used_at=at,
    )


def is_kept(sha256: str) -> bool:
    """Whether the definition is stored already; only a stored one is remembered as such."""
    if sha256 not in _known and KindVersion.objects.filter(sha256=sha256).exists():
        _known.add(sha256)
    return sha256 in _known


def forget() -> None:
    """Drop what was remembered of the database (tests, restored databases)."""
    _known.clear()
    opened_under.cache_clear()


@lru_cache(maxsize=512)
def opened_under(code: str, sha256: str) -> LoopKind:
    """The definition a loop was opened under, whatever the pack says today."""
    for timeline in (packs.in_force().usable.get(code),):
        for _, kind in timeline.steps if timeline else ():
            if kind is not None and kind.sha256 == sha256:
                return kind
    stored = KindVersion.objects.filter(sha256=sha256).values_list("definition", flat=True).first()
    if stored is None:
        raise Unavailable("kind_lost", f"找不到“{code}”当时的定义：请管理员恢复政策包后重试，事项没有丢失。")
    return LoopKind.from_json(stored)
