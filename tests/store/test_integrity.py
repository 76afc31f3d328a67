"""The hash chain finds every edit, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from maker.core import events
from maker.core.seams import Record
from maker.errors import LogDamaged
from maker.store.integrity import START, Head, linked, verified


def chained(payloads: list[bytes]) -> list[Record]:
    records, head = [], events.GENESIS
    for seq, payload in enumerate(payloads, 1):
        head = events.chain(head, payload)
        records.append(Record(seq=seq, timestamp=0.0, type="N", payload=payload, hash=head))
    return records


logs = st.lists(st.binary(max_size=20), min_size=1, max_size=6).map(chained)


@given(logs)
def test_the_head_of_an_intact_log_is_its_last_hash(log: list[Record]) -> None:
    assert list(linked(log)) == log
    assert list(verified(log, Head(len(log), log[-1].hash))) == log


def test_a_log_without_records_ends_at_the_start() -> None:
    assert list(verified([], START)) == []


@given(logs, st.data())
def test_a_changed_payload_or_hash_is_found_at_its_place(
    log: list[Record], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(log) - 1))
    changed = data.draw(
        st.sampled_from(
            [
                replace(log[at], payload=log[at].payload + b"!"),
                replace(log[at], hash=bytes(31) + b"!"),
                replace(log[at], seq=log[at].seq + 1),
            ]
        )
    )
    with pytest.raises(LogDamaged) as found:
        list(linked([*log[:at], changed, *log[at + 1 :]]))
    assert found.value.seq == at + 1


@given(logs, st.data())
def test_a_lost_record_is_found_at_its_place(log: list[Record], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(log) - 1))
    with pytest.raises(LogDamaged) as found:
        list(verified(log[:at] + log[at + 1 :], Head(len(log), log[-1].hash)))
    assert found.value.seq == at + 1


@given(logs)
def test_a_consistent_rewrite_is_found_by_the_noted_head(log: list[Record]) -> None:
    forged = chained([b"forged", *(record.payload for record in log[1:])])
    if forged != log:
        with pytest.raises(LogDamaged):
            list(verified(forged, Head(len(log), log[-1].hash)))
