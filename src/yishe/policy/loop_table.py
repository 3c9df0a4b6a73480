"""The loop transition table as data: see loop_table.yaml beside this file."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

CLOSED = "closed"
FILE = Path(__file__).with_name("loop_table.yaml")


@dataclass(frozen=True)
class State:
    name: str
    status: str
    business: str
    turn: str
    clocks: tuple[str, ...]
    due: str | None


@dataclass(frozen=True)
class Edge:
    """`verb` by any of `by` leads from each of `origin` to `to`, recorded as `event`; `ends` closes the loop."""

    verb: str
    by: tuple[str, ...]
    origin: tuple[str, ...]
    to: str
    event: str
    needs: tuple[str, ...]
    ends: str | None

    @property
    def for_people(self) -> bool:
        return self.by != ("system",)


@dataclass(frozen=True)
class Table:
    states: dict[str, State]
    edges: tuple[Edge, ...]
    open_states: tuple[str, ...]
    steps: tuple[tuple[str, tuple[str, ...]], ...]

    def leaving(self, state: str) -> list[Edge]:
        """Edges from this state (`closed` for any closed loop that is not void)."""
        return [e for e in self.edges if state in e.origin]

    def verbs(self) -> tuple[str, ...]:
        """Every verb a person may say about an existing loop, in table order."""
        return tuple(dict.fromkeys(e.verb for e in self.edges if e.for_people))

    def named(self, status: str, business: str) -> str:
        """The state's name for a row's two columns."""
        for state in self.states.values():
            if state.status == status and state.business == business:
                return state.name
        return next(s.name for s in self.states.values() if s.status == status)


@cache
def table() -> Table:
    """The table, read once."""
    raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    states = {
        name: State(name, s["status"], s["business"], s["turn"], tuple(s["clocks"]), s["due"])
        for name, s in raw["states"].items()
    }
    edges = tuple(
        Edge(
            e["verb"],
            tuple(e["by"]),
            tuple(e["from"]),
            e["to"],
            e["event"],
            tuple(e.get("needs", ())),
            e.get("ends"),
        )
        for e in raw["edges"]
    )
    steps = tuple((s["step"], tuple(s["states"])) for s in raw["steps"])
    return Table(states, edges, tuple(raw["open"]), steps)
