"""Which pages an agent can fetch, by our hook and the rules of the real CLI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopback import Reply, Request, tool_results, use

if TYPE_CHECKING:
    from sdk.conftest import Live

pytestmark = [pytest.mark.sdk, pytest.mark.slow]


async def test_pages_of_other_hosts_than_those_granted_are_refused(live: Live) -> None:
    by_the_cli_alone = "https://docs.python.org/3/"  # it has a list of hosts that need no rule
    urls = ["https://sqlite.org/lang.html", "https://evil.com/?q=x", by_the_cli_alone]
    results: list[str] = []

    def script(request: Request) -> str | Reply:
        if found := tool_results(request):
            results.extend(found)
            return "done"
        return Reply([use("WebFetch", url=url, prompt="What is it?") for url in urls])

    api = live.api(script)
    call = live.call(tools=["WebFetch", "WebSearch"], effect="web", grants=["web:sqlite.org"])
    reply = await live.runner(api).ask(call)
    told = "It may fetch pages of: sqlite.org, www.sqlite.org."
    fetched = [result for result in results if told not in result]
    assert (len(results), len(fetched)) == (3, 1), results
    assert "domain sqlite.org " in fetched[0], "the CLI asks about the host first; nobody answers"
    assert (reply.denied, sorted(reply.denied_paths)) == (("WebFetch",), sorted(urls[1:]))
    assert [tool["name"] for tool in api.requests[0]["tools"]] == ["WebFetch"]
