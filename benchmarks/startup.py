"""Start-up of whole commands against the library that they are made with, as whole processes.

python benchmarks/startup.py [rounds]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import click": ["-c", "import click"],
    "maker --help": ["-m", "maker", "--help"],
    "maker history": ["-m", "maker", "history"],
    "maker show @last": ["-m", "maker", "show", "@last"],
    "maker doctor": ["-m", "maker", "doctor"],
    "maker demo --help": ["-m", "maker", "demo", "--help"],
}
AIMS = {"maker --help": 1.5, "maker history": 5.0}


def main(rounds: int) -> None:
    """Measure in turns, so that other work on the machine hits all alike, and print medians."""
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "MAKER_HOME": home}
        _run(["-m", "maker", "demo", "--disks", "5"], environ)
        times: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(rounds):
            for name, arguments in COMMANDS.items():
                times[name].append(_run(arguments, environ))
    base = statistics.median(times["import click"])
    print(f"{'median of ' + str(rounds):<20} {'ms':>7} {'x click':>8}")
    for name, found in times.items():
        ratio = statistics.median(found) / base
        aim = f"  aim {AIMS[name]:g}" if name in AIMS else ""
        print(f"{name:<20} {statistics.median(found) * 1000:>7.0f} {ratio:>8.2f}{aim}")


def _run(arguments: list[str], environ: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
