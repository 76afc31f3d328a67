# `uv run just` lists what there is to do.

default:
    @just --list

# style, types, floors
check:
    uv run --no-sync ruff check .
    uv run --no-sync ruff format --check .
    uv run --no-sync mypy
    uv run --no-sync lint-imports

# every test; the searches go as deep as in CI with CI=true
test *ARGS:
    uv run --no-sync pytest -n auto {{ARGS}}

# the tests for while one works: no CLI process, nothing slow
fast *ARGS:
    uv run --no-sync pytest -q -n auto -m "not sdk and not slow and not storm" {{ARGS}}

# write the reference of the commands anew
docs:
    uv run --no-sync python -m maker.cli.reference > docs/cli.md

# keep the log of a run as a golden one: just golden @last tests/golden/NAME.jsonl
golden RUN FILE:
    uv run --no-sync python tests/golden/record.py {{RUN}} {{FILE}}

# whole-process figures of start-up and of the demonstration
bench:
    uv run --no-sync python benchmarks/startup.py
    uv run --no-sync python benchmarks/demo.py
