"""Processor time and memory of the commands that read a long log whole.

    uv run python benchmarks/long_log.py [--events N] [--folder DIR] [--keep FILE]

Makes a run of voted passes of one step (six events each: intent, three replies, vote, output),
then starts each command as a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from maker.core import events as e
from maker.core import keys
from maker.core.fold import apply
from maker.core.ids import new_run_id
from maker.core.models import (
    AgentReply,
    AnswerCount,
    Plan,
    PlanStep,
    Repeat,
    TaskConfig,
    Usage,
    VotingSummary,
)
from maker.core.seams import Record
from maker.core.state import RunState, summary
from maker.store.lease import this_process
from maker.store.sql import SqlStore

EVENTS_A_GROUP = 6_000
COMMANDS = (
    ("verify", "@last"),
    ("replay", "@last"),
    ("show", "@last"),
    ("show", "@last", "--result"),
    ("show", "@last", "--plan"),
    ("show", "@last", "--step", "0"),
    ("resume", "@last"),
    ("db", "check"),
    ("history",),
    ("history", "--size"),
    ("backup", "{folder}/copy.db", "--force"),
)


def prompt(number: int) -> bytes:
    """As long as that of a real step."""
    parts = (hashlib.sha256(b"%d/%d" % (number, i)).hexdigest() for i in range(20))
    return b'{"system": "%s", "prompt": "%s"}' % (
        b"Answer in JSON. " * 20,
        " ".join(parts).encode(),
    )


def story(passes: int) -> Iterator[tuple[e.Event, bytes]]:
    """The events of a run, each with the prompt that it refers to."""
    config = TaskConfig(instruction="Count up.", agent="simulated", voting_strategy="first_to_k")
    repeat = Repeat(until="done", max_iterations=passes)
    step = PlanStep(
        step=0,
        task_type="action_step",
        title="count up",
        task_description="Add one.",
        output_variable="step_0_output",
        output_schema="{n: int, done: bool}",
        repeat=repeat,
    )
    yield e.TaskSubmitted(instruction=config.instruction, config=config), b""
    yield e.PlanCreated(plan=Plan(reasoning="One step, again and again.", steps=[step])), b""
    yield e.ValidationPassed(checks_passed=20), b""
    for number in range(passes):
        yield from one_pass(number, is_last=number == passes - 1)
    yield e.TaskCompleted(result={"output": None}, total_cost_usd=0.0, total_duration_ms=0), b""


def one_pass(number: int, *, is_last: bool) -> Iterator[tuple[e.Event, bytes]]:
    output = {"n": number, "done": is_last}
    yield e.StepStarted(step=0, title="count up", iteration=number, strategy="first_to_k"), b""
    asked = prompt(number)
    digest = hashlib.sha256(asked).hexdigest()
    usage = Usage(input_tokens=700, output_tokens=40)
    text = f'{{"n": {number}, "done": {str(is_last).lower()}}}'
    for sample in range(3):
        reply = AgentReply(text=text, cost_usd=0.0, usage=usage, duration_ms=900, simulated=True)
        key = keys.sample_key(0, number, 0, sample)
        yield e.AgentReplied(key=key, request=digest, prompt=digest, reply=reply), asked
    count = AnswerCount(answer=text, samples=[0, 1, 2])
    yield (
        e.VoteCompleted(
            step=0,
            iteration=number,
            try_number=0,
            strategy="first_to_k",
            answers=[count],
            winner=0,
            margin=3,
            decided_by=2,
            samples=3,
            red_flagged=0,
        ),
        b"",
    )
    voting = VotingSummary(strategy="first_to_k", total_samples=3, red_flagged=0, winning_votes=3)
    yield (
        e.StepCompleted(
            step=0,
            title="count up",
            iteration=number,
            output=output,
            voting_summary=voting,
            cost_usd=0.0,
            duration_ms=2700,
        ),
        b"",
    )


async def make(path: Path, events: int) -> None:
    """A finished run with about so many events."""
    store, run, state = SqlStore(path), new_run_id(time.time()), RunState()
    head, group, blobs = e.GENESIS, list[Record](), dict[str, bytes]()
    owner = this_process()
    await store.acquire(run, owner, time.time(), 1e6)
    for seq, (event, asked) in enumerate(story(max(1, (events - 4) // 6)), 1):
        payload = e.encode(event)
        apply(state, event)
        head = e.chain(head, payload)
        kind = type(event).__name__
        group.append(Record(seq=seq, timestamp=0.0, type=kind, payload=payload, hash=head))
        if asked:
            blobs[hashlib.sha256(asked).hexdigest()] = asked
        if len(group) == EVENTS_A_GROUP or isinstance(event, e.TaskCompleted):
            await store.append(run, group, blobs, summary(state))
            group, blobs = [], {}
    await store.release(run, owner)
    await store.close()


def measure(command: Sequence[str], path: Path) -> tuple[int, float, float]:
    """Exit code, processor seconds and wall seconds of a command."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environ = {**os.environ, "MAKER_DATABASE_URL": str(path)}
    words = [sys.executable, "-m", "maker", *command]
    code = subprocess.run(words, env=environ, stdout=subprocess.DEVNULL, check=False).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return code, cpu_s, time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the reading of a long log.")
    parser.add_argument("--events", type=int, default=100_000, help="about so many")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where the database lies")
    parser.add_argument("--keep", type=Path, help="make the database here, or use it again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = options.keep or Path(folder) / "maker.db"
        if not path.exists():
            asyncio.run(make(path, options.events))
        print(f"{path.stat().st_size / options.events:,.0f} B/event on disk")
        print(
            f"{'command':24} {'exit':>4} {'CPU s':>8} {'us/event':>9} {'wall s':>8} {'RSS MB':>7}"
        )
        for command in COMMANDS:
            words = [word.format(folder=folder) for word in command]
            code, cpu_s, wall_s = measure(words, path)
            # of all children so far: a command that needs less than one before it shows that one's
            rss_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            per_event = cpu_s / options.events * 1e6
            name = " ".join(word for word in command if word != "@last" and "{" not in word)
            print(f"{name:24} {code:4} {cpu_s:8.2f} {per_event:9.1f} {wall_s:8.1f} {rss_mb:7.0f}")


if __name__ == "__main__":
    main()
