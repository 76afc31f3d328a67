"""Which samples vote, and when two answers are the same."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import config, step
from maker.core.models import AgentError, AgentReply
from maker.steps.canonical import compared
from maker.steps.context import strategy_config
from maker.steps.red_flags import Contract, judge, token_estimate

VOTED = Contract(schema="{n: int, why: string}", voted=True)


def flag(reply: AgentReply, contract: Contract = VOTED) -> str:
    return judge(reply, contract).flag


def test_a_fitting_reply_votes_with_its_comparable_fields() -> None:
    one = judge(AgentReply(text='{"n": 3, "why": "counted"}'), VOTED)
    other = judge(AgentReply(text="n: 3\nwhy: counted: twice"), VOTED)
    assert one.flag == other.flag == ""
    assert one.answer == other.answer == '{"n":3}'
    assert other.output == {"n": 3, "why": "counted: twice"}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (AgentReply(text='{"n": 1}', error=AgentError(kind="max_turns", message="x")), "error"),
        (AgentReply(text='{"n": 1, "why": ""}', stop_reason="refusal"), "refusal"),
        (AgentReply(text='{"n": 1, "why": ""}', denied=("Bash",)), "denied"),
        (AgentReply(text="  \n"), "empty"),
        (AgentReply(text="Well. " * 600 + '{"n": 1, "why": ""}'), "too_long"),
        (AgentReply(text='{"n": 1, "why": "x"}', stop_reason="pause_turn"), "incomplete"),
        (AgentReply(text='{"n": 1, "why": "x"}', stop_reason="yet_to_come"), "incomplete"),
        (AgentReply(text='{"n": 1, "why": "x"'), "repaired"),
        (AgentReply(text='{"n": 1}'), "schema"),
        (AgentReply(text="[1]"), "not_mapping"),
        (AgentReply(text="API Error: 500"), "error"),
    ],
)
def test_a_bad_reply_carries_its_flag(reply: AgentReply, expected: str) -> None:
    ballot = judge(reply, VOTED)
    assert ballot.flag == expected
    assert ballot.detail
    assert ballot.output is None
    assert ballot.answer == ""


def test_a_denied_write_is_flagged_with_its_path_and_a_denied_read_is_not() -> None:
    answer = '{"n": 1, "why": ""}'
    wrote = AgentReply(text=answer, denied=("Write",), denied_paths=("/tmp/LIVE/x",))
    assert "Write (/tmp/LIVE/x)" in judge(wrote, VOTED).detail
    assert flag(AgentReply(text=answer, denied_reads=("/etc/hosts",))) == ""


def test_the_reason_of_a_flag_names_what_could_not_be_read() -> None:
    unread = AgentReply(text="I cannot say.", denied_reads=("/etc/hosts", "/etc/fstab"))
    assert judge(unread, VOTED).detail.endswith("(it was not let read /etc/hosts, /etc/fstab)")


def test_a_repaired_reply_that_fits_is_kept_where_nothing_is_voted() -> None:
    guessing = Contract(schema=VOTED.schema, may_guess=True)
    ballot = judge(AgentReply(text='{"n": 1, "why": "x",}'), guessing)
    assert (ballot.flag, ballot.verdict) == ("", "repaired")
    assert ballot.output == {"n": 1, "why": "x"}


@pytest.mark.parametrize(
    "text", ['{"n": 1, "why": "' + "x" * 9000 + '"}', " " * 9000 + '{"n": 1, "why": ""}']
)
def test_an_answer_may_be_long_where_it_is_not_compared(text: str) -> None:
    assert flag(AgentReply(text=text), VOTED) == ""


def test_what_is_compared_may_not_be_long_unless_it_is_a_list_or_a_document() -> None:
    contract = Contract(schema="{why: string}", vote_on=("why",), voted=True)
    text = '{"why": "' + "x" * 9000 + '"}'
    assert flag(AgentReply(text=text), contract) == "too_long"
    assert flag(AgentReply(text=text), msgspec.structs.replace(contract, long_answer=True)) == ""


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        ("{rate: string}", '{"rate": "", "cannot": "config.ini does not exist"}', "cannot"),
        ("{rate: string}", '{"rate": "5", "cannot": ""}', ""),
        ("{rate: string}", '{"rate": "5", "cannot": null}', ""),
        ("{rate: string, cannot: string}", '{"rate": "5", "cannot": "fly"}', ""),
        ("{rate: string, cannot: string}", '{"cannot": "read it"}', "cannot"),
        ("{text: string}", '{"text": "x", "cannot": "find more"}', "cannot"),
    ],
)
def test_cannot_counts_wherever_it_is_said(schema: str, text: str, expected: str) -> None:
    assert flag(AgentReply(text=text), Contract(schema=schema)) == expected


def test_an_answer_about_api_errors_is_no_error_of_the_api() -> None:
    answer = 'API Error is what the log says.\n{"n": 1, "why": "API Error: 529"}'
    assert flag(AgentReply(text=answer), VOTED) == ""
    assert flag(AgentReply(text='API Error: 529 {"type":"error"}'), VOTED) == "error"
    assert flag(AgentReply(text="API Error: 529 overloaded"), VOTED) == "error"


def test_a_declared_failure_carries_its_reason() -> None:
    ballot = judge(AgentReply(text='{"cannot": "no\\nfile"}'), VOTED)
    assert (ballot.flag, ballot.detail) == ("cannot", "no file")


def test_a_declared_field_named_cannot_is_no_failure() -> None:
    contract = Contract(schema="{cannot: string, n: int}")
    assert flag(AgentReply(text='{"cannot": "fly", "n": 1}'), contract) == ""


def test_a_conditional_step_is_compared_by_its_target_only() -> None:
    contract = Contract(targets=(2, -1), voted=True)
    one = judge(AgentReply(text='{"next_step": "2", "reason": "a"}'), contract)
    other = judge(AgentReply(text='{"next_step": 2, "reason": "b"}'), contract)
    assert one.answer == other.answer
    assert flag(AgentReply(text='{"next_step": 3, "reason": "a"}'), contract) == "targets"


def test_only_the_fields_named_by_vote_on_are_compared() -> None:
    contract = Contract(schema="{a: string, n: int}", vote_on=("a",), voted=True)
    one = judge(AgentReply(text='{"a": "x", "n": 1}'), contract)
    other = judge(AgentReply(text='{"a": "x", "n": 2}'), contract)
    assert one.answer == other.answer == '{"a":"x"}'


def test_a_step_without_a_schema_takes_the_mapping() -> None:
    ballot = judge(AgentReply(text="done: all three renamed"), Contract())
    assert ballot.output == {"done": "all three renamed"}


def test_a_token_is_about_four_characters() -> None:
    assert [token_estimate(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]


def canonical(value: object) -> str:
    return compared(value, None, ())


def test_numerically_equal_numbers_are_the_same_answer() -> None:
    assert canonical({"a": 1.0, "b": -0.0}) == canonical({"b": 0, "a": 1})
    assert canonical(True) != canonical(1)
    assert canonical("1") != canonical(1)


def test_composed_and_decomposed_letters_are_the_same_answer() -> None:
    assert canonical("caf\u00e9") == canonical("cafe\u0301")


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3)))
def test_the_order_of_keys_does_not_matter(mapping: dict[str, object]) -> None:
    assert canonical(mapping) == canonical(dict(reversed(mapping.items())))


def test_a_path_that_leads_to_nothing_is_compared_as_null() -> None:
    output = {"a": {"b": 1}, "l": [{"n": 1}, {"n": 2}]}
    paths = ["a.b", "a.c", "l.n", "l.1.n"]
    assert compared(output, None, paths) == '{"a.b":1,"a.c":null,"l.1.n":2,"l.n":[1,2]}'


def test_a_step_whose_plan_asks_for_no_vote_is_asked_once() -> None:
    made = step(output_schema="{ok: bool}", is_voted=False)
    strategy, note = strategy_config(config(voting_strategy="majority"), made, "pure")
    assert (strategy, "vote_on: []" in note) == ("none", True)
