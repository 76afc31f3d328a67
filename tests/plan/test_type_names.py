"""Types as other languages spell them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maker.plan.type_names import usual
from maker.schema.schema import SchemaError, parse_schema, render


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{n: integer}", "{n: int}"),
        ("{ok: boolean, name: str}", "{ok: bool, name: string}"),
        ("{price: number}", "{price: float}"),
        ("{files: list[string]}", "{files: [string]}"),
        ("{files: List[str]}", "{files: [string]}"),
        ("{files: string[]}", "{files: [string]}"),
        ("{counts: integer[]}", "{counts: [int]}"),
        ("{rows: list[{name: str}]}", "{rows: [{name: string}]}"),
        ("{note: string|null}", "{note: string?}"),
        ("{note: str | None}", "{note: string?}"),
        ("{note: null | int}", "{note: int?}"),
        ("{note: Optional[str]}", "{note: string?}"),
        ("{kind: a|b|null}", "{kind: a|b?}"),
        ("{severity: none|low|high}", "{severity: none|low|high}"),
        ("{meta: object}", "{meta: any}"),
        ("{integer: int, list: [string]}", "{integer: int, list: [string]}"),
        ("{kind: integer|string-like}", "{kind: integer|string-like}"),
        ("{kind: 'str'|\"list[x]\"}", "{kind: 'str'|\"list[x]\"}"),
        ("{of: text|number|date}", "{of: text|number|date}"),
    ],
)
def test_what_can_be_read_in_one_way_is_read_so(written: str, meant: str) -> None:
    assert usual(written) == meant
    parse_schema(usual(written))


NAMES = st.sampled_from(["a", "list", "str", "number", "none", "text", "object", "url", "kind"])
TYPES = st.recursive(
    st.sampled_from(["string", "int", "float", "bool", "any", "path", "url", "a|b", "none|some"]),
    lambda inner: st.one_of(
        inner.map("[{}]".format),
        inner.filter(lambda text: not text.endswith("?")).map("{}?".format),
        st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(
            lambda fields: f"{{{', '.join(f'{k}: {v}' for k, v in fields.items())}}}"
        ),
    ),
    max_leaves=6,
)


@given(TYPES)
def test_a_schema_of_the_language_stays_what_it_means(text: str) -> None:
    try:
        meant = render(parse_schema(text))
    except SchemaError:
        return
    assert render(parse_schema(usual(text))) == meant
