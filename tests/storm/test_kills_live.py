"""The same storm through the real SDK and its real CLI, counted at the server that is paid."""

from __future__ import annotations

import itertools
import random
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from maker_process import PATIENCE_S, Maker, agents_of, killed, replied, until

from fakes import plan, step
from loopback import Answer, LoopbackApi, Reply, Request, text
from maker.agents import processes
from maker.plan.plan_text import plan_to_yaml

if TYPE_CHECKING:
    from storm.conftest import Count

pytestmark = [pytest.mark.storm, pytest.mark.sdk, pytest.mark.slow]

VOTE = ("--voting", "first_to_k", "--voting-k", "3", "--max-cost-usd", "none")


class Server:
    """Answers so many calls, then lets the next ones hang, and tells when one does."""

    def __init__(self) -> None:
        self.answers, self.hangs = iter([None] * 0), threading.Event()
        self.api = LoopbackApi(self._answer)
        self._lock = threading.Lock()

    def serve(self, answers: int | None) -> None:
        """Answer so many calls from now on; all of them for None."""
        self.hangs.clear()
        self.answers = itertools.repeat(None) if answers is None else iter([None] * answers)

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            served = next(self.answers, self) is not self
        if not served:
            self.hangs.set()
            self.api.closing.wait(PATIENCE_S)
        return Reply([text('{"n": 3}')])


def _is_alone(pid: int) -> bool:
    return not agents_of(pid)


@pytest.mark.skipif(not processes.can_tie(), reason="needs setpriv")
def test_a_storm_of_kills_pays_for_each_reply_once(tmp_path: Path, size: int, count: Count) -> None:
    kills = size // 25
    if not kills:
        pytest.skip("a single kill is in tests/sdk/test_live_runs.py; more with MAKER_STORM=50")
    server, chance = Server(), random.Random(1)
    (tmp_path / "plan.yaml").write_text(plan_to_yaml(plan(step())), encoding="utf-8")
    command: tuple[str, ...] = ("run", "Count.", "--plan", str(tmp_path / "plan.yaml"), *VOTE)
    with server.api as api:
        maker = Maker(tmp_path / "maker.db", tmp_path, api.environ(tmp_path / "config"))
        for _ in range(kills):
            server.serve(chance.randint(0, 1) if len(api.billed) < 2 else 0)
            with maker.started(*command) as process:
                assert server.hangs.wait(PATIENCE_S)
                until(lambda: len(replied(maker.log())) == len(api.billed), "replies have landed")
                killed(process)
            until(partial(_is_alone, process.pid), "the agents are gone")
            command = ("resume", "@last")
            count("kills that hit", 1)
        server.serve(None)
        assert maker(*command).code == 0
        keys = replied(maker.log())
        assert len(keys) == len(set(keys)) == len(api.billed) == 3
    assert maker("replay", "@last").code == 0
