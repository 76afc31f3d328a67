"""A plan that waits: what it is, and what somebody agrees to who lets it run. Pure."""

from __future__ import annotations

from maker.cli.view.plan_tree import tree
from maker.core.policy import commands_of, missing_grants
from maker.core.state import RunState
from maker.core.text import one_line, terminal_safe


def proposal(state: RunState, *, width: int, more: str) -> str:
    """The plan as a tree (see there), and below it all that nobody has agreed to."""
    assert state.plan is not None, "there is no plan that could wait"
    settings, task = state.settings, state.task
    shown = tree(state.plan, settings, task.tools, context=task.context, width=width, more=more)
    grants = [f"  {grant_words(grant)}" for grant in missing_grants(state)]
    commands = [f"  {terminal_safe(command)}" for command in commands_of(state.plan, settings)]
    parts = [shown, *(["", "It would:", *grants] if grants else [])]
    return "\n".join(
        [
            *parts,
            *(["", "An answer counts only if these accept it:", *commands] if commands else []),
        ]
    )


def grant_words(grant: str) -> str:
    """What somebody agrees to who gives this grant."""
    match grant.partition(":"):
        case "write", _, _:
            return "write files in the working folder"
        case "bash", _, _:
            return "run shell commands, which nothing confines"
        case "external", _, _:
            return "use services outside of this machine"
        case "web", "", _:
            return "search the web and fetch any page of it; whoever answers reads what is asked"
        case "web", _, host:
            return f"fetch pages of {one_line(host)}, which reads what is in their URLs"
        case "again", _, step:
            return f"do step {one_line(step)} again, which has finished"
        case _:
            return f"do what is called {one_line(grant)!r}"
