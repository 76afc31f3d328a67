"""Undecided votes with their answers side by side, and what can be done. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from maker.cli.view.render import count, place
from maker.core.text import one_line
from maker.steps.undecided import UndecidedVote

MOST_VOTES, MOST_ANSWERS = 5, 10
WIDE = 300


def undecided(votes: Sequence[UndecidedVote]) -> Iterator[str]:
    """Each vote with its numbered answers; empty where none is undecided."""
    for vote in votes[:MOST_VOTES]:
        several = f" (--choose {vote.lane}=NUMBER)" if len(votes) > 1 else ""
        where = place(vote.step, vote.iteration)
        yield f"{where} is undecided after {count(vote.samples, 'sample')}{several}:"
        for group in vote.groups[:MOST_ANSWERS]:
            yield f"  {group.number}. {count(group.votes, 'vote')}: {one_line(group.answer, WIDE)}"
            output = group.output
            if isinstance(output, dict) and len(output) > len(json.loads(group.answer)):
                # The sample answered more than what was compared.
                yield f"     {one_line(json.dumps(output, ensure_ascii=False), WIDE)}"
        if len(vote.groups) > MOST_ANSWERS:
            yield f"  and {len(vote.groups) - MOST_ANSWERS} more answers"
    if len(votes) > MOST_VOTES:
        yield f"and {count(len(votes) - MOST_VOTES, 'vote')} more"
    if votes:
        yield "Choose one (--choose NUMBER), let the vote go on (--max-voting-samples N), or take"
        yield "the answer with the most votes (--undecided plurality)."
