"""Every error that maker raises on purpose.

An expected failure of a task is an event in its log, not an exception. An exception means that
the program, the machine or the user is wrong, so each one says what is wrong and what to do.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Every code that the process can end with, and what it says."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Exit:
        member = int.__new__(cls, code)
        member._value_, member.meaning = code, meaning
        return member

    DONE = 0, "done (also: a dry run)"
    FAILED = 1, "the task failed, there is no such result, or the database cannot be used"
    USAGE = 2, "usage: an option, a file, a model or a run that does not exist, a run that is busy"
    NEEDS_USER = 3, "paused: needs consent, an answer or a tool; or `maker pause` asked for it"
    NO_AGENT = 4, "paused: not logged in, no credit, or Claude's program is missing"
    CAP_REACHED = 5, "paused: a cap was reached"
    DIVERGED = 6, "the replay diverged, or the log is damaged"
    INCOMPLETE = 8, "done with something missing, without `--allow-missing`"
    TRY_LATER = 75, "paused: rate limited, or no network"
    HANGUP = 129, "stopped by SIGHUP: the terminal was closed"
    INTERRUPTED = 130, "stopped by Ctrl-C"
    BROKEN_PIPE = 141, "stopped: nobody reads the output any more"
    TERMINATED = 143, "stopped by SIGTERM"

    @staticmethod
    def of_signal(signum: int) -> int:
        """The code of a process that was stopped by this signal, as shells have it."""
        return 128 + signum


class MakerError(Exception):
    """Something is wrong outside the task itself; `advice` says what to do about it."""

    exit_code: int = Exit.FAILED

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class ConfigError(MakerError):
    """A setting, an option or an input file is not usable; `field` names it."""

    exit_code = Exit.USAGE

    def __init__(self, message: str, *, field: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.field = field


class RunNotFound(MakerError):
    """No run, or more than one, answers to the given reference."""

    exit_code = Exit.USAGE


class RunBusy(MakerError):
    """Another live process holds the lease of the run."""

    exit_code = Exit.USAGE


class StoreError(MakerError):
    """The database cannot be opened, read or written."""


class NoDatabase(StoreError):
    """There is no database where one is meant to be, and nothing that could become one."""

    exit_code = Exit.USAGE


class StoreTrouble(StoreError):
    """The store cannot be used now, but perhaps soon: it is locked, its disk is full or fails."""


class RescueRefused(StoreError):
    """What a rescue file holds cannot be added to the log of its run."""

    exit_code = Exit.USAGE


class LogDamaged(StoreError):
    """The stored log is not one that maker wrote; `seq` is the first bad event."""

    exit_code = Exit.DIVERGED

    def __init__(self, message: str, *, seq: int = 0, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.seq = seq


class ConcurrentAppend(StoreError):
    """Another writer appended to the same run at the same place."""

    exit_code = Exit.USAGE


class StalledDispatch(MakerError):
    """A module was asked to act and appended nothing: a defect, reported instead of looped on."""


class RunMustPause(MakerError):
    """The run cannot go on now, but can be resumed later; it becomes a `RunPaused` event."""

    def __init__(self, reason: str, detail: str, *, advice: str = "") -> None:
        super().__init__(detail, advice=advice)
        self.reason = reason
        self.detail = detail


class AgentUnavailable(MakerError):
    """The agent could not be reached this time (rate limit, overload, network): ask again later.

    `cost_usd` and `tokens` are what was bought all the same. The kind `budget` is a call that used
    up its share of the cap (`AgentCall.budget_usd`) without an answer: the run must pause.
    """

    exit_code = Exit.TRY_LATER

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        retry_after_s: float | None = None,
        cost_usd: float = 0.0,
        tokens: int = 0,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.cost_usd = cost_usd
        self.tokens = tokens


class AgentNotReady(MakerError):
    """No agent can be asked until the user acts: not logged in, no CLI, no credit.

    `cost_usd` and `tokens` are what was bought all the same.
    """

    exit_code = Exit.NO_AGENT

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        advice: str = "",
        cost_usd: float = 0.0,
        tokens: int = 0,
    ) -> None:
        super().__init__(message, advice=advice)
        self.kind = kind
        self.cost_usd = cost_usd
        self.tokens = tokens


class ModelNotFound(MakerError):
    """The API knows no such model."""

    exit_code = Exit.USAGE

    def __init__(self, model: str, message: str) -> None:
        super().__init__(
            message,
            advice="Name a model that your account can use with --model; one that the plan names "
            "for a single step is changed with --replan or --plan.",
        )
        self.model = model
