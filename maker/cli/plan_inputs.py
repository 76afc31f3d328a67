"""The values that a plan asks for: `--set pr=123`, each of the type that the plan declares."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import Any

from maker.core.models import Plan, TaskConfig
from maker.core.text import one_line
from maker.errors import ConfigError
from maker.plan.plan_view import input_types
from maker.schema.claims import claims
from maker.schema.fields import is_text
from maker.schema.schema import (
    Choice,
    Fields,
    ListOf,
    Maybe,
    Schema,
    SchemaError,
    problems,
    render,
)
from maker.workspace.evidence import refuted_by_files


def plan_inputs(pairs: Sequence[str], plan: Plan | None, config: TaskConfig) -> dict[str, Any]:
    """The plan's inputs from `NAME=VALUE` each. Raises ConfigError that names all that is wrong."""
    declared = input_types(plan) if plan else Fields(())
    if isinstance(declared, SchemaError):
        raise ConfigError(f"the plan's inputs cannot be read: {declared.message}", field="set")
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        kind = declared.field(name)
        if kind is None or not equals:
            raise _unknown(pair, name if equals else "", declared)
        values[name] = _value(name, text, kind)
    missing = [
        f"--set {name}={render(kind).upper() if not is_text(kind) else 'TEXT'}"
        for name, kind in declared.fields
        if name not in values and not isinstance(kind, Maybe)
    ]
    if missing:
        raise ConfigError(f"the plan needs {', '.join(missing)}", field="set")
    absent = refuted_by_files(claims(declared, values), [config.cwd, *config.add_dirs])
    if absent:
        raise ConfigError(absent[0], field="set", advice="Paths start in the working folder.")
    return values


def _value(name: str, text: str, kind: Schema) -> Any:
    kind = kind.inner if isinstance(kind, Maybe) else kind
    value: Any = text
    if not is_text(kind) and not isinstance(kind, Choice):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            is_words = isinstance(kind, ListOf) and is_text(kind.item)
            value = [part.strip() for part in text.split(",")] if is_words else text
    wrong = problems(Fields(((name, kind),)), {name: value})
    if wrong:
        raise ConfigError(
            wrong[0], field="set", advice=f"Write it as --set {name}=..., of type {render(kind)}."
        )
    return value


def _unknown(pair: str, name: str, declared: Fields) -> ConfigError:
    names = [known for known, _ in declared.fields]
    if not names:
        return ConfigError(
            "there is no plan that declares inputs to set",
            field="set",
            advice="Give one with --plan, with for example: inputs: {pr: int}",
        )
    near = difflib.get_close_matches(name, names, n=1)
    return ConfigError(
        f"{one_line(pair, 60)!r} sets no input of the plan",
        field="set",
        advice=f"Did you mean {near[0]}=...?" if near else f"It declares: {', '.join(names)}.",
    )
