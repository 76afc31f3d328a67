"""Who owns a lease: a process in its place, and within it a session."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fakes import RUN, gone_process
from maker.errors import RunBusy
from maker.store.lease import Owner, is_dead, parse, this_process
from maker.store.memory import MemoryStore

TELL = "from maker.store.lease import this_process; print(this_process(), flush=True)"
JUDGE = "import sys; from maker.store.lease import is_dead; print(is_dead(sys.argv[1]))"
NEW_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc")
FOREIGN_PROC = ("unshare", "--pid", "--fork")


def can_unshare() -> bool:
    """Whether this test may make a pid namespace, as root may."""
    try:
        return subprocess.run([*NEW_NAMESPACE, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


namespaces = pytest.mark.skipif(not can_unshare(), reason="no new pid namespace can be made here")


def said_by(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


async def test_two_sessions_of_one_process_exclude_each_other() -> None:
    store = MemoryStore()
    await store.acquire(RUN, this_process("one"), 0.0, 30.0)
    with pytest.raises(RunBusy):
        await store.acquire(RUN, this_process("two"), 1.0, 30.0)


def test_a_session_is_alive_as_long_as_its_process_is() -> None:
    assert not is_dead(this_process("one"))


def test_an_owner_string_says_where_its_pid_means_something() -> None:
    owner = parse(this_process("the:session"))
    assert (owner.pid, owner.session) == (os.getpid(), "the:session")
    assert owner.namespace
    assert this_process() == f"{owner.host}:{owner.pid}:{owner.start}"


def test_the_owners_of_older_makers_are_parsed_and_dead_only_by_their_lease() -> None:
    old = "somewhere:4711:ec3c4d4f-5172:0199aaaa"
    assert parse(old) == Owner("somewhere", 4711, "ec3c4d4f-5172", "ec3c4d4f", "", "0199aaaa")
    host, boot = parse(this_process()).host, parse(this_process()).boot
    assert not is_dead(f"{host}:{os.getpid()}:{boot}-1")


def test_a_process_is_judged_only_from_its_own_host_boot_and_namespace() -> None:
    host, pid, start = gone_process().split(":")
    boot, ticks, namespace = start.split("-")
    assert is_dead(f"{host}:{pid}:{boot}-{ticks}-{namespace}")
    assert not is_dead(f"not-{host}:{pid}:{boot}-{ticks}-{namespace}")
    assert not is_dead(f"{host}:{pid}:0{boot}-{ticks}-{namespace}")
    assert not is_dead(f"{host}:{pid}:{boot}-{ticks}-{namespace}1")
    assert not is_dead(f"{host}:{pid}:{boot}-{ticks}-")
    assert not is_dead("nonsense")


def test_a_process_that_has_ended_is_dead_even_before_it_is_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", TELL], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        owner = child.stdout.read().strip()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(owner)


@namespaces
def test_a_process_in_a_container_is_not_taken_for_dead_from_outside() -> None:
    owner = said_by(*NEW_NAMESPACE, sys.executable, "-c", TELL)
    assert parse(owner).host == parse(this_process()).host
    assert parse(owner).namespace != parse(this_process()).namespace
    assert not is_dead(owner)


@namespaces
@pytest.mark.parametrize("namespace", [NEW_NAMESPACE, FOREIGN_PROC])
def test_a_process_outside_is_not_taken_for_dead_from_within_a_container(
    namespace: tuple[str, ...],
) -> None:
    judged = said_by(*namespace, sys.executable, "-c", JUDGE, gone_process())
    assert judged == "False"
