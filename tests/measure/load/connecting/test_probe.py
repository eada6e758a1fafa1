"""The probe of a service, before the run."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import ServiceError
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.target import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_probe_of_a_service(service: str) -> None:
    """The probe stores the numeric address that accepted the connection."""
    target = probe(parse_target(service.replace("127.0.0.1", "localhost"), "url"), "url")
    assert target.address == "127.0.0.1"


def test_probe_of_a_closed_port_and_of_an_unknown_host() -> None:
    """A port that refuses connections and a host that does not exist are errors of the service, with a hint."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        with pytest.raises(ServiceError, match=f"http://127.0.0.1:{port}: Connection refused") as refused:
            probe(parse_target(f"http://127.0.0.1:{port}", "url"), "url")
    assert "--url" in refused.value.hint
    with pytest.raises(ServiceError, match=r"http://nowhere\.invalid: the host"):
        probe(parse_target("http://nowhere.invalid", "url"), "url")
    with pytest.raises(ServiceError, match="the host"):
        probe(parse_target("http://" + "a" * 70 + ".invalid", "url"), "url")


@pytest.fixture
def port_without_tls() -> Iterator[int]:
    """Port that responds in plain HTTP and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def accept() -> None:
            connection, _ = server.accept()
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


def test_probe_of_a_service_without_tls(port_without_tls: int) -> None:
    """An https address of a plain HTTP service is an error of the service that suggests http://."""
    with pytest.raises(ServiceError, match=f"https://127.0.0.1:{port_without_tls}: ") as caught:
        probe(parse_target(f"https://127.0.0.1:{port_without_tls}", "url"), "url")
    assert "http://" in caught.value.hint
