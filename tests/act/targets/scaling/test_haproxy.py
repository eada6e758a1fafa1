"""Servers of a real HAProxy as replicas: set once, read back, and never over somebody else's change."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets.haproxy_socket import AnswerLost, RuntimeSocket
from ghmlops.act.targets.scaling import open_service
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.production.scale import ScaledBackend
from haproxy_router import needs_haproxy, running_haproxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.act.targets.scaling import ScaledService
    from haproxy_router import Router

pytestmark = needs_haproxy
NAMES = ("s1", "s2", "s3", "s4")


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    """Return a router with four servers, one of which the policy does not name, and none in maintenance."""
    with running_haproxy(tmp_path, dict.fromkeys((*NAMES, "other"), (9, 1))) as running:
        yield running


def service(router: Router, **changes: object) -> ScaledService:
    """Return the service, which has read nothing yet."""
    settings: dict[str, object] = {"socket": "admin.sock", "backend": "scorer", "servers": NAMES, **changes}
    return open_service(ScaledBackend(**settings), router.folder)  # type: ignore[arg-type]


def ask(router: Router, command: str) -> str:
    """Return what HAProxy answers to a person."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(router.folder / "admin.sock"))
        admin.sendall(command.encode() + b"\n")
        return admin.makefile().read()


def serving(router: Router) -> list[str]:
    """Return the servers that are not in maintenance."""
    rows = [line.split() for line in ask(router, "show servers state scorer").splitlines()[2:]]
    return [row[3] for row in rows if len(row) > 6 and row[6] == "0"]


def test_servers_are_taken_out_from_the_end_and_back_from_the_start(router: Router) -> None:
    """Those that the policy does not name are left alone."""
    target = service(router)
    assert target.read() == (4, 4)
    target.check()
    target.set(2)
    assert serving(router) == ["s1", "s2", "other"]
    target.set(3)
    assert serving(router) == ["s1", "s2", "s3", "other"]
    assert target.read() == (3, 3)
    target.set(0)
    assert (serving(router), target.read()) == (["other"], (0, 0))


def test_a_server_that_a_person_took_out_comes_back_first(router: Router) -> None:
    """The number counts, and the order of the list."""
    ask(router, "set server scorer/s1 state maint")
    target = service(router)
    assert target.read().desired == 3
    target.set(4)
    assert serving(router) == [*NAMES, "other"]


def test_a_change_since_the_number_was_read(router: Router) -> None:
    """It is theirs: nothing is set."""
    target = service(router)
    target.read()
    ask(router, "set server scorer/s2 state maint")
    with pytest.raises(ServiceError) as caught:
        target.set(2)
    assert (caught.value.reason_code, serving(router)) == ("target-conflict", ["s1", "s3", "s4", "other"])


def test_a_server_in_drain_is_a_person_at_work(router: Router) -> None:
    """It is named before anything is set."""
    ask(router, "set server scorer/s3 state drain")
    with pytest.raises(ServiceError) as caught:
        service(router).check()
    assert caught.value.reason_code == "target-conflict"
    assert "s3" in caught.value.message


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_is_looked_up(router: Router, monkeypatch: pytest.MonkeyPatch, executed: bool) -> None:
    """The command is sent once; the states that are read afterwards decide."""
    ask_socket, sent = RuntimeSocket.ask, []

    def lossy(self: RuntimeSocket, command: str) -> str:
        if not command.startswith("set server"):
            return ask_socket(self, command)
        sent.append(command)
        if executed:
            ask_socket(self, command)
        raise AnswerLost("lost")

    target = service(router)
    target.read()
    monkeypatch.setattr(RuntimeSocket, "ask", lossy)
    if executed:
        target.set(3)
    else:
        with pytest.raises(ServiceError) as caught:
            target.set(3)
        assert caught.value.reason_code == "target-conflict"
    assert sent == ["set server scorer/s4 state maint"]
    assert len(serving(router)) == (4 if executed else 5)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [({"backend": "other"}, "other"), ({"servers": ("s1", "s9")}, "s9"), ({"socket": "no.sock"}, "no.sock")],
)
def test_names_that_do_not_exist(router: Router, changes: dict[str, object], fact: str) -> None:
    """Backend, server and socket are named, and are never 0 replicas."""
    with pytest.raises(ServiceError) as caught:
        service(router, **changes).read()
    assert fact in caught.value.message


def test_a_socket_without_rights_sets_nothing(router: Router) -> None:
    """The hint names the missing level."""
    target = service(router, socket="user.sock")
    with pytest.raises(ServiceError) as caught:
        target.set(2)
    assert "level admin" in caught.value.hint
    assert len(serving(router)) == 5


def test_more_replicas_than_servers(router: Router) -> None:
    """Nothing is set."""
    with pytest.raises(ServiceError) as caught:
        service(router).set(5)
    assert caught.value.reason_code == "target-refused"
