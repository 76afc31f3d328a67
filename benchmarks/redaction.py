"""Redaction: usual credentials caught, false alarms in source trees, CPU of a reply's append.

python benchmarks/redaction.py [folder ...]    (default: the standard library and site-packages)
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from secret_examples import fifty, more

from maker.core import events as e
from maker.core.ids import new_run_id
from maker.core.keys import sample_key
from maker.core.models import AgentReply, Digest, TaskConfig
from maker.core.redaction import redact
from maker.core.secret_shapes import shapes_in
from maker.engine.claim import Claim
from maker.engine.clock import SystemClock
from maker.engine.log import EventLog
from maker.store.memory import MemoryStore

LARGEST = 20_000_000
SECRETS = ["hunter2-hunter2-1", "correct Horse 42", 'quo"te\\and-slash', "x1Y2" * 12]


def main() -> None:
    for name, examples in (("usual", fifty()), ("less usual", more())):
        missed = [each for each, (text, secret) in examples.items() if secret in redact(text)]
        caught = len(examples) - len(missed)
        print(f"{caught} of {len(examples)} {name} credentials caught; missed: {missed}")
    scan(sys.argv[1:] or [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")])
    asyncio.run(measure())


def scan(folders: list[str]) -> None:
    """Print every alarm, for a person to judge, and how many there are in a million lines."""
    lines, kinds, began = 0, Counter[str](), time.process_time()
    for path, text in texts(folders):
        lines += text.count("\n")
        for start, end, kind in shapes_in(text):
            kinds[kind] += 1
            print(f"  {kind}: {path}: {text[max(0, start - 30) : end][:110]!r}")
    took = time.process_time() - began
    print(f"{kinds.total()} alarms in {lines:,} lines, {took:.0f} CPU s: {dict(kinds)}")
    millions = max(lines, 1) / 1e6
    others = kinds.total() - kinds["private-key"]
    print(f"a million lines: {kinds.total() / millions:.1f}, without PEM {others / millions:.1f}")


def texts(folders: list[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent, name)
                if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
                    continue
                data = path.read_bytes()
                if b"\0" not in data[:4096]:
                    yield str(path), data.decode("utf-8", "replace")


async def measure() -> None:
    """Print the CPU time of appending one reply; the least of five series."""
    code = Path(asyncio.__file__).with_name("tasks.py").read_text()
    replies = {
        "a move of 130 characters": json.dumps(
            {"reasoning": "x " * 30, "move": [2, "A", "C"], "s": [[1], [2]]}
        ),
        "2 kB of prose": json.dumps({"summary": "the lazy dog read a book. " * 80}),
        "20 kB of code": json.dumps({"content": code[:20_000]}),
    }
    for name, text in replies.items():
        for secrets in ([], SECRETS):
            claim = Claim(new_run_id(time.time()), MemoryStore(), SystemClock())
            log = EventLog(claim, secrets=secrets)
            await log.writer.open()
            log.append(e.TaskSubmitted(instruction="x", config=TaskConfig(instruction="x")))
            took = [_series(log, text, series) for series in range(5)]
            await log.writer.close()
            print(f"append of {name}, {len(secrets)} secrets: {min(took) * 1e6:.0f} us")


def _series(log: EventLog, text: str, series: int, count: int = 100) -> float:
    digest = Digest("a" * 64)
    began = time.thread_time()
    for sample in range(count):
        key = sample_key(0, series, 0, sample)
        reply = AgentReply(text=text, cost_usd=0.01, model="a-model", stop_reason="end_turn")
        log.append(e.AgentReplied(key=key, request=digest, prompt=digest, reply=reply))
    return (time.thread_time() - began) / count


if __name__ == "__main__":
    main()
