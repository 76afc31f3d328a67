"""The one door to runs: submit, resume, pause, cancel; library and command line enter here.

It chooses what stands behind the seams: the store, the agent, the clock, the secrets to hide.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import uuid
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from typing import Any, TypedDict, Unpack

import msgspec
from msgspec import Struct

from maker.agents.runner import AgentRunner
from maker.agents.simulated import SimulatedAgent
from maker.core import events as e
from maker.core.entrance import purified
from maker.core.fold import apply
from maker.core.grants import AGAIN
from maker.core.keeping import kept_steps
from maker.core.models import Plan, PlanStep, RunId, TaskConfig
from maker.core.seams import Agent, AskUser, Clock, EventStore, Record
from maker.core.secret_names import environment_secrets
from maker.core.state import RunState, changed
from maker.core.version import RULES
from maker.engine import opening, preflight, stopping
from maker.engine.checking import Accept, AnswerChecker, function_name
from maker.engine.clock import SystemClock
from maker.engine.orchestrator import Consent, Orchestrator
from maker.engine.planner import answered
from maker.engine.trouble import Tell
from maker.errors import ConfigError, RunBusy
from maker.steps.undecided import choices
from maker.store import rescue
from maker.store.location import database_url
from maker.tools.registry import ToolRegistry


class Seams(TypedDict, total=False):
    """What a caller may put in the place of what is outside of a run; None: the usual."""

    agent: Agent | None
    clock: Clock | None
    consent: Consent | None
    ask_user: AskUser | None
    accept: Accept | Sequence[Accept] | None
    tell: Tell | None


class Changes(Struct, frozen=True, kw_only=True):
    """What a resume changes: settings of `TaskConfig`, the plan, or that it is planned anew.

    `choose` maps the lane of an undecided vote, as in `2.0`, to the number of the answer that
    counts; "" is the only one that is undecided. `answer` is what the planner has asked for.
    """

    options: Mapping[str, Any] = {}
    plan: Plan | None = None
    replan: bool = False
    choose: Mapping[str, int] = {}
    answer: str = ""


class Session:
    """An orchestrator with the events that open its session.

    `servers` are the MCP servers that are tried before anything is recorded.
    """

    def __init__(
        self,
        orchestrator: Orchestrator,
        opening: Sequence[e.Event],
        servers: Sequence[str] = (),
        require_usable: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.orchestrator, self._opening = orchestrator, opening
        self.servers, self._require_usable = servers, require_usable

    async def run(self) -> AsyncGenerator[e.Event, None]:
        """The events of the session, each once it is on disk.

        Raises ConfigError, and records nothing, where the settings make the first call fail.
        """
        if self._require_usable is not None:
            await self._require_usable()
        async with contextlib.aclosing(self.orchestrator.run(*self._opening)) as events:
            async for event in events:
                yield event


@contextlib.asynccontextmanager
async def opened(
    store: EventStore | None = None, url: str | None = None
) -> AsyncIterator[EventStore]:
    """The given store, which stays open, or the one that the settings name, closed at the end."""
    if store is not None:
        yield store
        return
    # Imported here because SQLAlchemy takes longer to load than a command that asks for no run.
    from maker.store.sql import SqlStore

    own = SqlStore(database_url(url, os.environ))
    try:
        yield own
    finally:
        await own.close()


def run_id_from(text: str | None) -> RunId | None:
    """The run id that a caller chose. Raises ConfigError for anything but a UUID."""
    if text is None:
        return None
    try:
        return RunId(str(uuid.UUID(text)))
    except ValueError:
        raise ConfigError(
            f"{text!r} is no UUID", field="run_id", advice="Give str(uuid.uuid4()), or nothing."
        ) from None


def registry_for(config: TaskConfig, registry: ToolRegistry | None = None) -> ToolRegistry:
    """The given registry, or Claude's own tools as the configuration allows; MCP servers added."""
    registry = registry or ToolRegistry.with_defaults(config.allowed_builtin_tools)
    for name, server in config.mcp_servers.items():
        registry.register_mcp(name, server)
    return registry


def secrets(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The secrets of the environment, which no log may keep."""
    # A relative path would depend on where maker is started. `os.path` takes texts of any length.
    return environment_secrets(
        environ,
        lambda value: value.startswith("/") and os.path.exists(value),  # noqa: PTH110
    )


def agent_for(config: TaskConfig, registry: ToolRegistry, clock: Clock) -> Agent:
    """The agent that the configuration names."""
    if config.agent == "simulated":
        return SimulatedAgent(config.simulation, clock)
    return AgentRunner(live_servers=registry.live_servers)


def _outside(given: Seams, config: TaskConfig, registry: ToolRegistry) -> dict[str, Any]:
    """What an orchestrator needs beside configuration, registry and store."""
    clock = given.get("clock") or SystemClock()
    hidden = secrets()
    functions = {function_name(each): each for each in _functions(given)}
    usual = {
        "clock": clock,
        "secrets": hidden,
        "checker": AnswerChecker(os.environ, hidden, functions),
    }
    if given.get("agent") is None:
        usual["agent"] = agent_for(config, registry, clock)
    seams = {name: seam for name, seam in given.items() if seam is not None and name != "accept"}
    return {**usual, **seams}


def _functions(given: Seams) -> list[Accept]:
    accept = given.get("accept")
    return [] if accept is None else [accept] if callable(accept) else [*accept]


def _accepting(config: TaskConfig, given: Seams) -> TaskConfig:
    """The configuration with the functions, by name, that must accept answers, too."""
    names = [name for name in map(function_name, _functions(given)) if name not in config.accept]
    return changed(config, {"accept": [*config.accept, *names]}) if names else config


def submit(
    config: TaskConfig,
    *,
    store: EventStore,
    registry: ToolRegistry | None = None,
    run_id: str | None = None,
    plan: Plan | None = None,
    workspace: str = "",
    context: str = "",
    inputs: Mapping[str, Any] | None = None,
    orchestrator_class: type[Orchestrator] = Orchestrator,
    **seams: Unpack[Seams],
) -> Session:
    """A session that starts a run; a plan from the user takes the planner's place."""
    config = _accepting(config, seams)
    registry = registry_for(config, registry)
    orchestrator = orchestrator_class(
        config=config,
        registry=registry,
        store=store,
        run_id=run_id_from(run_id),
        workspace=workspace,
        context=context,
        inputs=inputs or {},
        **_outside(seams, config, registry),
    )
    opening = _opening(orchestrator.submission(), plan, orchestrator.state) if plan else ()
    return _checked(orchestrator, opening, config, registry, plan.steps if plan else None)


def _checked(
    orchestrator: Orchestrator,
    opening: Sequence[e.Event],
    config: TaskConfig,
    registry: ToolRegistry,
    steps: Sequence[PlanStep] | None,
) -> Session:
    """A session that is refused where these steps (None: any) cannot be done as it is set up."""
    servers = registry.mcp_servers
    return Session(
        orchestrator,
        opening,
        list(preflight.servers_needed(config, servers, steps)),
        lambda: preflight.require_usable(config, servers, steps),
    )


async def resume(
    run: str,
    changes: Changes | Callable[[RunState], Changes] = Changes(),  # noqa: B008 - a frozen value
    *,
    store: EventStore,
    registry: ToolRegistry | None = None,
    **seams: Unpack[Seams],
) -> Session | None:
    """A session that goes on with a run; None where the run is completed or cancelled.

    `changes` may depend on the run as it is. What an earlier session left in a rescue file is
    stored first, and may be all that is to do. The history is folded here and nowhere else.
    """
    folded, head = await opening.opened(RunId(run), store)
    rescued = await _rescued(RunId(run), store)
    state = _after(folded, rescued.records)
    is_over = state.status in ("completed", "cancelled")
    if is_over and not rescued.paths:
        return None
    if is_over:
        changes = Changes()
    elif not isinstance(changes, Changes):
        changes = changes(state)
    config = changed(state.settings, dict(changes.options))
    accepting = _accepting(config, seams)
    if accepting is not config:
        options = {**changes.options, "accept": accepting.accept}
        changes, config = msgspec.structs.replace(changes, options=options), accepting
    registry = registry_for(config, registry)
    orchestrator = Orchestrator(
        config,
        registry,
        store=store,
        run_id=RunId(run),
        state=folded,
        head=head,
        rescued=rescued,
        **_outside(seams, config, registry),
    )
    if is_over:
        return Session(orchestrator, ())
    if changes.plan is not None:  # what is finished is looked up by steps as the log keeps them
        plan = purified(changes.plan, orchestrator.pure)
        changes = msgspec.structs.replace(changes, plan=plan)
    steps = _steps_left(state, changes.plan, changes.replan)
    first = _resumption(changes, state)
    return _checked(orchestrator, first, config, registry, steps)


async def _rescued(run: RunId, store: EventStore) -> rescue.Rescued:
    """What rescue files add to the log; only where there are some is it read for that."""
    if not await asyncio.to_thread(rescue.is_there, store.rescue_folders, run):
        return rescue.NOTHING
    log = await store.load(run)
    return await asyncio.to_thread(rescue.find, store.rescue_folders, run, log)


def _after(state: RunState, records: Sequence[Record]) -> RunState:
    """The state after more records; the given one stays what it is."""
    if not records:
        return state
    state = copy.deepcopy(state)
    for record in records:
        apply(state, e.decode(record.payload, seq=record.seq))
    return state


def _resumption(changes: Changes, state: RunState) -> list[e.Event]:
    """What opens a session that goes on; consent to do a thing again is given for this once."""
    options = dict(changes.options)
    again = [grant for grant in options.get("allow", []) if grant.startswith(AGAIN)]
    if again:
        options["allow"] = [grant for grant in options["allow"] if grant not in again]
    first = e.RunResumed(options=options, replan=changes.replan, rules=RULES)
    if changes.choose and (changes.plan is not None or changes.replan):
        raise ConfigError(
            "an answer is chosen under the plan that there is",
            field="choose",
            advice="Choose it first; then resume with another plan.",
        )
    if changes.answer.strip() and not state.planning.question:
        raise ConfigError(
            "the planner has asked nothing", field="answer", advice="Resume without an answer."
        )
    said = [*choices(state, changes.choose), *answered(state, changes.answer)]
    opening = [*_opening(first, changes.plan, state), *said]
    return [*opening, e.PlanApproved(grants=again)] if again else opening


def following(run: str, url: str | None = None) -> AsyncIterator[Record]:
    """The records of a run that somebody else works on, as they are stored, until it rests."""
    # Imported here because it knows the database, and most who enter here have one open.
    from maker.store.following import followed

    return followed(database_url(url, os.environ), RunId(run), SystemClock())


async def cancel(run: str, reason: str = "", *, store: EventStore) -> bool:
    """End a run for good and say so; False: its owner was asked to, and looks once a second.

    Raises ConfigError where the run is over already.
    """
    try:
        await stopping.cancel(RunId(run), reason, store, secrets())
    except RunBusy:
        await stopping.ask_owner(RunId(run), "cancel", reason, store)
        return False
    return True


async def pause(run: str, reason: str = "", *, store: EventStore) -> None:
    """Ask the process that works on a run to let it come to rest; it looks once a second."""
    await stopping.ask_owner(RunId(run), "pause", reason, store)


def _steps_left(state: RunState, plan: Plan | None, replan: bool) -> list[PlanStep] | None:
    """The steps that a resume will do; None where they are still to be planned."""
    done: Collection[int] = state.execution.outputs
    if plan is None and not replan and state.phase in ("planned", "validated", "executing"):
        plan = state.plan
    elif plan is not None:
        done = kept_steps(state, plan)
    return [step for step in plan.steps if step.step not in done] if plan else None


def _opening(
    first: e.TaskSubmitted | e.RunResumed, plan: Plan | None, state: RunState
) -> list[e.Event]:
    """What opens a session: the first event, and the user's plan where there is one."""
    opening: list[e.Event] = [first]
    if plan is not None:
        opening.append(e.PlanCreated(plan=plan, origin="user", kept=kept_steps(state, plan)))
    return opening
