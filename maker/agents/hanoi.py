"""Towers of Hanoi, the paper's experiment: the plan, the right move, and the check at the end.

Pegs are 0, 1 and 2; each is a list of disks from bottom to top, disk 1 being the smallest.
"""

from __future__ import annotations

import re
from typing import Any

from maker.core.models import Plan, PlanStep, Repeat

MOST_DISKS = 20
"""20 disks are the paper's 1,048,575 steps."""

SCHEMA = "{done: bool, move: {disk: int, from: int, to: int}, pegs: [[int]!]!}"
SCHEMAS = (SCHEMA, SCHEMA.replace("]!", "]"))
"""Today's, and that of runs from before lists were compared in any order."""
VOTE_ON = ["done", "move", "pegs"]
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
        vote_on=VOTE_ON,
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
    """The answer that the strategy gives after the last output (None: the first move).

    Where a wrong move won and the strategy knows no move, the smallest disk on top moves on.
    """
    pegs = pegs_after(disks, last_output)
    small_next = last_output is None or last_output["move"]["disk"] != 1
    source, target = _small_move(disks, pegs) if small_next else _other_move(disks, pegs)
    return answer(pegs, source, target)


def wrong_answers(disks: int, last_output: Any) -> list[dict[str, Any]]:
    """What can be answered instead: every other move of a top disk, legal or not."""
    pegs = pegs_after(disks, last_output)
    moves = [(a, b) for a in range(3) for b in range(3) if a != b and pegs[a]]
    right = right_answer(disks, last_output)
    return [other for a, b in moves if (other := answer(pegs, a, b)) != right]


def pegs_after(disks: int, last_output: Any) -> list[list[int]]:
    """The pegs of the last output; those of the start where there is none, or where it has
    not every disk on one of three pegs."""
    pegs = [list(peg) for peg in last_output["pegs"]] if last_output else start(disks)
    complete = sorted(disk for peg in pegs for disk in peg) == list(range(1, disks + 1))
    return pegs if len(pegs) == 3 and complete else start(disks)


def answer(pegs: list[list[int]], source: int, target: int) -> dict[str, Any]:
    """The answer for one move, made on a copy of the pegs."""
    after = [list(peg) for peg in pegs]
    disk = after[source].pop()
    after[target].append(disk)
    done = not after[0] and not after[1]
    return {"done": done, "move": {"disk": disk, "from": source, "to": target}, "pegs": after}


def is_wrong(disks: int, last_output: Any, output: Any) -> bool:
    """Whether a move is illegal, or is not what its own report says."""
    pegs, move = pegs_after(disks, last_output), output["move"]
    source, target = move["from"], move["to"]
    if not {source, target} <= {0, 1, 2} or source == target or not pegs[source]:
        return True
    on_smaller = bool(pegs[target] and pegs[target][-1] <= pegs[source][-1])
    return on_smaller or answer(pegs, source, target) != output


def is_solved(disks: int, output: Any) -> bool:
    """Whether the whole tower stands on peg 2."""
    return bool(output) and output["pegs"] == [[], [], list(range(disks, 0, -1))]


def _disks(disks: int) -> str:
    return f"{disks} disk" if disks == 1 else f"{disks} disks"


def _small_move(disks: int, pegs: list[list[int]]) -> tuple[int, int]:
    source = min((peg for peg in range(3) if pegs[peg]), key=lambda peg: pegs[peg][-1])
    return source, (source + (2 if disks % 2 else 1)) % 3


def _other_move(disks: int, pegs: list[list[int]]) -> tuple[int, int]:
    smallest = _small_move(disks, pegs)[0]
    first, second = (peg for peg in range(3) if peg != smallest)
    if not pegs[first] and not pegs[second]:
        return _small_move(disks, pegs)
    top_first = pegs[first][-1] if pegs[first] else 10**9
    top_second = pegs[second][-1] if pegs[second] else 10**9
    return (first, second) if top_first < top_second else (second, first)
