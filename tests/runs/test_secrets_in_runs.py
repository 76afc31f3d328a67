"""No secret reaches the log or the next prompt, and without it everything goes the same way."""

from __future__ import annotations

import json
import re

import pytest
from secret_examples import fifty

from fakes import RUN, Answer, FakeClock, Play, ScriptedAgent, config, plan, play, step
from maker.app import Changes, resume
from maker.core import events as e
from maker.core.comparison import bought_twice, differences
from maker.core.keys import plan_key
from maker.core.models import AgentCall, AgentError, AgentReply, PlanStep
from maker.core.redaction import Redactor
from maker.engine.claim import Claim
from maker.engine.log import EventLog
from maker.errors import AgentUnavailable, ModelNotFound
from maker.inspect.replay import replay
from maker.reading.answers import load
from maker.reading.plans import load_mapping
from maker.store.integrity import linked
from maker.store.memory import MemoryStore

SECRET = 'hunter"2\\of/the\nsecond Line-4'
TRACES = re.compile(r"hunter|second.{0,4}Line|sk-ant")
ESCAPE = re.compile(r'\\(?:["\\/nrt]|u[0-9a-fA-F]{4})')
KEY = fifty()["Anthropic API key"].secret
MARK = "[redacted:secret]"


def careless() -> list[PlanStep]:
    return [
        step(0, output_schema="{text: string}", next_step_sequence_number=1),
        step(1, input_variables=["step_0_output.text"], output_schema="{text: string, n: int}"),
    ]


def json_reply(secret: str) -> str:
    return json.dumps({"text": f"it is {secret}!", "n": 1})


def all_escaped(secret: str) -> str:
    escaped = "".join(f"\\u{ord(character):04X}" for character in secret)
    return f'{{"text": "it is {escaped}!", "n": 1}}'


def block(secret: str) -> str:
    lines = "".join(f"    {line}\n" for line in f"it is {secret}!".split("\n"))
    return f"text: |-\n{lines}n: 1\n"


def fenced(secret: str) -> str:
    return f"Here it is:\n```json\n{json_reply(secret)}\n```\n"


def in_a_string(secret: str) -> str:
    return json.dumps(json_reply(secret))


REPLIES = [json_reply, all_escaped, block, fenced, in_a_string]


async def everything(session: Play) -> str:
    """All that was stored, as it is and decoded as often as it can be."""
    stored = [record.payload for record in await session.records()]
    replied = [event for event in await session.log() if isinstance(event, e.AgentReplied)]
    stored += [await session.store.blob(event.prompt) for event in replied]
    levels = [b"\n".join(stored).decode()]
    while (decoded := ESCAPE.sub(lambda found: json.loads(f'"{found[0]}"'), levels[-1])) != levels[
        -1
    ]:
        levels.append(decoded)
    return "\n".join(levels)


@pytest.mark.parametrize("secret", [SECRET, KEY], ids=["of the environment", "by its shape"])
@pytest.mark.parametrize("written", REPLIES)
async def test_no_secret_of_a_reply_is_stored_shown_or_told_to_the_next_step(
    written: object, secret: str
) -> None:
    agent = ScriptedAgent(lambda call: written(secret))  # type: ignore[operator]
    session = await play(agent, given=plan(*careless()), secrets=[SECRET])
    assert not TRACES.search(await everything(session))
    assert not TRACES.search("".join(call.prompt for call in agent.calls))
    done = session.events[-1]
    assert isinstance(done, e.TaskCompleted)
    kind = "secret" if secret == SECRET else "anthropic-key"
    assert done.result["output"] == {"text": f"it is [redacted:{kind}]!", "n": 1}


async def test_what_users_faults_and_agents_say_is_stored_without_secrets() -> None:
    answers: list[Answer] = [
        AgentUnavailable("network", f"reset: {SECRET}"),
        AgentReply(text="", error=AgentError(kind="execution", message=f"{SECRET}!")),
        AgentReply(text="so", denied=(f"Bash({SECRET})",), model=SECRET, stop_reason=SECRET),
        ModelNotFound("m", f"no such model: {SECRET}"),
    ]
    session = await play(
        lambda call: answers.pop(0),
        config=config(instruction=f"Use {SECRET} and {KEY}.", mcp_servers={"a": {"x": SECRET}}),
        given=plan(step(task_description=f"With {KEY}: {SECRET}")),
        secrets=[SECRET],
    )
    assert not answers
    stored = await everything(session)
    assert not TRACES.search(stored)
    assert stored.count("[redacted:") > 10


async def test_what_ends_and_resumes_a_run_is_stored_without_secrets() -> None:
    store = MemoryStore()
    log = EventLog(Claim(RUN, store, FakeClock()), secrets=[SECRET])
    await log.writer.open()
    log.append(e.TaskSubmitted(instruction="x", config=config()))
    log.append(e.RunPaused(reason="budget", detail=SECRET))
    log.append(e.RunResumed(options={"cwd": f"/home/{KEY}", "models": [SECRET]}))
    log.append(e.QuestionAnswered(key=plan_key(0), question=f"{SECRET}?", answer=KEY))
    assert log.state.answers[plan_key(0), log.pure(f"{SECRET}?")] == "[redacted:anthropic-key]"
    log.append(e.RunCancelled(detail=SECRET))
    await log.writer.close()
    assert not TRACES.search("".join(r.payload.decode() for r in await store.load(RUN)))


async def test_a_log_that_was_made_with_a_secret_goes_the_same_without_it() -> None:
    def script(call: AgentCall) -> str:
        return REPLIES[len(call.key) % 5](SECRET if call.key.startswith("step/0") else KEY)

    first = await play(script, given=plan(*careless()), secrets=[SECRET, "first_to_k"])
    records, log = await first.records(), await first.log()
    found = replay(records)
    assert (found.outcome, found.divergence) == ("identical", None)
    assert list(linked(records)) == records
    for cut in range(2, len(records)):
        again = await play(
            script, history=records[:cut], opening=[e.RunResumed()], secrets=["-another-One"]
        )
        assert not bought_twice(await again.log())
        if all(not isinstance(event, e.AgentReplied) for event in log[cut:]):
            assert differences(log, await again.log()) == []


async def test_a_finished_step_is_found_again_under_a_plan_that_holds_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_API_KEY", SECRET)
    steps = [
        step(0, task_description=f"Use {SECRET}.", next_step_sequence_number=1),
        step(1, input_variables=["step_0_output.n"]),
    ]
    paused = config(max_samples=1)
    first = await play(lambda call: '{"n": 1}', config=paused, given=plan(*steps), secrets=[SECRET])
    assert isinstance(first.events[-1], e.RunPaused)
    again = await resume(
        RUN, Changes(options={"max_samples": 9}, plan=plan(*steps)), store=first.store
    )
    assert again is not None
    assert [event.kept for event in again._opening if isinstance(event, e.PlanCreated)] == [[0]]


def test_the_reader_redacts_what_it_decodes_keys_and_notes_included() -> None:
    hidden = KEY.replace("s", "\\u0073", 1)
    value = load(f'{{"text": "{hidden}", "{hidden}": ["{hidden}"]}}')
    mark = "[redacted:anthropic-key]"
    assert value.value == {"text": mark, mark: [mark]}
    assert value.verdict == "clean"
    assert load_mapping(f'text: "{hidden}"', frozenset({"text"})).value == {"text": mark}
    twice = load(f'{{"{hidden}": 1, "{hidden}": 2}}')
    assert twice.verdict == "unreadable"
    assert KEY not in twice.error


def test_a_value_of_the_environment_is_no_rule_of_the_reader() -> None:
    assert load(json_reply(SECRET)).value["text"] == f"it is {SECRET}!"
    assert Redactor([SECRET]).redact(SECRET) == MARK
