"""An agent whose every purchase is on record at the moment it is made, whoever dies afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from maker.core.models import AgentCall, AgentReply
from maker.core.seams import Agent, Answer

Reached = Callable[[str], None]
"""Called with the name of each moment that a process reaches."""


class Purchase(Struct, frozen=True):
    """One line of the ledger: who asked for what, or had its answer."""

    pid: int
    moment: str
    key: str


class Ledger:
    """A file with one line for each question and each answer; many processes append to it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, moment: str, key: str) -> None:
        """Write the line: it is in the file when this returns, and a kill cannot take it back."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{os.getpid()} {moment} {key}\n".encode())
        os.close(file)

    def lines(self) -> list[Purchase]:
        """All of it, in order."""
        if not self._path.exists():
            return []
        rows = [line.split(" ", 2) for line in self._path.read_text(encoding="utf-8").splitlines()]
        return [Purchase(int(pid), moment, key) for pid, moment, key in rows]

    def asked(self) -> list[Purchase]:
        """What was bought."""
        return [line for line in self.lines() if line.moment == "asked"]


class CountedAgent:
    """Asks another agent, and keeps the ledger."""

    def __init__(self, agent: Agent, ledger: Ledger, reached: Reached) -> None:
        self._agent, self._ledger, self._reached = agent, ledger, reached

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        """The other agent's reply."""
        self._ledger.add("asked", call.key)
        self._reached("asked")
        reply = await self._agent.ask(call, answer)
        self._ledger.add("answered", call.key)
        self._reached("answered")
        return reply
