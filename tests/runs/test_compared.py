"""What a vote says of what it compared."""

from __future__ import annotations

import json

from fakes import ScriptedAgent, config, plan, play, step
from maker.core import events as e
from maker.core import keys
from maker.core.models import AgentCall


async def test_a_vote_says_what_was_compared_and_what_was_not() -> None:
    answers = [{"files": ["a.py", "b.py"], "note": "x"}, {"files": ["./b.py", "a.py"], "note": "y"}]

    def script(call: AgentCall) -> str:
        place = keys.sample_place(call.key)
        assert place is not None
        return json.dumps(answers[place.sample])

    listing = step(0, output_schema="{files: [string], note: string}", vote_on=["files"])
    settings = config(voting_strategy="first_to_k", voting_k=2)
    session = await play(ScriptedAgent(script), config=settings, given=plan(listing))
    (vote,) = session.of(e.VoteCompleted)
    assert isinstance(vote, e.VoteCompleted)
    assert (vote.winner, vote.compared) == (0, ["files"])
    assert (vote.differing, vote.reordered) == (["note"], ["files"])
    (done,) = session.of(e.StepCompleted)
    assert isinstance(done, e.StepCompleted)
    assert done.output == answers[0]
