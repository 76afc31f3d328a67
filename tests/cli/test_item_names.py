"""Items of a `for_each` step by their names, where a run is told as it goes on."""

from __future__ import annotations

from fakes import ScriptedAgent, plan, play, step
from maker.cli.view.viewers import Narrator
from maker.core.models import AgentCall


async def test_an_item_is_told_by_its_place_and_its_value_however_far_the_run_is() -> None:
    given = plan(
        step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
        step(1, for_each="step_0_output.files", next_step_sequence_number=2),
        step(2),
    )

    def script(call: AgentCall) -> str:
        return (
            '{"files": ["src/a.py", "src/b.py"]}' if call.key.startswith("step/0") else '{"n": 1}'
        )

    run = await play(ScriptedAgent(script), given=given)
    assert run.orchestrator is not None
    narrator, state = Narrator(), run.orchestrator.state
    lines = [narrator.line(event, state) for event in run.events]
    assert "Step 1, item 1 of 2, src/a.py started: work 1 (pure)" in lines
    assert any(line.startswith("Step 1, item 2 of 2, src/b.py completed: ") for line in lines)
    assert any(line.startswith("Step 1, item 2 of 2, src/b.py, sample 0 replied") for line in lines)
    assert any(line.startswith("Step 2 completed") for line in lines)
    assert any(line.startswith("Step 0 completed") for line in lines)
