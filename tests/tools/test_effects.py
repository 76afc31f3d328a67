"""What tools may do, and what must be granted for them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from maker.core.effects import (
    BUILTIN_EFFECTS,
    STRENGTH,
    effect_of,
    grants_needed,
    offered_name,
    resolve_effect,
)
from maker.core.models import ToolSpec
from maker.tools.registry import ToolRegistry

SPECS = [
    *ToolRegistry.with_defaults().specs(),
    ToolSpec(name="mcp__docs__search", description="", effect="read"),
    ToolSpec(name="mcp__docs__put", description="", effect="write"),
    ToolSpec(name="mcp__mail", description="", effect="external"),
]


def test_a_step_without_tools_is_pure_and_needs_no_grant() -> None:
    assert resolve_effect([], SPECS) == "pure"
    assert grants_needed([], SPECS) == []


def test_a_step_has_the_strongest_effect_of_its_tools() -> None:
    assert resolve_effect(["Read", "Grep"], SPECS) == "read"
    assert resolve_effect(["Read", "Bash"], SPECS) == "write"
    assert resolve_effect(["Write", "mcp__mail__send"], SPECS) == "external"


@given(st.lists(st.sampled_from([spec.name for spec in SPECS])), st.randoms())
def test_the_effect_does_not_depend_on_order_and_more_tools_never_weaken_it(
    tools: list[str], random: Random
) -> None:
    shuffled = random.sample(tools, len(tools))
    assert resolve_effect(shuffled, SPECS) == resolve_effect(tools, SPECS)
    fewer = tools[: len(tools) // 2]
    weak, strong = resolve_effect(fewer, SPECS), resolve_effect(tools, SPECS)
    assert STRENGTH.index(weak) <= STRENGTH.index(strong)


def test_a_tool_nobody_described_may_do_anything() -> None:
    assert effect_of("Telegraph", SPECS) == "external"
    assert effect_of("mcp__unheard__of", SPECS) == "external"
    assert effect_of("mcp__docs__undeclared", SPECS) == "external"


def test_a_builtin_keeps_its_effect_where_no_spec_was_recorded() -> None:
    assert {name: effect_of(name, []) for name in BUILTIN_EFFECTS} == BUILTIN_EFFECTS


def test_a_tool_of_an_undeclared_server_is_covered_by_the_server() -> None:
    assert effect_of("mcp__mail__send", SPECS) == "external"
    assert effect_of("mcp__mail", SPECS) == "external"


def test_grants_are_named_after_what_must_be_trusted() -> None:
    assert grants_needed(["Read", "Glob", "mcp__docs__search"], SPECS) == []
    assert grants_needed(["Edit"], SPECS) == ["write"]
    assert grants_needed(["NotebookEdit", "Write"], SPECS) == ["write"]
    assert grants_needed(["Bash"], SPECS) == ["bash"]
    assert grants_needed(["mcp__mail__send", "Bash", "Write"], SPECS) == [
        "write",
        "bash",
        "external",
    ]


def test_the_web_is_more_than_reading_and_less_than_writing() -> None:
    assert resolve_effect(["Read", "WebFetch"], SPECS) == "web"
    assert resolve_effect(["WebSearch", "Write"], SPECS) == "write"
    assert grants_needed(["WebSearch"], SPECS) == ["web"]
    assert grants_needed(["WebFetch"], SPECS) == [], "its hosts are judged one by one"
    asks = ToolSpec(name="mcp__asks", description="", effect="web")
    assert grants_needed(["mcp__asks"], [asks]) == ["web"]


def test_an_older_log_knew_the_web_as_reading() -> None:
    old = [ToolSpec(name=name, description="", effect="read") for name in ("WebFetch", "WebSearch")]
    assert resolve_effect(["WebFetch", "WebSearch"], old) == "read"
    assert grants_needed(["WebFetch", "WebSearch"], old) == []


def test_a_tool_is_offered_in_the_letters_of_the_cli() -> None:
    assert offered_name("mcp__s__add.item") == "mcp__s__add_item"
    assert offered_name("söök it") == "s__k_it"


def test_an_mcp_tool_that_writes_needs_the_external_grant_since_it_cannot_be_scoped() -> None:
    assert grants_needed(["mcp__docs__put"], SPECS) == ["external"]
