"""Connections through proxies, to other addresses, with a client certificate, and over several addresses."""

from __future__ import annotations

import select
import shutil
import socket
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import raw_service
from ghmlops.commands.shared.load.load_source import Routing, reach, read_target
from ghmlops.core.errors import InputError, ServiceError
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.allowed_hosts import HostRules
from ghmlops.core.load.call import Call
from ghmlops.core.load.routing import Proxy, read_connect_to
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.measure.contact.http1 import exchange
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols import http1_request
from ghmlops.measure.load.target import Target, parse_target, with_client_certificate
from ghmlops.measure.load.worker import tls_settings
from tls_server import self_signed, server_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from raw_service import Connection, RawService

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
ANSWER = raw_service.answering(lambda connection, _: connection.write(raw_service.OK))


def run(target: Target, n: int = 4) -> Recording:
    load = Load(
        targets=[target],
        endpoints=[Request(expect=Expect(contains="ok"))],
        calls=[Call(endpoint=0, path="/p", body=b"x")],
        order=[0] * n,
        times=np.arange(n) / 50,
        warmup=0,
        block=n,
        write_order=[0] * n,
        connections=2,
        timeout=5.0,
    )
    return run_load(load, lambda _: True)


def proxy_script(port: int, *, status: str = "200 OK") -> Callable[[Connection, RawService], None]:
    """Return the script of a proxy whose tunnels all lead to one port, and that answers other requests itself."""

    def script(connection: Connection, service: RawService) -> None:
        while request := connection.request():
            service.requests.append((connection.number, request))
            if not request.startswith(b"CONNECT "):
                connection.write(raw_service.OK)
                continue
            connection.write(f"HTTP/1.1 {status}\r\nx-proxy: 1\r\n\r\n".encode())
            if not status.startswith("200"):
                return
            with socket.create_connection(("127.0.0.1", port)) as upstream:
                pair = {connection.stream: upstream, upstream: connection.stream}
                while True:
                    for ready in select.select(list(pair), [], [])[0]:
                        data = ready.recv(65536)
                        if not data:
                            return
                        pair[ready].sendall(data)

    return script


def routed(target: Target, proxy: RawService, authorization: str = "") -> Target:
    names = Proxy(host="127.0.0.1", port=proxy.port, authorization=authorization, variable="HTTPS_PROXY")
    return replace(target, proxy=names)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_a_proxy_forwards_http_in_absolute_form() -> None:
    """The request line has the complete address and the proxy's password, and the header `host` that of the service."""
    with raw_service.started(proxy_script(0)) as proxy:
        target = probe(routed(parse_target("http://service.invalid:8000/v1", "url"), proxy, "Basic abc"), "url")
        recording = run(target)
        (request,) = http1_request.prepare([Request()], target, [Call(endpoint=0, path="/p", body=b"x")])
        assert exchange(target, request, 3.0).status == 200
        requests = [request for _, request in proxy.requests]
    assert recording.arms[0].kind.tolist() == [Kind.OK] * 4
    assert all(r.startswith(b"POST http://service.invalid:8000/v1/p HTTP/1.1\r\n") for r in requests)
    assert all(b"\r\nhost: service.invalid:8000\r\n" in r for r in requests)
    assert all(b"\r\nproxy-authorization: Basic abc\r\n" in r for r in requests)


@needs_openssl
def test_a_proxy_opens_a_tunnel_for_https(certificate: tuple[Path, Path]) -> None:
    """The tunnel leads to the checked address, and the service never sees the proxy's password."""
    with (
        raw_service.started(ANSWER, server_context(certificate)) as service,
        raw_service.started(proxy_script(service.port)) as proxy,
    ):
        url = f"https://localhost:{service.port}"
        target = probe(routed(parse_target(url, "url", str(certificate[0])), proxy, "Basic abc"), "url")
        recording = run(target)
        tunnels = {request.partition(b"\r\n")[0] for _, request in proxy.requests}
        assert all(b"\r\nproxy-authorization: Basic abc\r\n" in request for _, request in proxy.requests)
        assert not any(b"proxy-authorization" in request for _, request in service.requests)
    assert recording.arms[0].kind.tolist() == [Kind.OK] * 4
    assert tunnels <= {b"CONNECT %s:%d HTTP/1.1" % (host, service.port) for host in (b"127.0.0.1", b"[::1]")}


@needs_openssl
def test_a_proxy_that_refuses_is_an_error(certificate: tuple[Path, Path]) -> None:
    """The message contains the proxy's status."""
    with raw_service.started(proxy_script(0, status="407 Proxy Authentication Required")) as proxy:
        target = routed(parse_target("https://service.invalid", "url", str(certificate[0])), proxy)
        with pytest.raises(ServiceError, match="407") as caught:
            probe(target, "url")
    assert "HTTPS_PROXY" in (caught.value.hint or "")


def routing(folder: Path, environ: dict[str, str] | None = None, connect_to: str = "") -> Routing:
    return Routing(environ=environ or {}, connect_to=read_connect_to(connect_to), client_certificate="", folder=folder)


def test_a_proxy_does_not_extend_the_hosts(tmp_path: Path) -> None:
    """A host that `allow-hosts` does not include is refused although only the proxy would be contacted."""
    environ = {"HTTP_PROXY": "http://127.0.0.1:1"}
    with pytest.raises(InputError) as caught:
        read_target("http://169.254.169.254", "url", "", HostRules(), routing(tmp_path, environ))
    assert caught.value.reason_code == "target-not-allowed"
    for url in ("http://scorer.invalid", "http://10.0.0.7"):
        with pytest.raises(InputError):
            read_target(url, "url", "", HostRules(allowed=("other.invalid",)), routing(tmp_path, environ))
    target = read_target(
        "http://scorer.invalid", "url", "", HostRules(allowed=("scorer.invalid",)), routing(tmp_path, environ)
    )
    assert (target.dial_port, target.forwarded) == (1, True)


def test_connect_to_replaces_the_address_and_nothing_else(tmp_path: Path) -> None:
    """The load goes to the other address with the name of the service in the header `host`."""
    with raw_service.started(ANSWER) as service:
        rules = HostRules()
        rule = f"scorer.invalid:8000:127.0.0.1:{service.port}"
        target = read_target("http://scorer.invalid:8000", "url", "", rules, routing(tmp_path, connect_to=rule))
        recording = run(reach(target, "url", rules))
        assert all(b"\r\nhost: scorer.invalid:8000\r\n" in request for _, request in service.requests)
    assert recording.arms[0].kind.tolist() == [Kind.OK] * 4


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("127.0.0.1:8000:169.254.169.254:80", ()),
        ("127.0.0.1:8000:169.254.169.254:80", ("169.254.0.0/16",)),
        ("127.0.0.1:8000:10.0.0.7:80", ("scorer.invalid",)),
        ("127.0.0.1:8000:scorer.invalid:80", ("other.invalid",)),
    ],
)
def test_connect_to_does_not_extend_the_hosts(tmp_path: Path, rule: str, allowed: tuple[str, ...]) -> None:
    """The other address must be allowed as if it were the address of the input."""
    with pytest.raises(InputError) as caught:
        read_target("http://127.0.0.1:8000", "url", "", HostRules(allowed=allowed), routing(tmp_path, connect_to=rule))
    assert caught.value.reason_code == "target-not-allowed"


@needs_openssl
def test_a_client_certificate_is_presented(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    """A service that demands one is loaded with it, also by other processes; without it the error names the input."""
    both = tmp_path / "both.pem"
    both.write_bytes(certificate[0].read_bytes() + certificate[1].read_bytes())
    with raw_service.started(ANSWER, server_context(certificate, demand=True)) as service:
        url = f"https://localhost:{service.port}"
        plain = parse_target(url, "url", str(certificate[0]))
        with pytest.raises(ServiceError) as caught:
            probe(plain, "url")
        assert "client-certificate" in (caught.value.hint or "")
        target = probe(
            with_client_certificate(parse_target(url, "url", str(certificate[0])), str(both), "both.pem"), "url"
        )
        assert run(target).arms[0].kind.tolist() == [Kind.OK] * 4
        settings = tls_settings(target)
        assert settings is not None
        again = replace(target, tls=settings.create_context())
        assert run(again).arms[0].kind.tolist() == [Kind.OK] * 4


@needs_openssl
def test_an_unusable_client_certificate_is_an_error(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    """A missing file, one without the key, and an encrypted key are named; OpenSSL asks for no password."""
    encrypted = tmp_path / "encrypted.pem"
    command = [
        "openssl",
        "ec",
        "-aes128",
        "-passout",
        "pass:secret",
        "-in",
        str(certificate[1]),
        "-out",
        str(encrypted),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    encrypted.write_bytes(encrypted.read_bytes() + certificate[0].read_bytes())
    for file in (str(certificate[0]), str(certificate[1]), str(tmp_path / "none.pem"), str(tmp_path), str(encrypted)):
        with pytest.raises(InputError, match="client-certificate"):
            with_client_certificate(parse_target("https://localhost", "url"), file, "x.pem")
    assert with_client_certificate(parse_target("http://localhost", "url"), "none", "none").client_certificate == ""


def test_connections_are_spread_over_the_addresses_that_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address that accepts connections is used in turn; the others, and unchecked ones, are not."""
    resolve = socket.getaddrinfo
    checked: list[str] = []

    def addresses(host: str, port: int, *more: int, **names: int) -> list[object]:
        if host != "replicas.test":
            return list(resolve(host, port, *more, **names))
        replicas = ["127.0.0.3", "127.0.0.1", "127.0.0.2"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (replica, port)) for replica in replicas]

    with raw_service.started(ANSWER) as service:
        monkeypatch.setattr(socket, "getaddrinfo", addresses)
        with socket.create_server(("127.0.0.2", service.port)):
            target = probe(parse_target(f"http://replicas.test:{service.port}", "url"), "url", checked.extend)
    assert checked == ["127.0.0.3", "127.0.0.1", "127.0.0.2"]
    assert (target.address, target.addresses) == ("127.0.0.1", ("127.0.0.1", "127.0.0.2"))
