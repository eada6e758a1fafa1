"""Delivery of alerts to a real HTTP server on loopback."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.alerts import PAUSES, TRIES, deliver
from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Receiver(ThreadingHTTPServer):
    """A webhook that answers with the statuses of a list, then with 204; status 0 closes the connection."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.deliveries: list[tuple[str, Any, str]] = []
        """Path, body and key of each request."""
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        """Address with a secret path."""
        return f"http://127.0.0.1:{self.server_address[1]}/services/s3cret"


class Handler(BaseHTTPRequestHandler):
    """Records a delivery."""

    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.deliveries.append((self.path, body, self.headers["Idempotency-Key"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        if status == 0:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Yield a webhook on loopback."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("statuses", [[], [500], [429, 503], [0]])
def test_a_passing_failure_is_repeated_with_the_same_id(receiver: Receiver, statuses: list[int]) -> None:
    """A busy receiver and a lost response: the body and the key are the same each time."""
    receiver.statuses, count, pauses = list(statuses), len(statuses) + 1, list[float]()
    deliver(receiver.address, {"text": "x"}, "id-1", sleep=pauses.append)
    assert receiver.deliveries == [("/services/s3cret", {"text": "x"}, "id-1")] * count
    assert pauses == list(PAUSES[: count - 1])


@pytest.mark.parametrize(("statuses", "count"), [([404], 1), ([302], 1), ([500] * 9, TRIES), ([0] * 9, TRIES)])
def test_a_lasting_failure_is_one_error_without_the_address(
    receiver: Receiver, statuses: list[int], count: int
) -> None:
    """A redirect is not followed, and a refusal is not repeated."""
    receiver.statuses = list(statuses)
    with pytest.raises(ServiceError) as caught:
        deliver(receiver.address, {}, "id-1", sleep=lambda _: None)
    assert [path for path, _, _ in receiver.deliveries] == ["/services/s3cret"] * count
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_a_receiver_that_is_down() -> None:
    """The connection is tried as often, and the error names no address."""
    with Receiver() as server:
        address = server.address
    with pytest.raises(ServiceError) as caught:
        deliver(address, {}, "id-1", sleep=lambda _: None)
    assert "127.0.0.1" not in str(caught.value)
