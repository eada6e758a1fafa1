"""HAProxy's runtime API: what it refuses is one line, and a lost answer is looked up."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets import apply_shares, arm_weights
from ghmlops.act.targets.haproxy import Haproxy
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import HaproxyTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, rung_shares
from haproxy_router import needs_haproxy, running_haproxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from haproxy_router import Router

pytestmark = needs_haproxy


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    """Return a router with one candidate and two servers of the baseline."""
    with running_haproxy(tmp_path, {"v2": (9, 0), "a": (9, 10), "b": (9, 10)}) as running:
        yield running


def target(router: Router, **changes: object) -> Haproxy:
    """Return the target of the router, with changed settings."""
    settings: dict[str, object] = {
        "socket": "admin.sock",
        "backend": "scorer",
        "candidate": ("v2",),
        "baseline": ("a", "b"),
        **changes,
    }
    return Haproxy(HaproxyTarget(**settings), router.folder)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "code", "fact"),
    [
        ({"backend": "scorers"}, "target-refused", "scorers"),
        ({"candidate": ("v3",)}, "target-refused", "v3"),
        ({"socket": "absent.sock"}, "target-unreachable", "absent.sock"),
        ({"socket": "haproxy.cfg"}, "target-unreachable", "haproxy.cfg"),
    ],
)
def test_names_that_do_not_exist(router: Router, changes: dict[str, object], code: str, fact: str) -> None:
    """Backend, server and socket are named."""
    with pytest.raises(ServiceError) as caught:
        target(router, **changes).server_weights()
    assert caught.value.reason_code == code
    assert fact in caught.value.message


def test_a_socket_without_rights_reads_and_does_not_set(router: Router) -> None:
    """The hint names the missing level; the weights are unchanged."""
    reader = target(router, socket="user.sock")
    with pytest.raises(ServiceError) as caught:
        reader.set_weight("candidate", 5)
    assert "level admin" in caught.value.hint
    assert arm_weights(target(router)) == {"candidate": 0, "pool": 10}


def test_a_static_algorithm_has_fixed_weights(tmp_path: Path) -> None:
    """The hint names the algorithms whose weights can be changed; nothing was changed."""
    with running_haproxy(tmp_path, {"v2": (9, 0), "a": (9, 10), "b": (9, 10)}, "source") as running:
        with pytest.raises(ServiceError) as caught:
            apply_shares(target(running), rung_shares(0.25, with_twin=False))
        assert arm_weights(target(running)) == {"candidate": 0, "pool": 10}
    assert caught.value.reason_code == "target-refused"
    assert "roundrobin" in caught.value.hint


def test_a_weight_that_a_person_changed_on_one_server(router: Router) -> None:
    """The servers of an arm then have different weights, which is no state of a ladder."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(router.folder / "admin.sock"))
        admin.sendall(b"set weight scorer/b 77\n")
        admin.recv(100)
    with pytest.raises(ServiceError) as caught:
        arm_weights(target(router))
    assert caught.value.reason_code == "weights-differ"
    assert "77" in caught.value.message


def test_a_router_that_ends_in_mid_ladder(router: Router) -> None:
    """The next change says that the socket cannot be reached."""
    ladder = target(router)
    apply_shares(ladder, rung_shares(0.25, with_twin=False))
    router.process.terminate()
    router.process.wait(10)
    with pytest.raises(ServiceError) as caught:
        apply_shares(ladder, BASELINE_ONLY)
    assert caught.value.reason_code == "target-unreachable"


@contextlib.contextmanager
def proxy(folder: Path, *, answers: int, garbage: bytes = b"") -> Iterator[str]:
    """Yield a socket in front of HAProxy that forwards every command, and loses or replaces the answers after some."""
    path, stop = folder / "proxy.sock", threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    listener.settimeout(0.1)

    def serve() -> None:
        count = 0
        while not stop.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            with client, socket.socket(socket.AF_UNIX) as upstream, contextlib.suppress(BrokenPipeError):
                upstream.connect(str(folder / "admin.sock"))
                command = client.recv(1000)
                upstream.sendall(command)
                answer = b"".join(iter(lambda: upstream.recv(1000), b""))
                count += 1
                if count <= answers or command.startswith(b"get"):
                    client.sendall(garbage or answer)
                else:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield path.name
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_a_lost_answer_is_looked_up(router: Router) -> None:
    """Every answer of `set` is lost and the command had its effect: the ladder goes on."""
    with proxy(router.folder, answers=0) as path:
        result = apply_shares(target(router, socket=path), rung_shares(0.25, with_twin=False))
    assert result.candidate == pytest.approx(0.25)
    assert arm_weights(target(router)) == {"candidate": 2, "pool": 3}


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\x00", b"12", b"9" * 5000 + b" (initial 1)", b"x" * (2 << 20)],
)
def test_garbage_is_no_weight(router: Router, garbage: bytes) -> None:
    """One line, at most a few hundred characters long."""
    with proxy(router.folder, answers=99, garbage=garbage) as path, pytest.raises(ServiceError) as caught:
        target(router, socket=path).server_weights()
    assert caught.value.reason_code in ("target-refused", "target-unreachable")
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("flags", ["²", "9" * 5000, "-1", "up"])
def test_flags_that_are_no_number(router: Router, flags: str) -> None:
    """A server whose state cannot be read is not ready."""
    head = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"
    rows = f"{head}3 scorer 1 v2 127.0.0.1 2 {flags}\n3 scorer 2 v1a 127.0.0.1 2 0\n".encode()
    with proxy(router.folder, answers=99, garbage=rows) as path:
        assert target(router, socket=path).ready()["candidate"] == 0
