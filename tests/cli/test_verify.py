"""`maker verify`: what holds, what does not, and against which head."""

from __future__ import annotations

import json
import sqlite3

import pytest
from stored_runs import by_sample, cut, database, stored

from fakes import plan
from maker.cli.main import main
from maker.core.events import GENESIS, chain, decode
from maker.core.models import RunId
from maker.store import queries
from maker.store.ddl import TRIGGERS
from maker.store.heads import file_of
from maker.store.queries import Reader


@pytest.fixture
def run() -> RunId:
    return stored(by_sample([{"n": 3}]), plan())


def head(run: RunId) -> str:
    with Reader(str(database())) as reader:
        return reader.run(run).head_hash


def test_an_intact_run_prints_its_head(run: RunId, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", run]) == 0
    assert head(run) in capsys.readouterr().out
    assert main(["verify", run, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["head_hash"] == head(run)


def test_the_head_that_was_noted_is_confirmed(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", run, "--expect", head(run).upper()]) == 0
    assert "as expected" in capsys.readouterr().out
    assert main(["verify", run, "--expect", head(run)[:16]]) == 0


def test_another_head_than_the_noted_one_is_damage(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", run, "--expect", "0" * 64]) == 6
    assert "not the log that you noted" in capsys.readouterr().err


def test_a_log_that_has_grown_since_says_so(run: RunId, capsys: pytest.CaptureFixture[str]) -> None:
    with Reader(str(database())) as reader:
        earlier = reader.records(run)[3].hash.hex()
    assert main(["verify", run, "--expect", earlier]) == 6
    assert "the log has grown" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "0" * 65])
def test_what_is_no_hash_is_a_usage_error(run: RunId, text: str) -> None:
    assert main(["verify", run, "--expect", text]) == 2


def test_a_row_that_disagrees_with_the_log_is_found(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(database()) as connection:
        connection.execute("UPDATE runs SET cost_usd = 0, status = 'failed'")
    assert main(["verify", run]) == 6
    err = capsys.readouterr().err
    assert "status ('failed' instead of 'completed')" in err
    assert "cost_usd" in err or "totals" in err


def end(run: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["verify", run, "--json"]) == 0
    found: str = json.loads(capsys.readouterr().out)["end"]
    return found


def test_a_run_that_stopped_is_proven_to_its_end(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end(run, capsys) == "noted"
    assert main(["verify", run]) == 0
    assert f"as noted in {database()}-heads" in capsys.readouterr().out


def test_a_copy_without_its_heads_is_no_damage_but_proves_no_end(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    file_of(database()).unlink()
    assert end(run, capsys) == "not noted"
    assert main(["verify", run]) == 0
    assert "nothing proves that it went no further" in capsys.readouterr().out


def test_of_an_unfinished_run_nothing_proves_that_it_went_no_further(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end(cut(run, 4), capsys) == "open"
    assert main(["verify", run]) == 0
    assert "the run is crashed: nothing proves" in capsys.readouterr().out


def test_a_log_that_lost_its_end_with_its_row_is_damage(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = file_of(database()).read_bytes()
    cut(run, 4)
    file_of(database()).write_bytes(noted)
    assert main(["verify", run]) == 6
    assert "the log ends with event 4, but it once ended with event" in capsys.readouterr().err
    assert main(["resume", run]) == 6
    capsys.readouterr()
    assert main(["show", run]) == 0
    assert "Note: the log ends with event 4, but" in capsys.readouterr().err


def test_a_log_that_lost_its_end_is_refused_also_where_its_row_says_that_it_is_completed(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(database()) as connection:
        connection.execute("DROP TRIGGER events_no_delete")
        connection.execute("DELETE FROM events WHERE seq > 4")
        connection.execute(
            "UPDATE runs SET head_seq = 4, head_hash = (SELECT hash FROM events WHERE seq = 4)"
        )
    for command in ("verify", "resume"):
        assert main([command, run]) == 6
        assert "but it once ended with event" in capsys.readouterr().err
    file_of(database()).unlink()
    assert main(["resume", run]) == 6
    assert "its log says that it is running" in capsys.readouterr().err


@pytest.mark.parametrize("reference", [slice(None), slice(-8, None), slice(8)])
def test_a_run_that_is_gone_but_was_noted_is_damage(
    run: RunId, reference: slice, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(database()) as connection:
        connection.execute("UPDATE runs SET pruned = 1")
        connection.execute("DELETE FROM events")
        connection.execute("DELETE FROM runs")
    assert main(["verify", run[reference]]) == 6
    assert f"run {run} is gone" in capsys.readouterr().err
    assert main(["show", run[reference]]) == 6
    assert main(["verify", "ffff"]) == 2


def test_a_log_whose_chain_holds_but_that_makes_no_sense_is_damage(
    run: RunId, capsys: pytest.CaptureFixture[str]
) -> None:
    with Reader(str(database())) as reader:
        payloads = [record.payload for record in reader.records(run)]
    forge([*payloads[:2], payloads[-2].replace(b'"step":0', b'"step":77')])
    assert main(["verify", run]) == 6
    assert "event 3" in capsys.readouterr().err
    forge(payloads[1:])
    assert main(["verify", run]) == 6


def forge(payloads: list[bytes]) -> None:
    """Write the log anew, with a chain that holds."""
    file_of(database()).unlink(missing_ok=True)
    previous = GENESIS
    with sqlite3.connect(database()) as connection:
        for trigger in TRIGGERS:
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        connection.execute("DELETE FROM events")
        for seq, payload in enumerate(payloads, 1):
            previous = chain(previous, payload)
            event = decode(payload)
            row = (seq, type(event).__name__, event.timestamp, payload.decode(), previous)
            connection.execute("INSERT INTO events VALUES (1, ?, ?, ?, ?, NULL, ?)", row)
        connection.execute("UPDATE runs SET head_seq = ?, head_hash = ?", (seq, previous))


def test_a_long_log_is_read_in_parts(run: RunId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_AT_ONCE", 2)
    with Reader(str(database())) as reader:
        assert list(reader.log(reader.run(run))) == reader.records(run)
    assert main(["verify", run]) == 0


@pytest.mark.parametrize(
    "edit",
    ["UPDATE runs SET head_seq = head_seq - 1", "DELETE FROM events WHERE seq = 4"],
)
def test_a_log_that_ends_elsewhere_than_its_row_says_is_damage(run: RunId, edit: str) -> None:
    with sqlite3.connect(database()) as connection:
        connection.execute("DROP TRIGGER events_no_delete")
        connection.execute(edit)
    assert main(["verify", run]) == 6
