"""`maker plan`: plans and validates without carrying anything out, or checks a plan by hand."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from maker import app
from maker.cli import session
from maker.cli.configuration import setting_options, task_config
from maker.cli.documents import echo_document
from maker.cli.options import (
    INPUT,
    OUTPUT,
    SectionCommand,
    context_option,
    instruction_argument,
    json_option,
    new_db_option,
    option,
    output_option,
    quiet_option,
)
from maker.cli.plan_files import Examined, examine, problem_lines
from maker.cli.run import check_output, new_request, output_of
from maker.cli.terminal import columns
from maker.cli.texts import read_text
from maker.cli.view.plan_tree import (
    plan_cost,
    planned_steps,
    tree,
    voting_outlook,
)
from maker.cli.view.render import count
from maker.core import events as e
from maker.core.models import Plan, RunId, TaskConfig
from maker.core.state import RunState
from maker.core.text import one_line
from maker.plan.plan_text import plan_to_yaml
from maker.plan.plan_view import reads_context

EPILOG = """\
\b
Examples:
  maker plan "Summarise each chapter in book/"
  maker plan "Rename fetch to load everywhere" --yaml > plan.yaml
  maker plan --check plan.yaml
  maker run --plan plan.yaml

Planning costs one call of the planner. The plan is kept: `maker resume RUN` carries it out.
"""

check_option = option(
    INPUT, "--check", metavar="FILE|-", help="Check this plan offline; ask no agent."
)
yaml_option = option(
    OUTPUT, "--yaml", "as_yaml", is_flag=True, help="Print the plan as YAML to edit and run."
)


@click.command("plan", cls=SectionCommand, epilog=EPILOG)
@instruction_argument
@check_option
@context_option
@setting_options(without=("dry_run",))
@output_option
@yaml_option
@json_option
@quiet_option
@new_db_option
def command(**parameters: Any) -> int:
    """Plan INSTRUCTION and validate the plan, but carry nothing out.

    Prints the steps with their tools, effects and votes, and what the whole may cost.
    """
    if parameters["as_yaml"] and parameters["as_json"]:
        raise click.UsageError("Choose one of --yaml and --json.")
    if parameters["check"]:
        return _check(parameters)
    check_output(parameters["file"])
    request = new_request(parameters, dry_run=True)
    output = msgspec.structs.replace(output_of(parameters), as_json=False)
    return session.carry(request.open, _printer(parameters), output)


def _printer(parameters: dict[str, Any]) -> session.Present:
    def printed(run: RunId, state: RunState) -> str | None:
        if state.plan is None or state.status != "paused" or state.reason != "dry_run":
            return None
        if parameters["as_json"]:
            echo_document(run_id=run, **_document(state.plan, state.settings, state.task))
            return None
        if parameters["as_yaml"]:
            return _yaml(state.plan)
        task = state.task
        return tree(state.plan, state.settings, task.tools, context=task.context, width=columns())

    return printed


def _yaml(plan: Plan) -> str:
    return plan_to_yaml(plan).rstrip("\n")


def _document(plan: Plan, config: TaskConfig, task: e.TaskSubmitted) -> dict[str, Any]:
    views = planned_steps(plan, config, task.tools, context=task.context)
    return {
        "plan": plan,
        "cost": plan_cost(views, config),
        "steps": [
            {
                "step": view.step.step,
                "effect": view.effect,
                "strategy": view.strategy,
                "not_voted": view.not_voted,
                "low_usd": view.cost.low_usd,
                "high_usd": view.cost.high_usd,
            }
            for view in views
        ],
    }


def _check(parameters: dict[str, Any]) -> int:
    source = parameters["check"]
    text = read_text(source)
    config = task_config(parameters, parameters["instruction"] or "Check the plan.")
    tools = app.registry_for(config).specs()
    examined = examine(
        text, tools=tools, instruction=parameters["instruction"] or "", models=config.models
    )
    if parameters["as_json"]:
        echo_document(
            ok=examined.plan is not None,
            checks_passed=examined.checks_passed,
            errors=examined.problems,
            warnings=examined.warnings,
            notes=examined.notes,
        )
    else:
        _say_examined(examined, text, source)
        if examined.plan is not None:
            if reads_context(examined.plan):
                click.echo("it reads `context`: --context FILE, or what is piped to it", err=True)
            click.echo(voting_outlook(examined.plan, config, tools), err=True)
            drawn = tree(examined.plan, config, tools, width=columns())
            answer = _yaml(examined.plan) if parameters["as_yaml"] else drawn
            session.write_answer(answer, parameters["file"])
    return 0 if examined.plan is not None else 2


def _say_examined(examined: Examined, text: str, source: str) -> None:
    for note in examined.notes:
        click.echo(f"note: {one_line(note, 300)}", err=True)
    if examined.warnings:
        click.echo("worth a look:", err=True)
        click.echo("\n".join(problem_lines(examined.warnings, text)), err=True)
    if examined.plan is None:
        problems = count(len(examined.problems), "problem")
        click.echo(f"{one_line(source)} cannot be run: {problems}", err=True)
        click.echo("\n".join(problem_lines(examined.problems, text)), err=True)
    else:
        passed = count(examined.checks_passed, "check")
        click.echo(f"{one_line(source)} can be run: {passed} passed", err=True)
