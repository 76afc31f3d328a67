"""What can be done next: the vocabulary that policy, modules, live runs and replay share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from maker.core.checking import Check
from maker.core.events import Event
from maker.core.models import CallKey, FileChanges


@dataclass(frozen=True, slots=True)
class Emit:
    """This derived event follows from the state."""

    event: Event


@dataclass(frozen=True, slots=True)
class Ask:
    """These calls are open; asking them again while they are under way changes nothing."""

    keys: tuple[CallKey, ...]


@dataclass(frozen=True, slots=True)
class Do:
    """An answer is to be checked, or changes applied; doing it again under way changes nothing."""

    key: CallKey
    value: Check | FileChanges


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing more can be done until somebody outside acts."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """This module has the next move, because of this event."""

    module: Literal["planner", "validator", "executor"]
    event: Event


Move: TypeAlias = Emit | Ask | Do | Pause
Decision: TypeAlias = Emit | Dispatch | Pause
