"""The kinds of agents: what each can do and what it costs, said once, as values.

Which agent stands behind a run is chosen in `app.py`; nobody else compares their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

AgentName: TypeAlias = Literal["claude", "simulated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentKind:
    """What an agent can do and what it costs. The defaults are the cautious ones."""

    name: str
    is_paid: bool = True
    uses_tools: bool = True
    """It reads and writes the working folder, and starts MCP servers."""
    needs_login: bool = True
    takes_simulation: bool = False
    """Its replies are made up, as the settings of `Simulation` say."""
    answers_at_once: bool = False
    """It seldom waits for anything, and never for what belongs to the task that it runs in."""


KINDS = {
    kind.name: kind
    for kind in (
        AgentKind(name="claude"),
        AgentKind(
            name="simulated",
            is_paid=False,
            uses_tools=False,
            needs_login=False,
            takes_simulation=True,
            answers_at_once=True,
        ),
    )
}


def kind_of(name: str) -> AgentKind:
    """The kind of an agent by its name; one that this maker does not know is taken for paid."""
    return KINDS.get(name) or AgentKind(name=name)
