"""Lets agents that write work on branches of the working folder, and applies what has won."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from maker.core.interruption import finish
from maker.core.models import AgentCall, AgentError, AgentReply, FileChanges
from maker.errors import RunMustPause
from maker.store import location
from maker.workspace.trees import BaseChanged, Branch, TreeError, Workspace

Ask: TypeAlias = Callable[[AgentCall], Awaitable[AgentReply]]
Trees: TypeAlias = Callable[[str], Workspace]
"""The trees of a folder, by its path."""
MOST_CHANGES = 20_000
"""Files that one agent may change; a log is no place for more."""


def usual_trees(folder: str) -> Workspace:
    """The trees of a folder, kept in maker's home."""
    # Imported here because most runs isolate nobody, and every start would pay for it.
    from maker.workspace.folder_trees import FolderWorkspace

    return FolderWorkspace(Path(folder), location.trees(os.environ), isolate="copy")


AS_IT_IS = "Or let its agents work in the folder itself: --isolate off."


class Isolation:
    """The branches of one run's agents."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._workspaces: dict[str, Workspace] = {}

    async def ask(self, call: AgentCall, ask: Ask) -> AgentReply:
        """The reply to the call with what its agent changed on a branch, which is gone then.

        Raises RunMustPause where the folder cannot be branched.
        """
        folder = folder_of(call.cwd)
        workspace = await self._workspace(folder)
        try:
            tree = await asyncio.to_thread(workspace.tree)
            name = call.key.replace("/", "-")
            branch = await asyncio.to_thread(workspace.branch, tree, name)
        except TreeError as error:
            advice = f"{error.advice} {AS_IT_IS}".strip()
            raise RunMustPause("settings", error.message, advice=advice) from error
        try:
            if branch.kind == "off":
                message = f"{folder} cannot be branched: {branch.reason}"
                raise RunMustPause("settings", message, advice=AS_IT_IS)
            reply = await ask(_moved(call, folder, branch))
            reply = _moved_back(reply, folder, branch)
            return await asyncio.to_thread(_with_changes, workspace, branch, reply)
        finally:
            await finish(asyncio.ensure_future(asyncio.to_thread(workspace.discard, branch)))

    async def apply(self, folder: str, changes: FileChanges) -> None:
        """Make the folder so; done in part already, it does the rest. Raises RunMustPause."""
        workspace = await self._workspace(folder)
        try:
            applied = await asyncio.to_thread(workspace.apply, changes)
        except TreeError as error:
            raise RunMustPause("changed", error.message, advice=error.advice) from error
        if applied.conflicts:
            raise RunMustPause(
                "changed",
                BaseChanged(applied.conflicts).message,
                advice="Put them back as they were, then resume: nothing was applied, and the "
                "answer is kept.",
            )

    async def _workspace(self, folder: str) -> Workspace:
        if folder not in self._workspaces:
            self._workspaces[folder] = self._trees(folder)
            await asyncio.to_thread(self._workspaces[folder].sweep)
        return self._workspaces[folder]


def folder_of(cwd: str) -> str:
    """The absolute path of a working folder, links resolved."""
    return os.path.realpath(cwd or ".")


def _with_changes(workspace: Workspace, branch: Branch, reply: AgentReply) -> AgentReply:
    """The reply with what the branch has changed; one that nobody can use any more is flagged."""
    try:
        changes = workspace.changes(branch)
    except BaseChanged as error:
        return _failed(reply, "stale", error.message)
    except TreeError as error:
        return _failed(reply, "changes", error.message)
    if len(changes.entries) > MOST_CHANGES:
        message = f"it changed {len(changes.entries):,} files, more than {MOST_CHANGES:,}"
        return _failed(reply, "changes", message)
    return msgspec.structs.replace(reply, changes=changes)


def _failed(reply: AgentReply, kind: str, message: str) -> AgentReply:
    error = reply.error or AgentError(kind=kind, message=message)
    return msgspec.structs.replace(reply, error=error)


def _moved(call: AgentCall, folder: str, branch: Branch) -> AgentCall:
    """The call in the branch: what it says of the folder is said of that."""
    there = str(branch.folder)
    names = sorted(filter(None, {call.cwd, folder}), key=len, reverse=True)
    here = re.compile(f"(?:{'|'.join(map(re.escape, names))})(?![\\w-])")

    def moved(text: str) -> str:
        return here.sub(lambda _: there, text)

    return msgspec.structs.replace(
        call,
        cwd=there,
        prompt=moved(call.prompt),
        system_prompt=moved(call.system_prompt),
        literal_paths=[*map(moved, call.literal_paths)],
    )


def _moved_back(reply: AgentReply, folder: str, branch: Branch) -> AgentReply:
    """The reply as of the folder: nobody sees afterwards where the branch was."""
    there = str(branch.folder)

    def moved(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text.replace(there, folder) for text in texts)

    return msgspec.structs.replace(
        reply,
        text=reply.text.replace(there, folder),
        denied_paths=moved(reply.denied_paths),
        denied_reads=moved(reply.denied_reads),
    )
