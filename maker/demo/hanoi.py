"""Towers of Hanoi, the paper's experiment: the plan, the right move, and the check at the end.

Pegs are 0, 1 and 2; each is a list of disks from bottom to top, disk 1 being the smallest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from maker.core.models import Plan, PlanStep, Repeat

MOST_DISKS = 20
"""20 disks are the paper's 1,048,575 steps."""

SCHEMA = "{move: {disk: int, from: int, to: int}, pegs: [[int]], done: bool}"
_MARK = re.compile(r"Towers of Hanoi with (\d+) disks?\b")


def instruction(disks: int) -> str:
    """What the user would ask for."""
    return f"Solve the Towers of Hanoi with {_disks(disks)}: move all from peg 0 to peg 2."


def plan(disks: int) -> Plan:
    """One step, repeated until the tower stands on peg 2; each pass makes one move."""
    cycle = "0, 2, 1" if disks % 2 else "0, 1, 2"
    description = (
        f"Make the next move in the Towers of Hanoi with {_disks(disks)}. "
        f"At first the pegs are {start(disks)}, bottom to top. "
        "If the last move did not move disk 1, or there is none yet, move disk 1 to the next peg "
        f"in the cycle {cycle}, {cycle.split(',')[0]}. Otherwise make the only legal move that "
        "does not move disk 1. Answer with the move and all pegs after it; done is true if "
        "every disk is on peg 2."
    )
    step = PlanStep(
        step=0,
        task_type="action_step",
        title="move one disk",
        task_description=description,
        output_variable="step_0_output",
        output_schema=SCHEMA,
        vote_on=["move", "pegs", "done"],
        repeat=Repeat(until="done", max_iterations=2**disks - 1),
    )
    return Plan(reasoning="One decision at a time: each pass makes one move.", steps=[step])


def disks_in(prompt: str) -> int | None:
    """The number of disks, if the prompt is that of a move."""
    found = _MARK.search(prompt)
    return int(found[1]) if found else None


def start(disks: int) -> list[list[int]]:
    """All disks on peg 0, the smallest on top."""
    return [list(range(disks, 0, -1)), [], []]


def right_answer(disks: int, last_output: Any) -> dict[str, Any]:
    """The answer that the strategy gives after the last output (None: the first move)."""
    pegs = [list(peg) for peg in last_output["pegs"]] if last_output else start(disks)
    small_next = last_output is None or last_output["move"]["disk"] != 1
    source, target = _small_move(disks, pegs) if small_next else _other_move(pegs)
    return answer(pegs, source, target)


def answer(pegs: list[list[int]], source: int, target: int) -> dict[str, Any]:
    """The answer for one move, made on a copy of the pegs."""
    after = [list(peg) for peg in pegs]
    disk = after[source].pop()
    after[target].append(disk)
    done = not after[0] and not after[1]
    return {"move": {"disk": disk, "from": source, "to": target}, "pegs": after, "done": done}


def wrong_moves(disks: int, outputs: Iterable[Any]) -> tuple[int, list[int]]:
    """How many moves there were, and which of them (from 1) were illegal or misreported."""
    pegs, wrong, count = start(disks), [], 0
    for count, output in enumerate(outputs, start=1):
        move = output["move"]
        source, target = move["from"], move["to"]
        if not _is_legal(pegs, source, target) or answer(pegs, source, target) != output:
            wrong.append(count)
        pegs = output["pegs"]
    return count, wrong


def is_solved(disks: int, output: Any) -> bool:
    """Whether the whole tower stands on peg 2."""
    return bool(output) and output["pegs"] == [[], [], list(range(disks, 0, -1))]


def _disks(disks: int) -> str:
    return f"{disks} disk" if disks == 1 else f"{disks} disks"


def _is_legal(pegs: list[list[int]], source: int, target: int) -> bool:
    if not {source, target} <= {0, 1, 2} or not pegs[source]:
        return False
    return source != target and (not pegs[target] or pegs[target][-1] > pegs[source][-1])


def _small_move(disks: int, pegs: list[list[int]]) -> tuple[int, int]:
    source = next(peg for peg in range(3) if pegs[peg] and pegs[peg][-1] == 1)
    return source, (source + (2 if disks % 2 else 1)) % 3


def _other_move(pegs: list[list[int]]) -> tuple[int, int]:
    first, second = (peg for peg in range(3) if not (pegs[peg] and pegs[peg][-1] == 1))
    top_first = pegs[first][-1] if pegs[first] else 10**9
    top_second = pegs[second][-1] if pegs[second] else 10**9
    return (first, second) if top_first < top_second else (second, first)
