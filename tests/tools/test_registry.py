"""The registry: what a plan may name."""

import msgspec
import pytest

from maker.core.models import ToolSpec
from maker.errors import ConfigError
from maker.tools.registry import DESCRIPTIONS, ToolRegistry

STDIO = {"command": "python", "args": ["server.py"]}


def effects(registry: ToolRegistry) -> dict[str, str]:
    return {spec.name: spec.effect for spec in registry.specs()}


def test_a_new_registry_is_empty() -> None:
    registry = ToolRegistry()
    assert (registry.specs(), registry.mcp_servers, registry.live_servers) == ([], {}, {})


def test_the_defaults_are_the_nine_tools_with_a_description_each() -> None:
    specs = ToolRegistry.with_defaults().specs()
    assert [spec.name for spec in specs] == list(DESCRIPTIONS)
    assert len(specs) == 9
    assert all(len(spec.description) > 20 and "\n" not in spec.description for spec in specs)


def test_only_the_allowed_builtins_are_registered() -> None:
    assert list(effects(ToolRegistry.with_defaults(["Read", "Grep"]))) == ["Read", "Grep"]
    assert ToolRegistry.with_defaults([]).specs() == []


def test_an_unknown_allowed_builtin_is_an_error_that_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match="'read'") as caught:
        ToolRegistry.with_defaults(["read"])
    assert "Read" in caught.value.advice
    with pytest.raises(ConfigError) as caught:
        ToolRegistry.with_defaults(["xyzzy"])
    assert "NotebookEdit" in caught.value.advice


def test_a_known_builtin_knows_its_effect_and_an_unknown_one_is_external() -> None:
    registry = ToolRegistry()
    registry.register_builtin("Read", "Read files")
    registry.register_builtin("Bash", "Run commands")
    registry.register_builtin("Task", "Start an agent")
    registry.register_builtin("Calculate", "Adds", effect="pure")
    assert effects(registry) == {
        "Read": "read",
        "Bash": "write",
        "Task": "external",
        "Calculate": "pure",
    }


def test_an_effect_can_be_raised_but_not_lowered() -> None:
    registry = ToolRegistry()
    registry.register_builtin("Read", "Read files", effect="external")
    assert effects(registry) == {"Read": "external"}
    with pytest.raises(ConfigError, match="cannot be declared read"):
        registry.register_builtin("Bash", "Run commands", effect="read")


def test_an_unknown_effect_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown effect 'harmless'"):
        ToolRegistry().register_builtin("Read", "Read files", effect="harmless")  # type: ignore[arg-type]


def test_a_server_without_declared_tools_is_one_external_tool() -> None:
    registry = ToolRegistry()
    registry.register_mcp("mail", STDIO)
    assert effects(registry) == {"mcp__mail": "external"}
    assert registry.mcp_servers == {"mail": {"type": "stdio", **STDIO}}


def test_declared_tools_have_their_own_names_and_effects() -> None:
    registry = ToolRegistry()
    declared = {"search": {"effect": "read", "description": "Search"}, "put": {}}
    registry.register_mcp("docs", {**STDIO, "tools": declared})
    assert registry.specs() == [
        ToolSpec(name="mcp__docs__search", description="Search", effect="read"),
        ToolSpec(name="mcp__docs__put", description="", effect="external"),
    ]


def test_the_stored_settings_rebuild_the_same_registry_after_a_trip_through_json() -> None:
    registry = ToolRegistry()
    spec = ToolSpec(name="mcp__docs__search", description="Search", effect="read")
    registry.register_mcp("docs", STDIO, tools={"search": spec})
    stored = msgspec.json.decode(msgspec.json.encode(registry.mcp_servers))
    rebuilt = ToolRegistry()
    for name, config in stored.items():
        rebuilt.register_mcp(name, config)
    assert rebuilt.specs() == registry.specs() == [spec]


def test_an_in_process_server_stays_live_and_is_not_stored() -> None:
    server = {"type": "sdk", "name": "calc", "instance": object()}
    registry = ToolRegistry()
    registry.register_mcp("calc", server, tools={"add": {"effect": "pure"}})
    assert registry.mcp_servers == {}
    assert registry.live_servers == {"calc": server}
    assert effects(registry) == {"mcp__calc__add": "pure"}


def test_registering_a_name_again_replaces_it() -> None:
    registry = ToolRegistry()
    registry.register_mcp("calc", {"type": "sdk", "name": "calc", "instance": object()})
    registry.register_mcp("calc", STDIO)
    assert registry.live_servers == {}
    assert list(registry.mcp_servers) == ["calc"]


@pytest.mark.parametrize(
    "tools",
    [["search"], {"search": "read"}, {"a b": {}}, {"x": {"effect": "none"}}, {"x": {"y": 1}}],
)
def test_badly_declared_tools_are_refused(tools: object) -> None:
    with pytest.raises(ConfigError):
        ToolRegistry().register_mcp("docs", {**STDIO, "tools": tools})


def test_a_tool_is_declared_as_the_cli_offers_it() -> None:
    with pytest.raises(ConfigError, match=r"'add\.item'") as refused:
        ToolRegistry().register_mcp("docs", {**STDIO, "tools": {"add.item": {}}})
    assert "add_item" in refused.value.advice


@pytest.mark.parametrize("config", [None, "python server.py", [], 7])
def test_settings_that_are_no_object_are_refused(config: object) -> None:
    with pytest.raises(ConfigError, match="docs"):
        ToolRegistry().register_mcp("docs", config, tools={"x": {}})  # type: ignore[arg-type]
