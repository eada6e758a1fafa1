"""Replays and re-asking: what an answer that cannot be judged decides (nothing), and what the finding says."""

from __future__ import annotations

import contextlib
import io
import itertools
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.synthetic.command import run
from ghmlops.commands.synthetic.inputs import Inputs
from ghmlops.core.context import Context
from ghmlops.core.errors import DataError
from ghmlops.core.model import Outcome
from ghmlops.core.synthetic.ask import Expected
from ghmlops.core.synthetic.message import message
from ghmlops.core.synthetic.saved_case import SavedCase, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OK, BAD, BUSY = 200, 500, 429
CASE = SavedCase(
    relation="answered",
    endpoint="POST /predict",
    expected=Expected.SERVED,
    change="the unchanged row",
    changed=message(0, "/predict", b'{"age": 1}'),
)
POLICY = "version: 1\nservice: s\nlatency: {request: {path: /predict, timeout: 2s}}\nsynthetic: {}\n"


@contextlib.contextmanager
def scripted(statuses: Sequence[int]) -> Iterator[str]:
    """Serve these statuses one after another; the last one from then on."""
    order = itertools.chain(statuses, itertools.repeat(statuses[-1]))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status = next(order)
            self.send_response(status)
            if status == BUSY:
                self.send_header("retry-after", "3600")
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def replayed(place: Path, candidate: Sequence[int], baseline: Sequence[int], cases: Sequence[SavedCase]) -> Result:
    (place / "policy.yml").write_text(POLICY)
    (place / "saved.cases").write_bytes(write(tuple(cases)))
    services = Services(
        context=Context(head_sha="0123456789abcdef0123456789abcdef01234567", repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    with scripted(candidate) as url, contextlib.ExitStack() as stack:
        other = stack.enter_context(scripted(baseline)) if baseline else ""
        return run(Inputs(policy="policy.yml", url=url, baseline_url=other, replay="saved.cases"), services)


@pytest.mark.parametrize(
    ("candidate", "baseline", "outcome"),
    [
        ([BAD], [OK], Outcome.FAIL),
        ([BAD] * 5 + [OK], [OK], Outcome.FAIL),
        ([OK, BAD], [OK], Outcome.FAIL),
        ([BAD], [OK] * 8, Outcome.FAIL),
        ([BAD] * 5 + [BUSY], [OK], Outcome.FAIL),
        ([BAD], [OK, BUSY], Outcome.INCONCLUSIVE),
        ([BAD], [OK] * 7 + [BUSY], Outcome.INCONCLUSIVE),
        ([BAD, BUSY], [OK], Outcome.INCONCLUSIVE),
        ([OK, BUSY], [OK], Outcome.INCONCLUSIVE),
        ([BAD], [OK, BAD, BUSY], Outcome.WARN),
        ([BAD, OK], [OK], Outcome.WARN),
        ([OK, OK, BAD, OK], [OK], Outcome.WARN),
        ([OK] * 7 + [BUSY], [OK], Outcome.PASS),
        ([OK], [OK, BAD, BUSY], Outcome.PASS),
    ],
)
def test_an_answer_that_cannot_be_judged_decides_nothing(
    tmp_path: Path, candidate: list[int], baseline: list[int], outcome: Outcome
) -> None:
    """A throttled answer is no violation and no proof of the contrary; what it cannot change is still decided."""
    assert replayed(tmp_path, candidate, baseline, [CASE]).outcome is outcome


@pytest.mark.parametrize(
    ("candidate", "baseline", "numbers"),
    [([BAD], [OK], "8 of 8"), ([BAD] * 5 + [OK], [OK], "5 of 8"), ([OK, BAD], [OK], "7 of 8")],
)
def test_the_finding_has_the_numbers_of_the_replay(
    tmp_path: Path, candidate: list[int], baseline: list[int], numbers: str
) -> None:
    """How often each service was asked, and how often the candidate failed; also if its first answer was right."""
    (finding,) = replayed(tmp_path, candidate, baseline, [CASE]).findings
    assert numbers in finding.reason
    assert "status 500" in finding.reason


def test_a_baseline_that_was_not_judged_is_not_said_to_be_right(tmp_path: Path) -> None:
    """The finding says how many saved cases are undecided."""
    (finding,) = replayed(tmp_path, [BAD], [OK, BUSY], [CASE]).findings
    assert "never" not in finding.reason
    assert "1 of 1 saved" in finding.reason


def test_one_undecided_case_of_several_is_no_pass(tmp_path: Path) -> None:
    """Two saved failures: the first does not return, the second cannot be judged."""
    statuses = [OK, OK, *[OK] * 7, BUSY]
    (finding,) = replayed(tmp_path, statuses, [OK], [CASE, CASE]).findings
    assert (finding.outcome, "1 of 2 saved" in finding.reason) == (Outcome.INCONCLUSIVE, True)


def test_without_a_baseline_throttling_is_not_called_a_violation_that_did_not_repeat(tmp_path: Path) -> None:
    """The violation was asked again and its answer could not be judged: a warning that says so."""
    (finding,) = replayed(tmp_path, [BAD, BUSY], [], [CASE]).findings
    assert finding.outcome is Outcome.WARN
    assert "did not repeat" not in finding.reason
    (other,) = replayed(tmp_path, [BAD, OK], [], [CASE]).findings
    assert (other.outcome, "did not repeat" in other.reason) == (Outcome.WARN, True)


@pytest.mark.parametrize("field", ["changed", "source", "context"])
@pytest.mark.parametrize("endpoint", [1, -1, 1 << 40])
def test_every_request_of_a_case_goes_to_an_endpoint_of_the_policy(tmp_path: Path, field: str, endpoint: int) -> None:
    """Also the requests that are only sent in between."""
    other = message(endpoint, "/predict", b"{}")
    case = msgspec.structs.replace(CASE, **{field: (other,) if field == "context" else other})
    with pytest.raises(DataError, match="POST /predict"):
        replayed(tmp_path, [OK], [OK], [CASE, case])
