"""What maker finds around it: programs, login, database. Only looks; imports no SDK."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import maker
from maker.agents import processes
from maker.agents.credentials import NONE_FOUND, credential_source
from maker.core.models import Value
from maker.errors import MakerError
from maker.store import check, location, rescue, sizes
from maker.store.queries import Reader
from maker.workspace.folder_trees import FolderWorkspace

WAL_BUG_FIRST, WAL_BUG_LAST = (3, 7, 0), (3, 51, 2)
"""Versions in which two connections that write or checkpoint at one moment can damage a file."""
MOST_EVENTS_READ = 20_000
"""Looking around takes about a second: the logs of a bigger database are not read."""
_CLI_VERSION = re.compile(r'__cli_version__\s*=\s*"([^"]+)"')


class HealthCheck(Value, frozen=True, kw_only=True):
    """One thing that was looked at. A note is worth reading; a problem keeps maker from working."""

    name: str
    state: Literal["ok", "note", "problem"]
    text: str
    advice: str = ""


def diagnosis(url: str, environ: Mapping[str, str]) -> list[HealthCheck]:
    """Everything that can be found out without asking anybody."""
    versions = (
        f"maker {maker.__version__}, Python {platform.python_version()}, {platform.platform()}"
    )
    return [
        HealthCheck(name="program", state="ok", text=versions),
        _sdk(),
        _cli(),
        _credentials(environ),
        sqlite_finding(sqlite3.sqlite_version),
        _database(url),
        _rescue_files(url),
        _kept_contents(environ),
        _orphans(),
    ]


def _sdk() -> HealthCheck:
    try:
        version = importlib.metadata.version("claude-agent-sdk")
    except importlib.metadata.PackageNotFoundError:
        return HealthCheck(
            name="sdk",
            state="problem",
            text="claude-agent-sdk is not installed",
            advice="Install maker again, with its dependencies.",
        )
    return HealthCheck(name="sdk", state="ok", text=f"claude-agent-sdk {version}")


def _cli() -> HealthCheck:
    spec = importlib.util.find_spec("claude_agent_sdk")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / "_bundled" / "claude").is_file():
        return HealthCheck(
            name="cli",
            state="problem",
            text="the SDK came without Claude's command line program",
            advice="Install the SDK's wheel for this platform (Linux or macOS, 64 bit).",
        )
    return HealthCheck(name="cli", state="ok", text=f"Claude Code {_cli_version(folder)}, bundled")


def _cli_version(sdk: Path) -> str:
    """The version that the SDK's own file names, read as text: the import takes a second."""
    try:
        version = _CLI_VERSION.search((sdk / "_cli_version.py").read_text(encoding="utf-8"))
    except OSError:
        version = None
    return version[1] if version else "of unknown version"


def _credentials(environ: Mapping[str, str]) -> HealthCheck:
    source = credential_source(environ)
    if source != NONE_FOUND:
        return HealthCheck(name="credentials", state="ok", text=source)
    return HealthCheck(
        name="credentials",
        state="problem",
        text="none found",
        advice="Set ANTHROPIC_API_KEY, or log in with Claude Code (claude, then /login). "
        "Without: maker demo, or --agent simulated.",
    )


def sqlite_finding(version: str) -> HealthCheck:
    """Whether this version of SQLite can damage a file under two writers."""
    numbers = tuple(int(part) for part in version.split("."))
    if not WAL_BUG_FIRST <= numbers <= WAL_BUG_LAST:
        return HealthCheck(name="sqlite", state="ok", text=f"SQLite {version}")
    return HealthCheck(
        name="sqlite",
        state="note",
        text=f"SQLite {version} has the WAL reset bug (3.7.0 to 3.51.2), unless it was patched",
        advice="It needs two processes that write at the very same moment; maker uses one "
        "connection each. Keep backups (maker backup), or use SQLite 3.51.3 or later.",
    )


def _database(url: str) -> HealthCheck:
    try:
        with Reader(url) as reader:
            size = sizes.of_database(reader)
            events = sum(row.head_seq for row in reader.runs(limit=None))
        report = check.check(url, logs=events <= MOST_EVENTS_READ)
    except MakerError as error:
        return HealthCheck(
            name="database", state="problem", text=error.message, advice=error.advice
        )
    if report.version is None and not report.problems:
        text = f"{report.place}: none yet, the first run creates it"
        return HealthCheck(name="database", state="ok", text=text)
    free = f" ({sizes.size_text(size.free)} of it free)" if size.free else ""
    text = (
        f"{report.place}: {sizes.size_text(size.total)}{free}, schema {report.version}, "
        f"{report.runs} runs, {report.events} events"
    )
    if report.problems:
        return HealthCheck(
            name="database",
            state="problem",
            text=f"{text}, {len(report.problems)} problems",
            advice="See them: maker db check",
        )
    sound = "sound" if events <= MOST_EVENTS_READ else "logs not read (maker db check does)"
    return HealthCheck(name="database", state="ok", text=f"{text}, {sound}")


def _rescue_files(url: str) -> HealthCheck:
    """What could not be stored at last and waits to be; of runs of this database only."""
    try:
        with Reader(url) as reader:
            runs = {row.run_id for row in reader.runs(limit=None)}
            waiting = sorted(runs & rescue.waiting(rescue.folders(reader.path)))
    except MakerError as error:
        return HealthCheck(name="rescue", state="note", text=f"not looked for: {error.message}")
    if not waiting:
        return HealthCheck(name="rescue", state="ok", text="no rescue files wait to be stored")
    return HealthCheck(
        name="rescue",
        state="note",
        text=f"what {', '.join(waiting[:3])} bought waits in rescue files",
        advice=f"Store it: maker resume {waiting[0]}",
    )


def _kept_contents(environ: Mapping[str, str]) -> HealthCheck:
    """What is kept of files that isolated steps have changed, in all folders."""
    place = location.trees(environ)
    octets = FolderWorkspace(Path(), place, isolate="off").size()
    text = f"{sizes.size_text(octets)} for `maker undo` in {place}"
    return HealthCheck(name="changes", state="ok", text=text)


def _orphans() -> HealthCheck:
    orphans = processes.orphans()
    if not orphans:
        return HealthCheck(
            name="orphans", state="ok", text="no agent processes without their maker"
        )
    pids = " ".join(str(process.pid) for process in orphans)
    return HealthCheck(
        name="orphans",
        state="note",
        text=f"{len(orphans)} agent processes whose maker is gone: {pids}",
        advice=f"End them: kill {pids}",
    )
