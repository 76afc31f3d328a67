"""Prompts share their parts on disk and are given back byte for byte."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import RUN, ScriptedAgent, config, plan, registry, step
from maker.core import events as e
from maker.core import keys
from maker.core.models import AgentCall
from maker.engine.orchestrator import Orchestrator
from maker.errors import LogDamaged
from maker.store import recipes
from maker.store.check import check
from maker.store.prune import prune
from maker.store.queries import Reader
from maker.store.recipes import Kitchen
from maker.store.sql import SqlStore

SECTIONS = st.sampled_from(
    ["# Objective: " + "o" * 200, "\n\n# Inputs\n<input name=\"a\">\n" + "i" * 300 + "\n</input>",
     "\n\n# Limits\n" + "l" * 150, "\n<item>\n\"x\"\n</item>", "\nshort", '","prompt":"', "é" * 99]
)  # fmt: skip


@given(st.lists(st.lists(SECTIONS, max_size=8), max_size=6))
def test_every_text_is_given_back_whatever_it_shares(drawn: list[list[str]]) -> None:
    kitchen, parts = Kitchen(), dict[bytes, bytes]()
    for sections in drawn:
        text = json.dumps({"system": "s" * 900, "prompt": "".join(sections)}).encode()
        cooked = kitchen.cook(text)
        if cooked is None:
            assert len(text) < recipes.SHORTEST_TEXT
            continue
        packed, new = cooked
        assert all(hashlib.sha256(part).digest() == digest for digest, part in new.items())
        assert not new.keys() & parts.keys()
        parts |= new
        assert recipes.text_of(packed, parts.__getitem__) == text


def test_a_text_that_comes_again_costs_its_recipe_alone() -> None:
    kitchen = Kitchen()
    text = b'{"system":"' + b"s" * 2000 + b'","prompt":"# Objective' + b"o" * 2000 + b'"}'
    kitchen.cook(text)
    kitchen.cook(text)
    cooked = kitchen.cook(text)
    assert cooked is not None
    packed, new = cooked
    assert not new
    assert len(packed) < 60


@pytest.mark.parametrize("packed", [b"", b"x", zlib.compress(b"\xc1"), zlib.compress(b"\x91\x90")])
def test_a_recipe_that_is_none_is_damage(packed: bytes) -> None:
    with pytest.raises(LogDamaged):
        recipes.text_of(packed, lambda digest: b"")


EACH = plan(
    step(0, output_schema="{files: [string]}", next_step_sequence_number=1),
    step(1, for_each="step_0_output.files", input_variables=["item", "step_0_output.files"]),
)


async def looked_at_each(path: Path, items: int) -> Orchestrator:
    """A run that looks at each item of a list, and is told the whole list each time."""

    def script(call: AgentCall) -> str:
        place = keys.sample_place(call.key)
        assert place is not None
        files = [f"src/package_{n % 7}/module_{n}.py" for n in range(items)]
        return json.dumps({"files": files} if place.step == 0 else {"n": place.iteration})

    store = SqlStore(path)
    settings = config(agent="simulated", max_cost_usd=None)
    run = Orchestrator(settings, registry(), store=store, agent=ScriptedAgent(script), run_id=RUN)
    async for _ in run.run(run.submission(), e.PlanCreated(plan=EACH, origin="user")):
        pass
    await store.close()
    return run


@pytest.mark.slow
async def test_a_list_of_800_that_each_item_is_told_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    await looked_at_each(path, 800)
    with Reader(str(path)) as reader:
        (kept,) = reader.fetch("SELECT sum(length(content)) AS octets FROM blobs", {})
        assert kept["octets"] < 500_000


async def test_every_prompt_is_given_back_and_its_hash_proves_it(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    await looked_at_each(path, 12)
    with Reader(str(path)) as reader:
        log = [e.decode(record.payload) for record in reader.records(RUN)]
        asked = [event for event in log if isinstance(event, e.AgentReplied)]
        for event in asked:
            prompt = reader.blob(event.prompt)
            assert hashlib.sha256(prompt).hexdigest() == event.prompt
            assert {"system", "prompt"} == json.loads(prompt).keys()
        codecs = {row["codec"] for row in reader.fetch("SELECT codec FROM blobs", {})}
    assert recipes.CODEC in codecs
    assert check(str(path)).problems == ()


async def test_a_part_that_is_missing_or_changed_is_found(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    await looked_at_each(path, 12)
    with Reader(str(path)) as reader:
        packed = reader.fetch("SELECT content FROM blobs WHERE codec = 'recipe'", {})
        part = next(part for row in packed for part in recipes.parts_of(row["content"]))
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE blobs SET content = x'00', codec = 'raw' WHERE digest = ?", (part,))
        raw.commit()
    assert any("does not match its hash" in problem for problem in check(str(path)).problems)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DELETE FROM blobs WHERE digest = ?", (part,))
        raw.commit()
    assert any("a part of others, is missing" in problem for problem in check(str(path)).problems)


async def test_pruning_keeps_the_parts_that_remaining_runs_need(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    await looked_at_each(path, 12)
    store = SqlStore(path)
    settings = config(agent="simulated", max_cost_usd=None)
    agent = ScriptedAgent(
        lambda call: '{"files": ["a", "b", "c"]}' if "/0." in call.key else '{"n": 1}'
    )
    other = Orchestrator(settings, registry(), store=store, agent=agent)
    async for _ in other.run(other.submission(), e.PlanCreated(plan=EACH, origin="user")):
        pass
    await store.close()
    with Reader(str(path)) as reader:
        first = reader.run(RUN)
    assert prune(str(path), [first]).contents > 0
    assert check(str(path)).problems == ()
    with Reader(str(path)) as reader:
        log = [e.decode(record.payload) for record in reader.records(other.run_id)]
        prompts = {event.prompt for event in log if isinstance(event, e.AgentReplied)}
        assert all(reader.blob(prompt) for prompt in prompts)
        second = reader.run(other.run_id)
    prune(str(path), [second])
    with Reader(str(path)) as reader:
        assert reader.fetch("SELECT 1 FROM blobs", {}) == []


async def test_a_content_that_is_kept_in_no_known_way_is_found(tmp_path: Path) -> None:
    path = tmp_path / "maker.db"
    await looked_at_each(path, 3)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA ignore_check_constraints = 1")
        raw.execute("UPDATE blobs SET codec = 'r!w' WHERE codec <> 'recipe'")
        raw.commit()
    assert any("'r!w'" in problem for problem in check(str(path)).problems)
