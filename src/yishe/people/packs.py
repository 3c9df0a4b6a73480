"""The policy packs in force in this process, read and checked once (settings.PACKS)."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from yishe.policy.packs import PackSet, load


def in_force() -> PackSet:
    """Raises PackErrors with every mistake when the packs do not hold."""
    return _loaded(tuple(settings.PACKS))


@lru_cache(maxsize=4)
def _loaded(paths: tuple[Path, ...]) -> PackSet:
    return load(list(paths))
