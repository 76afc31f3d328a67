"""When two logs tell the same story: the equality that resume and replay are held to.

Derived events are equal in order within each lane, replies by call key. Times, pauses and
resumes do not count, nor does how lanes interleave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from maker.core import events as e
from maker.core import keys
from maker.core.models import AgentReply, CallKey


def lanes(events: Iterable[e.Event]) -> dict[keys.LaneKey, list[e.Event]]:
    """The derived events of each lane in order, without their times."""
    found: dict[keys.LaneKey, list[e.Event]] = {}
    for event in events:
        if not e.is_input(event):
            timeless = msgspec.structs.replace(event, timestamp=0.0)
            found.setdefault(e.lane(event), []).append(timeless)
    return found


def replies(events: Iterable[e.Event]) -> dict[CallKey, AgentReply]:
    """The reply to each call."""
    return {event.key: event.reply for event in events if isinstance(event, e.AgentReplied)}


def bought_twice(events: Iterable[e.Event]) -> list[CallKey]:
    """Calls that were answered more than once; a correct log has none."""
    counts = Counter(event.key for event in events if isinstance(event, e.AgentReplied))
    return sorted(key for key, count in counts.items() if count > 1)


def differences(one: list[e.Event], other: list[e.Event]) -> list[str]:
    """Where two logs differ, in words; empty where they tell the same story."""
    words = []
    first, second = lanes(one), lanes(other)
    for lane in sorted({*first, *second}, key=lambda lane: lane or (-1, -1)):
        logs = first.get(lane, []), second.get(lane, [])
        if logs[0] == logs[1]:
            continue
        place = next(
            (i for i, (a, b) in enumerate(zip(*logs, strict=False)) if a != b),
            min(map(len, logs)),
        )
        names = [type(log[place]).__name__ if place < len(log) else "nothing" for log in logs]
        name = "the plan's lane" if lane is None else f"lane {lane[0]}.{lane[1]}"
        words.append(f"{name}, event {place}: {names[0]} against {names[1]}")
    had, has = replies(one), replies(other)
    words += [
        f"reply {key} differs" for key in sorted({*had, *has}) if had.get(key) != has.get(key)
    ]
    return words
