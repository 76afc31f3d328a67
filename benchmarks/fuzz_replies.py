"""Spoiled replies and hostile giants: does each get a verdict, how fast, in how much memory?

python benchmarks/fuzz_replies.py [inputs] [seed]
"""

from __future__ import annotations

import json
import multiprocessing
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from reply_corpus import cases
from reply_mutations import noise, spoiled

from maker.core.text import MOST_CHARACTERS
from maker.reading.answers import load
from maker.reading.loaded import VERDICTS, Loaded
from maker.reading.plans import load_mapping
from maker.schema.schema import parse_schema

SCHEMA = "{a: string, b: [int], c: any}"
LIMIT_S, LIMIT_MB = 1.0, 200.0
FULL = MOST_CHARACTERS - 100
GIANTS: dict[str, Callable[[], str]] = {
    "100 MB of brackets": lambda: "[" * 100_000_000,
    "100 MB of text in JSON": lambda: '{"a": "' + "x" * 100_000_000 + '"}',
    "100 MB of YAML": lambda: "a: 1\n" * 20_000_000,
    **{
        f"{name}, as long as is read": lambda unit=unit: unit * (FULL // len(unit))
        for name, unit in {
            "braces": "{",
            "open strings": '{"',
            "open objects": '{"a":',
            "objects": '{"a":1}\n',
            "empty objects": "{} ",
            "fences": "```\n",
            "fenced YAML": "```yaml\na: 1\n```\n",
            "open fenced JSON": '```json\n{"a": \n```\n',
            "fences in fences": "```markdown\n",
            "quotes": '"',
            "blanks": "\t\n",
            "keys": "a: 1\n",
            "colons": "a: b: ",
            "dashes": "- ",
            "block headers": "a: |\n",
            "prose and keys": "a: x\n\nprose\n",
            "backslashes": '{"a": "\\',
            "surrogates": "\ud800",
        }.items()
    },
    "a long text in JSON": lambda: json.dumps({"a": "x,[{😀" * 600_000}, ensure_ascii=False),
    "a long text in YAML": lambda: "a: |\n" + "  some words of text\n" * 190_000,
    "a long list in JSON": lambda: json.dumps({"b": list(range(140_000))}),
    "many floats in JSON": lambda: json.dumps({"c": [n / 7 for n in range(140_000)]}),
    "a too long list in JSON": lambda: json.dumps({"b": [1] * 1_000_000}),
    "many keys in YAML": lambda: "".join(f"k{n}: 1\n" for n in range(250_000)),
    "a long list in YAML": lambda: "b:\n" + "- 1\n" * 24_000,
    "a too long list in YAML": lambda: "b:\n" + "- 1\n" * 290_000,
    "deep YAML": lambda: "\n".join(" " * n + "a:" for n in range(2_800)),
    "open brackets in YAML": lambda: "a:\n" + "  - [\n" * 200_000,
    "open quotes in YAML": lambda: "a:\n" + "  - 'x\n" * 200_000,
    "texts below texts": lambda: "\n".join("  " * n + "a b: c d:" for n in range(60)) * 200,
    "wrong escapes": lambda: '{"a": "' + "\\d" * 2_000_000 + '"}',
    "open escapes": lambda: '{"a": "' + "\\" * 4_000_000,
    "inner quotes": lambda: '{"a": "' + 'x" y ' * 800_000 + '"}',
    "pseudo JSON": lambda: "{a: [" + "x, " * 1_300_000 + "y]}",
    "one long number": lambda: '{"a":' + "9" * 4_000_000 + "}",
}


def main(inputs: int, seed: int) -> None:
    """Print how many inputs there were, exceptions, the slowest and the largest."""
    exceptions: list[str] = []
    verdicts: Counter[str] = Counter()
    slowest = (0.0, "")
    for name, text, schema in _small(inputs - len(GIANTS), seed):
        seconds = _timed(name, text, schema, verdicts, exceptions)
        slowest = max(slowest, (seconds, name))
    print(f"{inputs - len(GIANTS)} spoiled replies: {dict(verdicts)}, slowest {slowest[0]:.3f} s")
    print(f"{'giant':45} {'characters':>12} {'s':>7} {'MB':>7}  verdict")
    worst_s, worst_mb = slowest[0], 0.0
    for name in GIANTS:
        size, seconds, megabytes, verdict = _in_a_child(name)
        if verdict not in VERDICTS:
            exceptions.append(f"{name}: {verdict}")
        worst_s, worst_mb = max(worst_s, seconds), max(worst_mb, megabytes)
        print(f"{name:45} {size:12,} {seconds:7.3f} {megabytes:7.1f}  {verdict}")
    print(f"{inputs} inputs, {len(exceptions)} exceptions, slowest {worst_s:.3f} s", end="")
    print(f" (limit {LIMIT_S}), largest {worst_mb:.0f} MB (limit {LIMIT_MB:.0f})")
    print("\n".join(exceptions[:20]))
    sys.exit(bool(exceptions) or worst_s > LIMIT_S or worst_mb > LIMIT_MB)


def _small(inputs: int, seed: int) -> Iterator[tuple[str, str, str]]:
    rng = random.Random(seed)
    corpus = cases()
    for number in range(inputs):
        if number % 10 == 9:
            yield f"noise {number}", noise(rng), SCHEMA
        else:
            case = rng.choice(corpus)
            yield f"{case.name} {number}", spoiled(case.reply, rng), case.schema


def _read(text: str, schema: str) -> Loaded:
    return load(text, parse_schema(schema) if schema else None)


def _timed(
    name: str, text: str, schema: str, verdicts: Counter[str], exceptions: list[str]
) -> float:
    started = time.perf_counter()
    try:
        loaded = _read(text, schema)
        load_mapping(text, frozenset({"title", "a"}))
        json.dumps(loaded.value, allow_nan=False, ensure_ascii=False).encode()
        verdicts[loaded.verdict] += 1
    except Exception as error:
        exceptions.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
    return time.perf_counter() - started


def _in_a_child(name: str) -> tuple[int, float, float, str]:
    receiving, sending = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_measure, args=(name, sending))
    child.start()
    sending.close()
    try:
        found: tuple[int, float, float, str] = receiving.recv()
    except EOFError:
        found = (0, 0.0, 0.0, "the process died")
    child.join()
    return found


def _measure(name: str, sending: multiprocessing.connection.Connection) -> None:
    """Seconds and additional peak memory of one reading (the input itself not counted)."""
    text = GIANTS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    try:
        verdict = str(_read(text, SCHEMA).verdict)
    except Exception as error:
        verdict = f"{type(error).__name__}: {error}"[:100]
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sending.send((len(text), seconds, (after - before) / 1024, verdict))


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 10_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
    )
