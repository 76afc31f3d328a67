"""`maker run` with a step that really writes: the last lines name the files that changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from maker_process import Maker

from fakes import plan, step
from loopback import Answer, LoopbackApi, Reply, Request, text, tool_results, use
from maker.plan.plan_text import plan_to_yaml

pytestmark = [pytest.mark.sdk, pytest.mark.slow]


def test_files_that_a_step_wrote_are_named_at_the_end(tmp_path: Path) -> None:
    cwd = tmp_path / "work"
    cwd.mkdir()
    (cwd / "old.txt").write_text("as it was")
    writing = step(
        0, title="write", primary_tools=["Write"], primary_tool_instructions="Write notes.txt once."
    )

    def script(request: Request) -> Answer:
        if tool_results(request):
            return Reply([text('{"n": 3}')])
        return Reply([use("Write", file_path=str(cwd / "notes.txt"), content="a b c")])

    plan_file = tmp_path / "plan.yaml"
    plan_file.write_text(plan_to_yaml(plan(writing)))
    with LoopbackApi(script) as api:
        maker = Maker(tmp_path / "runs.db", cwd, api.environ(tmp_path / "config"))
        refused = maker("run", "--plan", str(plan_file))
        assert refused.code == 3
        assert "\nfiles" not in refused.err
        done = maker("resume", "@last", "--yes")
    assert done.code == 0, done.err
    assert (cwd / "notes.txt").read_text() == "a b c"
    assert f"files     1 changed: +notes.txt in {cwd}" in done.err
