"""The reasons to throw a sample away, and what remains of it as a vote. Pure.

A flagged sample never votes and is never repaired into voting; counting is in `voting.py`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec
from msgspec import Struct

from maker.core.models import CONDITIONAL_SCHEMA, AgentReply
from maker.core.policy import STEP_ENDS, TRY_ENDS
from maker.core.text import one_line, plain
from maker.core.web import urls_in
from maker.reading.answers import load
from maker.reading.loaded import Loaded
from maker.schema.claims import claims, refuted
from maker.schema.fields import comparable_fields
from maker.schema.schema import (
    Fields,
    Schema,
    SchemaError,
    parse_schema,
    problems,
)
from maker.steps.canonical import compared

DENIED = "the agent tried what it may not"
LONGEST_TOKENS = 750
"""Errors rise steeply past about 700 tokens of reply (arXiv 2511.09030)."""
LONGEST_CANNOT = 2_000
WHOLE = ("", "end_turn")
"""Reasons to stop of a whole reply; every other one, also one that is yet to come, leaves it
open."""
_API_ERROR = re.compile(r"\s*(?:API Error\b|Execution error\b|Credit balance is too low)")
_REFUSAL = re.compile(
    r"\b(?:I(?:'|’)?m sorry,? but|I (?:can(?:'|’)?t|cannot|can not|won(?:'|’)?t|am unable to)"
    r" (?:help|assist|do that|comply|provide|continue|discuss)|against my guidelines)\b",
    re.IGNORECASE,
)


class Contract(Struct, frozen=True, kw_only=True):
    """What an answer must be. `folder`: relative paths in answers start there.

    `may_guess`: an answer that can be read only by guessing is better than none. `long_answer`:
    what is compared may be long, so that only what stands beside it shows a confused reply.
    `evidence`: its kinds that are judged with the reply; `urls` are those that were given.
    """

    schema: str = ""
    vote_on: tuple[str, ...] = ()
    targets: tuple[int, ...] | None = None
    voted: bool = False
    folder: str = ""
    may_guess: bool = False
    long_answer: bool = False
    evidence: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()


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
    flagged = _flag_of_reply(reply)
    if flagged:
        return flagged
    spelled = contract.schema if contract.targets is None else CONDITIONAL_SCHEMA
    try:
        schema = parse_schema(spelled) if spelled.strip() else None
    except SchemaError as error:
        return _flag("schema", f"the step's own schema cannot be read: {error.message}")
    loaded = load(reply.text, schema)
    flag = _flag_of_value(reply.text, loaded, schema, contract)
    if not flag and schema and contract.evidence:
        cited = claims(schema, loaded.value)
        named = (claim for claim in cited if claim.evidence in contract.evidence)
        # What was counted wrongly, or cited from nowhere.
        wrong = refuted(named, lambda url: _is_known_url(url, contract.urls, reply))
        flag = ("evidence", "; ".join(wrong[:5])) if wrong else None
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
        return _flag("denied", f"{DENIED}: {names}{where}")
    if reply.changes is not None and reply.changes.withheld:
        paths = ", ".join(one_line(path, 100) for path in reply.changes.withheld[:3])
        return _flag("withheld", f"it changed what is never applied: {paths}")
    if not reply.text.strip():
        return _flag("empty", "the reply has no text")
    if reply.stop_reason not in WHOLE:
        return _flag("incomplete", f"the reply is not whole: it stopped at {reply.stop_reason}")
    return None


def _flag_of_value(
    text: str, loaded: Loaded, schema: Schema | None, contract: Contract
) -> tuple[str, str] | None:
    value = loaded.value
    if loaded.verdict == "unreadable":
        if _API_ERROR.match(text):
            return "error", f"the reply is an error message: {one_line(text)}"
        if _REFUSAL.search(text[:2000]):
            return "refusal", f"the model refused: {one_line(text)}"
        return "unreadable", loaded.error
    if contract.voted and (tokens := _tokens_beside(text, value)) > LONGEST_TOKENS:
        return "too_long", f"about {tokens} tokens beside the answer, the limit is {LONGEST_TOKENS}"
    if not isinstance(value, dict):
        return "not_mapping", f"the answer is no mapping: {one_line(str(value)[:500])}"
    if _declares_failure(value, schema):
        return "cannot", one_line(str(value["cannot"])[:4000], 500) or "no reason given"
    wrong = problems(schema, value) if schema is not None and not loaded.is_exact else []
    if wrong and _API_ERROR.match(text):
        return "error", f"the reply is an error message: {one_line(text)}"
    if wrong:
        return "schema", "; ".join(wrong[:5])
    if loaded.verdict == "repaired" and not contract.may_guess:
        return "repaired", f"readable only by guessing: {'; '.join(loaded.notes[:3])}"
    targets = contract.targets
    if targets is not None and value["next_step"] not in targets:
        allowed = ", ".join(map(str, targets))
        return "targets", f"next_step is {value['next_step']}, but may be only: {allowed}"
    return None


def _is_known_url(url: str, given: frozenset[str], reply: AgentReply) -> bool:
    """Whether a URL stands in what was given, or in what the agent's tools showed it."""
    named = urls_in(url)
    return bool(named) and named <= given | urls_in("\n".join(reply.urls))


def _tokens_beside(text: str, value: Any) -> int:
    """About how many tokens of a reply are not its answer, however that is laid out."""
    if token_estimate(text) <= LONGEST_TOKENS:
        return 0
    written = " ".join(json.dumps(value, ensure_ascii=False).split())
    return token_estimate(" ".join(text.split())[len(written) :])


def cannot_of(value: Any) -> str:
    """Why a reply that is nothing but a `{"cannot": "why"}` gives no answer; empty for others."""
    why = value.get("cannot") if isinstance(value, dict) and len(value) == 1 else None
    return one_line(why, LONGEST_CANNOT) if isinstance(why, str) else ""


def _declares_failure(value: dict[str, Any], schema: Schema | None) -> bool:
    """A `"cannot": "why"`, also beside other fields, unless it is a declared one and all fit."""
    why = value.get("cannot")
    if not isinstance(why, str) or not (why.strip() or len(value) == 1):
        return False
    has_field = isinstance(schema, Fields) and schema.field("cannot") is not None
    return not has_field or bool(schema and problems(schema, value))


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
    answer = compared(output, schema, paths, contract.folder) if contract.voted else ""
    if token_estimate(answer) > LONGEST_TOKENS and not contract.long_answer:
        detail = f"about {token_estimate(answer)} tokens compared, the limit is {LONGEST_TOKENS}"
        return _flag("too_long", detail, "too_long")
    return Ballot(
        output=output,
        answer=answer,
        verdict=loaded.verdict,
        notes=tuple(loaded.notes),
    )
