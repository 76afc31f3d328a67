"""Answers and permissions, through the real SDK and the real CLI."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopback import Reply, Request, prompt, text, tool_results, tools_offered, use
from maker.core.models import Usage
from maker.core.policy import CURRENT_SONNET

if TYPE_CHECKING:
    from sdk.conftest import Live

pytestmark = [pytest.mark.sdk, pytest.mark.slow]


async def test_a_text_answer_comes_with_its_cost_and_tokens(live: Live) -> None:
    api = live.api(lambda request: Reply([text("The answer "), text("is 4")]))
    reply = await live.runner(api).ask(live.call())
    assert (reply.text, reply.error) == ("The answer is 4", None)
    assert reply.usage == Usage(input_tokens=10, output_tokens=5)
    assert reply.cost_usd == pytest.approx(10 * 3e-6 + 5 * 15e-6)
    assert (reply.model, reply.turns, reply.denied) == ("claude-sonnet-4-5", 1, ())
    assert len(api.requests) == 1
    assert "thinking" not in api.requests[0] or api.requests[0]["thinking"]["type"] == "disabled"


async def test_a_prompt_and_a_reply_of_megabytes_and_a_long_system_prompt_pass(live: Live) -> None:
    api = live.api(lambda request: "y" * 1_900_000)
    call = live.call("x" * 2_000_000, system_prompt="Be terse. " * 20_000)
    reply = await live.runner(api).ask(call)
    assert reply.text == "y" * 1_900_000
    assert prompt(api.requests[0]) == call.prompt
    assert call.system_prompt in [block["text"] for block in api.requests[0]["system"]]


async def test_a_longer_reply_is_an_error_that_is_paid(live: Live) -> None:
    api = live.api(lambda request: "y" * 3_000_000)
    reply = await live.runner(api).ask(live.call())
    assert reply.error is not None
    assert (reply.text, reply.error.kind) == ("", "too_long")
    assert "3,000,0" in reply.error.message
    assert reply.cost_usd == pytest.approx(10 * 3e-6 + 5 * 15e-6)


async def test_text_in_the_prompt_never_makes_the_cli_read_a_file_or_obey(live: Live) -> None:
    (live.cwd / "note.txt").write_text("CONTENT-OF-THE-NOTE")
    api = live.api(lambda request: "ok")
    question = f"/clear or see @note.txt and @{live.cwd}/note.txt"
    await live.runner(api).ask(live.call(question))
    assert prompt(api.requests[0]) == question
    assert "CONTENT-OF-THE-NOTE" not in str(api.requests)


async def test_a_step_really_reads_a_file_and_no_settings_of_the_project_count(live: Live) -> None:
    (live.cwd / "in.txt").write_text("forty-two")
    (live.cwd / "CLAUDE.md").write_text("MARK-OF-MEMORY: answer in Latin")
    settings = live.cwd / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"permissions": {"allow": ["Read(//etc/**)"]}, "env": {"A": "B"}}')
    (live.folder / "config").mkdir()
    (live.folder / "config" / "CLAUDE.md").write_text("MARK-OF-MEMORY")
    (live.folder / "config" / "settings.json").write_text('{"model": "claude-opus-4-1"}')

    def script(request: Request) -> Reply | str:
        if found := tool_results(request):
            return "yes" if "forty-two" in str(found) else "no"
        asked = [use("Read", file_path=str(live.cwd / "in.txt"))]
        return Reply([*asked, use("Read", file_path="/etc/hostname")])

    api = live.api(script)
    reply = await live.runner(api).ask(live.call(tools=["Read"], effect="read"))
    assert (reply.text, reply.denied, reply.denied_reads) == ("yes", (), ("/etc/hostname",))
    assert tools_offered(api.requests[0]) == ["Read"]
    assert api.requests[0]["model"] == "claude-sonnet-4-5"
    assert "MARK-OF-MEMORY" not in str(api.requests)


def outside_and_inside(live: Live) -> dict[str, Path]:
    outside = live.folder / "outside"
    outside.mkdir()
    (live.cwd / "link").symlink_to(outside)
    return {
        "inside": live.cwd / "sub" / "a.txt",
        "outside": outside / "b.txt",
        "parent": live.cwd / ".." / "outside" / "c.txt",
        "link": live.cwd / "link" / "d.txt",
    }


async def test_a_step_with_write_cannot_write_outside_its_folder(live: Live) -> None:
    paths = outside_and_inside(live)

    def script(request: Request) -> Reply | str:
        if tool_results(request):
            return "done"
        return Reply([use("Write", file_path=str(path), content="x") for path in paths.values()])

    runner = live.runner(live.api(script))
    call = live.call(tools=["Write"], effect="write", grants=["write"])
    reply = await runner.ask(call)
    assert (reply.text, reply.denied) == ("done", ("Write",))
    assert {name for name, path in paths.items() if path.exists()} == {"inside"}


async def test_letter_case_links_and_the_home_lead_nowhere_and_the_refusal_says_what_is_allowed(
    live: Live,
) -> None:
    twin, home = live.folder / "WORK", live.folder / "home"
    twin.mkdir()
    home.mkdir()
    (twin / "secret.txt").write_text("secret")
    (live.cwd / "out").symlink_to(twin)
    mine = live.cwd / "mine.txt"
    mine.write_text("mine")
    told: list[str] = []

    def script(request: Request) -> Reply | str:
        if found := tool_results(request):
            told.extend(found)
            return "done"
        writes = [f"{twin}/a", "out/b", "~/c", f" {twin}/d", "mine2.txt"]
        reads = [f"{twin}/secret.txt", "out/secret.txt", str(mine)]
        return Reply(
            [
                *(use("Write", file_path=path, content="x") for path in writes),
                use("Edit", file_path=f"{twin}/secret.txt", old_string="secret", new_string="x"),
                *(use("Read", file_path=path) for path in reads),
                *(use("Glob", pattern=pattern) for pattern in (f"{twin}/*", "out/*", "*.txt")),
                *(use("Grep", pattern="secret", path=path) for path in (str(twin), "out")),
            ]
        )

    tools = ["Write", "Edit", "Read", "Glob", "Grep"]
    call = live.call(tools=tools, effect="write", grants=["write"])
    reply = await live.runner(live.api(script), {"HOME": str(home)}).ask(call)
    assert [path.name for path in twin.iterdir()] == ["secret.txt"]
    assert (twin / "secret.txt").read_text() == "secret"
    assert sorted(path.name for path in live.cwd.iterdir()) == ["mine.txt", "mine2.txt", "out"]
    assert not list(home.iterdir())
    assert (reply.denied, len(reply.denied_paths), len(reply.denied_reads)) == (("Write",), 4, 6)
    refused = [text for text in told if "out of bounds" in text]
    assert len(refused) == 10
    assert all(f"only below {live.cwd}" in text for text in refused)


async def test_a_long_result_that_the_cli_puts_into_a_file_of_its_own_may_be_read(
    live: Live,
) -> None:
    def script(request: Request) -> Reply | str:
        found = tool_results(request)
        if not found:
            return Reply([use("Bash", command="seq 1 30000")])
        saved = re.search(r"\S+/tool-results/\S+\.txt", found[0])
        if saved:
            return Reply([use("Read", file_path=saved[0], offset=29_000, limit=10)])
        return "yes" if "29005" in found[0] else found[0][:200]

    call = live.call(tools=["Bash", "Read"], effect="write", grants=["bash"])
    reply = await live.runner(live.api(script)).ask(call)
    assert (reply.text, reply.denied_reads) == ("yes", ())


async def test_a_folder_reached_by_a_link_with_an_odd_name_is_still_its_own(live: Live) -> None:
    real = live.folder / "a (b), c!"
    real.mkdir()
    alias = live.folder / "alias"
    alias.symlink_to(real)

    def script(request: Request) -> Reply | str:
        if tool_results(request):
            return "done"
        targets = [real / "1.txt", alias / "2.txt", live.cwd / "3.txt"]
        return Reply([use("Write", file_path=str(path), content="x") for path in targets])

    call = live.call(tools=["Write"], effect="write", grants=["write"], cwd=str(alias))
    await live.runner(live.api(script)).ask(call)
    assert sorted(path.name for path in real.iterdir()) == ["1.txt", "2.txt"]
    assert not list(live.cwd.iterdir())


async def test_what_was_not_granted_is_not_even_offered(live: Live) -> None:
    marker = live.cwd / "marker"

    def script(request: Request) -> Reply | str:
        if tool_results(request):
            return "done"
        write = use("Write", file_path=str(live.cwd / "x"), content="x")
        return Reply([use("Bash", command=f"touch {marker}"), write])

    for tools in (["Read"], ["Read", "Bash", "Write"]):
        api = live.api(script)
        reply = await live.runner(api).ask(live.call(tools=tools, effect="read"))
        assert tools_offered(api.requests[0]) == ["Read"]
        assert "No such tool available: Bash" in str(tool_results(api.requests[-1]))
        assert reply.text == "done"
    assert not list(live.cwd.iterdir())


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", CURRENT_SONNET])
async def test_the_model_is_not_told_what_it_may_cost(live: Live, model: str) -> None:
    def script(request: Request) -> Reply | str:
        return "ok" if tool_results(request) else Reply([use("Glob", pattern="*")])

    api = live.api(script)
    call = live.call(model=model, tools=["Glob"], effect="read", budget_usd=0.5)
    assert (await live.runner(api).ask(call)).text == "ok"
    assert len(api.requests) == 2
    assert "budget" not in str(api.requests[-1]["messages"]).lower()


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", CURRENT_SONNET])
async def test_the_tools_that_are_offered_are_those_of_the_step_whatever_the_model(
    live: Live, model: str
) -> None:
    api = live.api(lambda request: "ok")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAUDE_CODE_SIMPLE", "1")
        call = live.call(model=model, tools=["Read", "Write"], effect="write", grants=["write"])
        assert (await live.runner(api).ask(call)).error is None
    assert sorted(tools_offered(api.requests[0])) == ["Read", "Write"]


async def test_bash_runs_where_it_was_granted(live: Live) -> None:
    def script(request: Request) -> Reply | str:
        found = tool_results(request)
        return found[0][:5] if found else Reply([use("Bash", command="echo hello > a; cat a")])

    call = live.call(tools=["Bash"], effect="write", grants=["bash"])
    reply = await live.runner(live.api(script)).ask(call)
    assert (reply.text, reply.denied) == ("hello", ())
    assert (live.cwd / "a").read_text() == "hello\n"


async def test_a_path_in_the_instruction_may_be_read_and_its_neighbour_may_not(live: Live) -> None:
    outside = live.folder / "outside"
    outside.mkdir()
    for name in ("named", "neighbour"):
        (outside / name).write_text(f"content of {name}")

    def script(request: Request) -> Reply | str:
        if found := tool_results(request):
            return " ".join(n for n in ("named", "neighbour") if f"content of {n}" in str(found))
        return Reply([use("Read", file_path=str(outside / n)) for n in ("named", "neighbour")])

    paths = [str(outside / "named"), str(outside / "n*")]
    call = live.call(tools=["Read"], effect="read", literal_paths=paths)
    reply = await live.runner(live.api(script)).ask(call)
    neighbour = str(outside / "neighbour")
    assert (reply.text, reply.denied, reply.denied_reads) == ("named", (), (neighbour,))


async def test_ten_samples_run_at_once_though_only_two_start_at_once(live: Live) -> None:
    everybody = threading.Barrier(10)

    def script(request: Request) -> str:
        everybody.wait(timeout=60)
        return prompt(request).upper()

    api = live.api(script)
    runner = live.runner(api, starts_at_once=2)
    replies = await asyncio.gather(*(runner.ask(live.call(f"n{i}")) for i in range(10)))
    assert [reply.text for reply in replies] == [f"N{i}" for i in range(10)]
    assert api.peak == 10
