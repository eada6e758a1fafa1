"""A route of a real Envoy: what it refuses, lost answers, a restart, and what is no Envoy."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest

from envoy_router import PREFIX, needs_envoy, running_envoy, start_envoy, wait_until_live
from ghmlops.act.targets import apply_shares, open_target, read_shares
from ghmlops.act.targets.envoy import Envoy
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import EnvoyTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, rung_shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from haproxy_router import Router

SERVERS = {"v2": (9, 0), "v1t": (9, 0), "v1": (9, 100)}


def settings(folder: Path, **changes: object) -> EnvoyTarget:
    """Return the target of a running Envoy."""
    target = EnvoyTarget(
        admin=f"127.0.0.1:{(folder / 'admin').read_text()}",
        runtime_key_prefix=PREFIX,
        candidate=("v2",),
        twin=("v1t",),
        baseline=("v1",),
    )
    return msgspec.structs.replace(target, **changes)


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """Return an Envoy whose weights no test changes."""
    with running_envoy(tmp_path_factory.mktemp("envoy"), SERVERS) as running:
        yield running


@needs_envoy
@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"runtime_key_prefix": "other"}, "no cluster"),
        ({"candidate": ("v9",)}, "v9"),
        ({"twin": ()}, ""),
    ],
)
def test_names_that_do_not_exist(router: Router, changes: dict[str, object], fact: str) -> None:
    """The message lists the clusters that the route has; a cluster without a weight may belong to no arm."""
    target = open_target(settings(router.folder, **changes), router.folder)
    if not fact:
        assert read_shares(target) == BASELINE_ONLY
        return
    with pytest.raises(ServiceError) as caught:
        read_shares(target)
    assert caught.value.reason_code == "target-refused"
    assert fact in caught.value.message


@needs_envoy
def test_a_cluster_with_weight_that_belongs_to_no_arm(router: Router) -> None:
    """Its requests would be nobody's."""
    target = open_target(settings(router.folder, baseline=("v1t",), twin=()), router.folder)
    with pytest.raises(ServiceError, match="v1") as caught:
        read_shares(target)
    assert caught.value.reason_code == "target-refused"


@needs_envoy
def test_a_restart_loses_the_weights(tmp_path: Path) -> None:
    """They are those of the configuration again, so that a promotion in progress sees the change; then it can go on."""
    with running_envoy(tmp_path, SERVERS) as router:
        target = open_target(settings(tmp_path), tmp_path)
        assert apply_shares(target, rung_shares(0.25, with_twin=True)).candidate == pytest.approx(0.25)
        router.process.kill()
        router.process.wait(10)
        with pytest.raises(ServiceError) as caught:
            read_shares(target)
        assert caught.value.reason_code == "target-unreachable"
        process = start_envoy(tmp_path)
        try:
            wait_until_live(tmp_path, process)
            assert read_shares(target) == BASELINE_ONLY
            assert apply_shares(target, rung_shares(0.05, with_twin=True)).candidate == pytest.approx(0.05)
        finally:
            process.kill()
            process.wait(10)


@needs_envoy
def test_without_an_admin_layer_nothing_can_be_set(tmp_path: Path) -> None:
    """The hint is the part of the configuration that is missing; the weights stay."""
    with running_envoy(tmp_path, SERVERS, admin_layer=False):
        target = open_target(settings(tmp_path), tmp_path)
        with pytest.raises(ServiceError) as caught:
            apply_shares(target, rung_shares(0.25, with_twin=True))
        assert caught.value.reason_code == "target-refused"
        assert "admin_layer" in caught.value.hint
        assert read_shares(target) == BASELINE_ONLY


@needs_envoy
def test_clusters_without_a_healthy_host_are_not_ready(tmp_path: Path) -> None:
    """One host listens; nothing listens at the others, and Envoy's health checks find that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with running_envoy(tmp_path, {"v2": (9, 0), "v1t": (9, 0), "v1": (port, 100)}, health_check=True):
            target = open_target(settings(tmp_path), tmp_path)
            for _ in range(500):
                if target.ready() == {"candidate": 0, "twin": 0, "pool": 1}:
                    break
                threading.Event().wait(0.02)
            assert target.ready() == {"candidate": 0, "twin": 0, "pool": 1}


@contextlib.contextmanager
def answering(answer: Callable[[bytes], bytes | None]) -> Iterator[EnvoyTarget]:
    """Yield the settings of a server that answers requests by a function; `None` closes the connection."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError, OSError):
                    client, _ = listener.accept()
                    with client:
                        client.settimeout(2)
                        if (content := answer(client.recv(65536))) is not None:
                            client.sendall(content)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield EnvoyTarget(
                admin=f"127.0.0.1:{listener.getsockname()[1]}",
                runtime_key_prefix=PREFIX,
                candidate=("v2",),
                baseline=("v1",),
            )
        finally:
            stop.set()
            thread.join()


def response(body: bytes, status: int = 200) -> bytes:
    """Return an HTTP response."""
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        response(b"<html>"),
        response(b"[]"),
        response(b"{}"),
        response(b'{"entries": {"a": 1}}'),
        response(b'{"entries": []}'),
        response(b"[" * 100_000),
        response(b"nothing here", 404),
    ],
)
def test_garbage_is_no_weight(tmp_path: Path, content: bytes) -> None:
    """Whatever answers is one error with one line, and never a share."""
    with answering(lambda _: content or None) as target, pytest.raises(ServiceError) as caught:
        read_shares(Envoy(target, tmp_path))
    assert caught.value.reason_code in ("target-refused", "target-unreachable")
    assert "\n" not in caught.value.message


def test_a_value_that_is_no_weight_is_not_used(tmp_path: Path) -> None:
    """Envoy ignores it and uses the configuration, and so does the target."""
    values = b'{"entries": {"shop.split.v2": {"final_value": "lots"}, "shop.split.v1": {"final_value": "7"}}}'
    weighted = b'{"configs": [{"x": {"weighted_clusters": {"runtime_key_prefix": "shop.split", "clusters": '
    weighted += b'[{"name": "v2", "weight": 3}, {"name": "v1", "weight": 97}]}}}]}'
    with answering(lambda request: response(values if b"/runtime" in request else weighted)) as target:
        assert Envoy(target, tmp_path).server_weights() == {"candidate": (3,), "pool": (7,)}


@pytest.mark.parametrize("weight", [b'"many"', b"-3", b"2.5", b"[1]", b'{"a": 1}', b"true"])
def test_a_configuration_whose_weight_is_no_number(tmp_path: Path, weight: bytes) -> None:
    """One line, and never a share."""
    dump = b'{"x": {"weighted_clusters": {"runtime_key_prefix": "shop.split", "clusters": [{"name": "v2", "weight": %s}'
    dump = dump % weight + b', {"name": "v1", "weight": 97}]}}}'

    def answer(request: bytes) -> bytes:
        return response(b'{"entries": {}}' if b"/runtime" in request else dump)

    with answering(answer) as target, pytest.raises(ServiceError) as caught:
        Envoy(target, tmp_path).server_weights()
    assert caught.value.reason_code == "target-refused"


@needs_envoy
def test_a_lost_answer_is_looked_up(router: Router, tmp_path: Path) -> None:
    """The change was made and its answer lost: the weight decides, not the answer."""
    port = int((router.folder / "admin").read_text())

    def forward(request: bytes) -> bytes | None:
        with socket.create_connection(("127.0.0.1", port)) as envoy:
            envoy.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = b"".join(iter(lambda: envoy.recv(65536), b""))
        return None if request.startswith(b"POST") else answer

    with answering(forward) as target:
        with_twin = msgspec.structs.replace(target, twin=("v1t",))
        for share in (0.25, 0.0):
            shares = rung_shares(share, with_twin=share > 0)
            assert apply_shares(Envoy(with_twin, tmp_path), shares).candidate == pytest.approx(share)
