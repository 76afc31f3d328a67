"""Agents that write on copies of the folder: the real SDK and CLI, tools that really write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from maker_process import Maker

from fakes import plan, step
from loopback import Answer, LoopbackApi, Reply, Request, prompt, tool_results, use
from maker.core import events as e
from maker.plan.plan_text import plan_to_yaml

if TYPE_CHECKING:
    from sdk.conftest import Live

pytestmark = [pytest.mark.sdk, pytest.mark.slow]

WRITE = plan(
    step(
        0,
        title="write it",
        task_description="Write out.txt, then append a line.",
        primary_tools=["Write", "Bash"],
        output_schema="{file: string}",
    )
)
COPY = re.compile(r"(/\S+/branches/\S+/work)\b")


def test_what_write_and_bash_did_in_the_copy_of_the_winner_is_applied_and_taken_back(
    live: Live, tmp_path: Path
) -> None:
    out, note = live.cwd / "out.txt", live.cwd / "note.txt"
    note.write_text("as it was\n")
    places, heard = list[str](), list[str]()

    def script(request: Request) -> Answer:
        asked = prompt(request)
        if "<instruction>" in asked:
            return plan_to_yaml(WRITE)
        found = COPY.search(asked)
        assert found is not None, asked
        folder, results = found[1], tool_results(request)
        assert not out.exists(), "the folder itself was written"
        if not results:
            places.append(folder)
            heard.clear()
            return Reply([use("Write", file_path=f"{folder}/out.txt", content="one\n")])
        heard.extend(results)
        if len(heard) == 1:
            return Reply([use("Bash", command=f"echo {len(places)} >> out.txt; rm note.txt")])
        is_first = len(places) == 1
        return "I am not sure." if is_first else f'{{"file": "{folder}/out.txt"}}'

    start: Callable[[LoopbackApi], Maker] = lambda api: Maker(  # noqa: E731
        tmp_path / "runs.db", live.cwd, api.environ(tmp_path / "config")
    )
    maker = start(live.api(script))
    done = maker("run", "Write out.txt", "--allow", "write,bash", "--isolate", "copy")
    assert done.code == 0, done.err
    assert len(set(places)) == 2, "each attempt has a copy of its own"
    assert not any(Path(place).exists() for place in places)
    assert out.read_text() == "one\n2\n"
    assert not note.exists()
    end = next(event for event in maker.log() if isinstance(event, e.StepCompleted))
    assert end.output == {"file": str(out)}
    assert maker("replay", "@last", "--strict").code == 0
    changes = maker("changes", "@last")
    assert "+ out.txt  +2 -0" in changes.out
    assert "- note.txt  +0 -1" in changes.out
    undone = maker("undo", "@last")
    assert undone.code == 0, undone.err
    assert not out.exists()
    assert note.read_text() == "as it was\n"
