"""An agent that costs nothing: deterministic by seed and call key, right or wrong at given rates.

It answers by schema, so that any instruction runs to an end, and it really solves Towers of
Hanoi. Everything it says is labelled simulated, and its prices are only shaped like real ones.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from typing import Any, assert_never

from maker.agents import hanoi
from maker.core import keys
from maker.core.models import AgentCall, AgentReply, Simulation, Usage
from maker.core.seams import Answer, Clock
from maker.prompts.quality import QUALITIES
from maker.schema.schema import (
    Choice,
    Fields,
    ListOf,
    Maybe,
    Primitive,
    Schema,
    parse_schema,
)

INPUT_USD_PER_TOKEN, OUTPUT_USD_PER_TOKEN = 3e-6, 15e-6
"""List price of a middle-sized model; used to give simulated costs a plausible shape."""

_LAST_OUTPUT = re.compile(r"<last_output>\n(.*?)\n</last_output>", re.DOTALL)
_INSTRUCTION = re.compile(r".*<instruction>\n(.*?)\n</instruction>", re.DOTALL)
_MS_PER_TOKEN = 10


class SimulatedAgent:
    """Answers like a model that errs and rambles now and then."""

    def __init__(self, simulation: Simulation, clock: Clock) -> None:
        self._simulation, self._clock = simulation, clock

    async def ask(self, call: AgentCall, answer: Answer | None = None) -> AgentReply:
        """The reply to this call: the same for the same seed, key and prompt. It asks nothing."""
        if self._simulation.delay_ms:
            await self._clock.sleep(self._simulation.delay_ms / 1000)
        text = reply_text(call, self._simulation)
        usage = Usage(
            input_tokens=(len(call.system_prompt) + len(call.prompt)) // 4,
            output_tokens=max(1, len(text) // 4),
        )
        cost = usage.input_tokens * INPUT_USD_PER_TOKEN + usage.output_tokens * OUTPUT_USD_PER_TOKEN
        return AgentReply(
            text=text,
            cost_usd=round(cost, 6),
            usage=usage,
            duration_ms=self._simulation.delay_ms or usage.output_tokens * _MS_PER_TOKEN,
            turns=1,
            model=call.model,
            stop_reason="end_turn",
            simulated=True,
        )


def reply_text(call: AgentCall, simulation: Simulation) -> str:
    """What the simulated agent says to a call."""
    chance = _random(simulation.seed, call.key)
    if call.role == "plan":
        return _plan_text(call.prompt)
    if call.role == "check":
        judged = {name: {"pass": True, "reason": "simulated", "steps": []} for name in QUALITIES}
        return json.dumps(judged)
    if chance.random() < simulation.flag_rate:
        return _unusable(chance)
    is_wrong = chance.random() < simulation.error_rate
    disks = hanoi.disks_in(call.prompt)
    if disks is not None and call.output_schema in hanoi.SCHEMAS:
        value: Any = _hanoi_move(disks, call.prompt, chance if is_wrong else None)
    else:
        value = _value(call, simulation, chance if is_wrong else None)
    return json.dumps(value, ensure_ascii=False)


def _random(seed: int, key: str) -> random.Random:
    """A generator for this seed and key; never Python's salted `hash`."""
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def _plan_text(prompt: str) -> str:
    found = _INSTRUCTION.match(prompt)
    task = found[1] if found else "the task"
    quoted = "\n".join(f"      {line}" for line in task.splitlines())
    has_context = "\n<context>\n" in prompt.rpartition("<instruction>")[0]
    context = "    input_variables: [context]\n" if has_context else ""
    return f"""\
reasoning: |
  A simulated plan: look at the task, weigh it, answer it.
plan:
  - step: 0
    task_type: action_step
    title: assess the task
    task_description: |
      Read this task and say how many parts it has and how hard it is:
{quoted}
    primary_tools: []
{context}    output_variable: step_0_output
    output_schema: "{{parts: int, difficulty: easy|hard, notes: string}}"
    vote_on: [parts, difficulty]
    next_step_sequence_number: 1
  - step: 1
    task_type: action_step
    title: answer the task
    task_description: |
      Answer the task below, using the notes in step_0_output.notes:
{quoted}
    primary_tools: []
    input_variables: [step_0_output.notes]
    output_variable: step_1_output
    output_schema: "{{answer: string}}"
    next_step_sequence_number: -1
"""


def _unusable(chance: random.Random) -> str:
    """One of the ways in which a reply earns a red flag."""
    return chance.choice(
        (
            '{"move": {"disk": 1, "from":',
            "I have thought about this for a long time. " * 80 + "{}",
            "I am not sure what the answer should look like.",
        )
    )


def _hanoi_move(disks: int, prompt: str, chance: random.Random | None) -> dict[str, Any]:
    found = _LAST_OUTPUT.search(prompt)
    last_output = json.loads(found[1]) if found else None
    if chance is None:
        return hanoi.right_answer(disks, last_output)
    return chance.choice(hanoi.wrong_answers(disks, last_output))


def _value(call: AgentCall, simulation: Simulation, wrong: random.Random | None) -> Any:
    if call.targets is not None:
        target = wrong.choice(call.targets) if wrong else call.targets[0]
        return {"next_step": target, "reason": "simulated"}
    if not call.output_schema:
        return {"done": "simulated"}
    place = keys.sample_place(call.key)
    lane = f"{place.step}.{place.iteration}" if place else call.key
    right = _random(simulation.seed, lane)
    return _instance(parse_schema(call.output_schema), right, wrong, "answer")


def _instance(schema: Schema, right: random.Random, wrong: random.Random | None, name: str) -> Any:
    """A value that fits; a wrong one differs wherever values can be compared."""
    number = right.randint(1, 9)
    match schema:
        case Primitive("bool"):
            return wrong is None
        case Primitive("int"):
            return number + (wrong.randint(1, 3) if wrong else 0)
        case Primitive("float"):
            return number / 2 + (wrong.randint(1, 3) if wrong else 0)
        case Primitive():
            return f"simulated {name.replace('_', ' ')}"
        case Choice(words):
            return words[(number + (wrong.randint(1, len(words)) if wrong else 0)) % len(words)]
        case ListOf(item):
            return [_instance(item, right, wrong, name) for _ in range(2)]
        case Maybe(inner):
            return _instance(inner, right, wrong, name)
        case Fields(fields):
            made = {field: _instance(kind, right, wrong, field) for field, kind in fields}
            for field, kind in fields:
                if isinstance(kind, Primitive) and kind.evidence == "count":
                    made[field] = len(made[kind.of])
            return made
        case _:
            assert_never(schema)
