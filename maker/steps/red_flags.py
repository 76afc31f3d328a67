"""The reasons to throw a sample away, and what remains of it as a vote. Pure.

A flagged sample never votes and is never repaired into voting; counting is in `voting.py`.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
from msgspec import Struct

from maker.core.models import CONDITIONAL_SCHEMA, AgentReply
from maker.core.policy import STEP_ENDS, TRY_ENDS
from maker.core.text import one_line, plain
from maker.reading.loaded import Loaded
from maker.reading.loader import load
from maker.schema.fields import comparable_fields
from maker.schema.schema import (
    Schema,
    SchemaError,
    parse_schema,
    problems,
)
from maker.steps.canonical import compared

_API_ERROR = re.compile(r"\s*(?:API Error\b|Execution error\b|Credit balance is too low)")
_REFUSAL = re.compile(
    r"\b(?:I(?:'|’)?m sorry,? but|I (?:can(?:'|’)?t|cannot|can not|won(?:'|’)?t|am unable to)"
    r" (?:help|assist|do that|comply|provide|continue|discuss)|against my guidelines)\b",
    re.IGNORECASE,
)


class Contract(Struct, frozen=True, kw_only=True):
    """What an answer must be. `max_reply_tokens` is None where a right answer may be long.

    `folder`: relative paths in answers start there.
    """

    schema: str = ""
    vote_on: tuple[str, ...] = ()
    targets: tuple[int, ...] | None = None
    voted: bool = False
    folder: str = ""
    max_reply_tokens: int | None = None


class Ballot(Struct, frozen=True, kw_only=True):
    """One sample as it counts: an output and its canonical answer, or a flag and its detail.

    `end` names a failure that the same request must give again.
    """

    output: Any = None
    answer: str = ""
    flag: str = ""
    detail: str = ""
    end: str = ""
    verdict: str = ""
    notes: tuple[str, ...] = ()


def token_estimate(text: str) -> int:
    """About how many tokens the text has, the same on every machine and day."""
    return math.ceil(len(text) / 4)


def judge(reply: AgentReply, contract: Contract) -> Ballot:
    """The sample as a vote, or the first red flag that it carries."""
    ballot = _judged(reply, contract)
    if not ballot.flag or not reply.denied_reads:
        return ballot
    paths = ", ".join(one_line(path, 100) for path in reply.denied_reads[:3])
    detail = f"{ballot.detail} (it was not let read {paths})"
    return msgspec.structs.replace(ballot, detail=detail)


def _judged(reply: AgentReply, contract: Contract) -> Ballot:
    flagged = _flag_of_reply(reply) or _flag_of_length(reply.text, contract)
    if flagged:
        return flagged
    spelled = contract.schema if contract.targets is None else CONDITIONAL_SCHEMA
    try:
        schema = parse_schema(spelled) if spelled.strip() else None
    except SchemaError as error:
        return _flag("schema", f"the step's own schema cannot be read: {error.message}")
    loaded = load(reply.text, schema)
    flag = _flag_of_value(reply.text, loaded, schema, contract)
    if flag:
        kind, detail = flag
        return msgspec.structs.replace(
            _flag(kind, detail, kind), verdict=loaded.verdict, notes=tuple(loaded.notes)
        )
    return _vote(loaded, schema, contract)


def _flag(kind: str, detail: str, end: str = "") -> Ballot:
    return Ballot(flag=kind, detail=detail, end=end if end in {*STEP_ENDS, *TRY_ENDS} else "")


def _flag_of_reply(reply: AgentReply) -> Ballot | None:
    """Flags that need no look at the value."""
    if reply.stop_reason == "refusal":
        words = one_line(reply.text) or "without a word"
        return _flag("refusal", f"the model refused: {words}", "refusal")
    if reply.error is not None:
        kind, message = reply.error.kind, one_line(reply.error.message, 200)
        return _flag("error", f"{kind}: {message}", kind)
    if reply.denied:
        names = ", ".join(one_line(name, 40) for name in reply.denied[:5])
        paths = ", ".join(one_line(path, 100) for path in reply.denied_paths[:3])
        where = f" ({paths})" if paths else ""
        return _flag("denied", f"the agent tried what it may not: {names}{where}")
    if not reply.text.strip():
        return _flag("empty", "the reply has no text")
    if _API_ERROR.match(reply.text):
        return _flag("error", f"the reply is an error message: {one_line(reply.text)}")
    return None


def _flag_of_length(text: str, contract: Contract) -> Ballot | None:
    limit = contract.max_reply_tokens
    if limit is None or token_estimate(text) <= limit:
        return None
    detail = f"about {token_estimate(text)} tokens, the limit is {limit}"
    return _flag("too_long", detail, "too_long")


def _flag_of_value(
    text: str, loaded: Loaded, schema: Schema | None, contract: Contract
) -> tuple[str, str] | None:
    value = loaded.value
    if loaded.verdict == "unreadable":
        if _REFUSAL.search(text[:2000]):
            return "refusal", f"the model refused: {one_line(text)}"
        return "unreadable", loaded.error
    if not isinstance(value, dict):
        return "not_mapping", f"the answer is no mapping: {one_line(str(value)[:500])}"
    if _declares_failure(value, schema):
        return "cannot", one_line(str(value["cannot"])[:4000], 500) or "no reason given"
    wrong = problems(schema, value) if schema is not None and not loaded.is_exact else []
    if wrong:
        return "schema", "; ".join(wrong[:5])
    if contract.voted and loaded.verdict == "repaired":
        return "repaired", f"readable only by guessing: {'; '.join(loaded.notes[:3])}"
    targets = contract.targets
    if targets is not None and value["next_step"] not in targets:
        allowed = ", ".join(map(str, targets))
        return "targets", f"next_step is {value['next_step']}, but may be only: {allowed}"
    return None


def _declares_failure(value: dict[str, Any], schema: Schema | None) -> bool:
    """`{"cannot": "why"}`, unless the step's schema has a field of that name and it fits."""
    if not isinstance(value.get("cannot"), str):
        return False
    return len(value) == 1 or (schema is not None and bool(problems(schema, value)))


def _vote(loaded: Loaded, schema: Schema | None, contract: Contract) -> Ballot:
    try:
        output = loaded.value if loaded.is_exact else plain(loaded.value)
    except ValueError as error:
        return _flag("unreadable", str(error))
    if contract.targets is not None:
        paths: tuple[str, ...] = ("next_step",)
    elif contract.vote_on:
        paths = contract.vote_on
    else:
        paths = tuple(comparable_fields(schema)) if schema is not None else ()
    return Ballot(
        output=output,
        answer=compared(output, schema, paths, contract.folder) if contract.voted else "",
        verdict=loaded.verdict,
        notes=tuple(loaded.notes),
    )
