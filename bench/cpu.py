"""CPU seconds by group of processes: what each part of the product spent while a line was measured."""

import psutil


def spent(groups: dict[str, int]) -> dict[str, float]:
    """Of each named process and everything it started, so far."""
    return {name: round(sum(map(_of, _family(root))), 2) for name, root in groups.items()}


def between(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: round(after[name] - before.get(name, 0.0), 2) for name in after}


def _family(root: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(root)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _of(process: psutil.Process) -> float:
    try:
        told = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(told.user + told.system)
