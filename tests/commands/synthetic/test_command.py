"""`ghmlops synthetic` against real services: faults that are detected, noise that is not, replays, bad services."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import generated_traffic_service as service
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.synthetic.command import run
from ghmlops.commands.synthetic.inputs import Inputs
from ghmlops.core.context import Context
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.core.errors import DataError, EvidenceError, InputError, PolicyError, ServiceError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode
from ghmlops.measure.shadow.recordings import read_har
from left_evidence import left_error
from typed_details import details_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.synthetic.rows.fields import Json

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository's folder with a policy and payloads."""
    (tmp_path / "rows.jsonl").write_bytes(service.rows_file())
    write_policy(tmp_path)
    return tmp_path


def write_policy(place: Path, more: str = "", requests: int = 1200) -> None:
    (place / "policy.yml").write_text(service.POLICY.format(requests=requests, more=more), encoding="utf-8")


def edit_policy(place: Path, old: str, new: str) -> None:
    text = (place / "policy.yml").read_text(encoding="utf-8")
    assert old in text
    (place / "policy.yml").write_text(text.replace(old, new), encoding="utf-8")


def synthetic(place: Path, url: str, baseline: str = "", **more: Any) -> Result:
    services = Services(
        context=Context(head_sha=SHA, repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    return run(Inputs(policy="policy.yml", url=url, baseline_url=baseline, **more), services)


def compared(place: Path, *faults: str, noise: str = "", **more: Any) -> Result:
    """Return the result of a version with faults against one without; both have the noise."""
    with service.serving(*faults, noise=noise) as candidate, service.serving(noise=noise) as baseline:
        return synthetic(place, candidate, baseline, **more)


def read_evidence(place: Path) -> Evidence:
    return decode((place / "evidence" / "synthetic.json").read_bytes(), Evidence, "ghmlops/evidence/v1", "it")


def failed(result: Result) -> set[str]:
    return {finding.metric for finding in result.findings if finding.outcome is Outcome.FAIL}


@pytest.mark.parametrize(
    ("fault", "relation"),
    [
        ("batch-leak", "batch"),
        ("batch-order", "batch-order"),
        ("state", "same-twice"),
        ("load", "under-load"),
        ("key-order", "key-order"),
        ("number-spelling", "number-spelling"),
        ("unknown-field", "unknown-field"),
        ("time-zone", "equal-instants"),
        ("unicode", "unicode-forms"),
        ("unseen-crash", "unseen-category"),
        ("extreme-nan", "extreme-values"),
        ("illegal-200", "illegal-input"),
        ("absent-default", "absent"),
        ("name-leak", "invariant"),
        ("not-monotone", "monotone"),
        ("null-crash", "answered"),
        ("unit", "same-as-baseline"),
    ],
)
def test_a_fault_fails_its_relation(place: Path, fault: str, relation: str) -> None:
    """Each fault of the service violates the relation that is about it, proven against the baseline."""
    write_policy(place, "expect: same" if fault == "unit" else "")
    result = compared(place, fault)
    assert result.outcome is Outcome.FAIL
    assert relation in failed(result)
    details = details_of(read_evidence(place), SyntheticDetails)
    assert {row.proof for row in details.relations if row.relation == relation} <= {"test", "re-asked"}


@pytest.mark.parametrize("noise", service.NOISES)
def test_an_unchanged_service_does_not_fail(place: Path, noise: str) -> None:
    """Identifiers, jitter, sampled labels and random order are the baseline's noise; noisy paths are reported."""
    write_policy(place, "expect: same")
    result = compared(place, noise=noise)
    assert result.outcome is (Outcome.WARN if noise else Outcome.PASS)
    assert failed(result) == set()
    details = details_of(read_evidence(place), SyntheticDetails)
    assert {row.path for row in details.noise} == {
        "": set(), "uuid": {"$.request"}, "jitter": {"$.score"}, "sampling": {"$.label"}, "order": {"$.reasons"},
    }[noise]  # fmt: skip


def test_the_evidence_has_what_was_asked(place: Path) -> None:
    """Counts, the digest of the request stream, kinds of answers, the profile; no companion without a failure."""
    result = compared(place)
    evidence = read_evidence(place)
    details = details_of(evidence, SyntheticDetails)
    assert (evidence.provenance.seed, result.reason_code) == (1, "all-passed")
    assert set(result.outputs) == {"evidence-file", "violations", "cases-file"}
    assert (result.outputs["violations"], result.outputs["cases-file"]) == ("0", "")
    assert details.settings.requests <= 1200
    assert details.settings.rows == details.settings.planned_rows >= 10
    assert sum(row.answers for row in details.answers) == details.settings.requests
    assert [row.field for row in details.profile] == ["income", "age", "plan", "joined", "note"]
    assert [path.name for path in (place / "evidence").iterdir()] == ["synthetic.json"]
    dry = synthetic(place, "http://127.0.0.1:9", "http://127.0.0.1:10", dry_run=True)
    assert (dry.reason_code, dry.data["stream"]) == ("dry-run", details.settings.stream)


DESCRIPTION = {
    "type": "object",
    "required": ["income", "age", "plan", "name", "joined", "note"],
    "properties": {
        "income": {"type": "number", "minimum": 1000, "maximum": 9000},
        "age": {"type": ["integer", "null"], "minimum": 18, "maximum": 77},
        "plan": {"enum": list(service.PLANS)},
        "name": {"type": "string"},
        "joined": {"type": "string", "format": "date-time"},
        "note": {"type": "string", "examples": ["late payer", "caf\u00e9 owner"]},
    },
}


@pytest.mark.parametrize(
    ("faults", "relations"), [((), set()), (("key-order", "unicode"), {"key-order", "unicode-forms"})]
)
def test_rows_come_from_an_openapi_description(place: Path, faults: tuple[str, ...], relations: set[str]) -> None:
    """No payload is recorded: the description alone shows the faults, and no row is refused."""
    content = {"application/json": {"schema": DESCRIPTION}}
    document = {"openapi": "3.1.0", "paths": {"/predict": {"post": {"requestBody": {"content": content}}}}}
    (place / "openapi.json").write_text(json.dumps(document))
    (place / "rows.jsonl").unlink()
    write_policy(place, "from: openapi.json", requests=800)
    assert failed(compared(place, *faults)) == relations
    details = details_of(read_evidence(place), SyntheticDetails)
    assert {"income", "age", "plan", "joined", "note"} <= {row.field for row in details.profile}
    (place / "openapi.json").write_text(json.dumps({**document, "paths": {}}))
    with pytest.raises(DataError, match="no JSON body of POST /predict"):
        compared(place)


def test_a_failure_is_shrunk_saved_and_replayed(place: Path) -> None:
    """A corner of the model is reduced to its fields; the saved case fails again on the fault and passes without it."""
    write_policy(place, "expect: same", requests=2000)
    with service.serving("corner") as candidate, service.serving() as baseline:
        result = synthetic(place, candidate, baseline)
        assert failed(result) == {"same-as-baseline"}
        details = details_of(read_evidence(place), SyntheticDetails)
        (row,) = details.failures
        assert re.findall(r"(\w+)=", row.needs) == ["income"]
        assert row.minimal
        assert row.shrinking is not None
        assert row.shrinking < details.settings.shrinking_requests <= 200
        assert row.replays
        har = read_har(place / "evidence" / "synthetic.har", "synthetic.har")
        assert [request.path for request in har.requests] == ["/predict", "/predict"]
        assert len({request.body for request in har.requests}) == 1  # the baseline is asked the same
        saved = place / "saved.cases"
        saved.write_bytes((place / result.outputs["cases-file"]).read_bytes())
        again = synthetic(place, candidate, baseline, replay="saved.cases")
        assert failed(again) == {"saved-cases"}
        assert details_of(read_evidence(place), SyntheticDetails).settings.requests <= 40
        fixed = synthetic(place, baseline, candidate.replace("127.0.0.1", "localhost"), replay="saved.cases")
        assert fixed.outcome is not Outcome.PASS  # the baseline of this comparison has the fault


@pytest.mark.parametrize("fault", ["state", "load"])
def test_a_failure_that_needs_other_requests_is_replayed(place: Path, fault: str) -> None:
    """State between requests shows only if something comes in between, a fault under load only in company."""
    with service.serving(fault) as candidate, service.serving() as baseline:
        assert synthetic(place, candidate, baseline).outcome is Outcome.FAIL
        content = json.loads((place / "evidence" / "synthetic.cases").read_text())
        for case in content["cases"][:3]:
            (place / "one.cases").write_text(json.dumps({**content, "cases": [case]}))
            assert failed(synthetic(place, candidate, baseline, replay="one.cases")) == {"saved-cases"}, case[
                "relation"
            ]
            assert details_of(read_evidence(place), SyntheticDetails).settings.requests <= 40
        good = baseline.replace("127.0.0.1", "localhost")
        assert synthetic(place, good, baseline, replay="one.cases").outcome is Outcome.PASS


def test_saved_cases_of_the_policy_are_part_of_every_run(place: Path) -> None:
    """A saved case is a permanent regression test: it fails without a baseline, too, until the fault is gone."""
    compared(place, "key-order")
    (place / "kept.cases").write_bytes((place / "evidence" / "synthetic.cases").read_bytes())
    write_policy(place, "cases: [kept.cases]", requests=600)
    with service.serving("key-order") as url:
        assert failed(synthetic(place, url)) == {"saved-cases"}
    with service.serving() as url:
        result = synthetic(place, url)
    assert result.outcome is Outcome.PASS
    assert "synthetic-saved-cases" in [finding.id for finding in result.findings]


def test_without_a_baseline_only_declarations_fail(place: Path) -> None:
    """A built-in relation warns; a declared one fails if its violation repeats."""
    with service.serving("key-order") as url:
        result = synthetic(place, url)
    assert (result.outcome, result.reason_code) == (Outcome.WARN, "synthetic-key-order")
    with service.serving("not-monotone") as url:
        assert failed(synthetic(place, url)) == {"monotone"}


def test_what_the_baseline_violates_too_warns(place: Path) -> None:
    """Both rates are reported."""
    with service.serving("illegal-200") as candidate, service.serving("illegal-200") as baseline:
        result = synthetic(place, candidate, baseline)
    (finding,) = (finding for finding in result.findings if finding.id == "synthetic-illegal-input")
    assert (finding.outcome, finding.candidate, finding.baseline) == (Outcome.WARN, 1.0, 1.0)


def test_private_values_are_neither_sent_nor_shown(place: Path) -> None:
    """Real names reach neither the service nor the evidence; generated ones are masked in the report."""
    compared(place, "name-leak")
    names = [str(row["name"]) for row in service.ROWS]
    text = "".join(path.read_text(encoding="utf-8") for path in (place / "evidence").iterdir())
    assert not any(name in text for name in names)
    details = details_of(read_evidence(place), SyntheticDetails)
    assert "Person" not in json.dumps([row.needs for row in details.failures])
    assert "name" not in [row.field for row in details.profile]


class Raw:
    """A service that answers every request with the same bytes; `None` closes the connection, `count` limits it."""

    def __init__(self, answer: bytes | None, after: int = 0) -> None:
        self.answer, self.after, self.served = answer, after, 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            stream, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        with stream, contextlib.suppress(OSError):
            while stream.recv(1 << 16):
                self.served += 1
                answer = _response(b'{"score": 0.5}') if self.served <= self.after else self.answer
                if answer is None:
                    return
                stream.sendall(answer)
                if b"close" in answer or len(answer) > 1 << 20:
                    return


def _response(body: bytes, status: int = 200, head: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\n%scontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        status, head, len(body), body,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_response(b"<html>"), "body not-json"),
        (_response(b'{"score": NaN}'), "NaN or Infinity"),
        (_response(b'{"score": 1, "score": 2}'), "a duplicate key"),
        (_response(b"x" * (1 << 21)), "too-large"),
        (_response(b"", 429, b"retry-after: 3600\r\n"), "throttled"),
        (_response(b"{}", 503), "status 503"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{", "truncated"),
        (b"SSH-2.0 close\r\n\r\n", "malformed"),
        (None, "reset"),
    ],
)
@pytest.mark.parametrize("arm", ["candidate", "baseline"])
def test_bad_answers_are_counted_and_never_pass(place: Path, answer: bytes | None, kind: str, arm: str) -> None:
    """Every kind is counted; on the candidate it fails (throttling decides nothing), on the baseline nothing passes."""
    write_policy(place, requests=400)
    bad = Raw(answer)
    with service.serving() as good:
        urls = (bad.url, good) if arm == "candidate" else (good, bad.url)
        result = synthetic(place, *urls)
    evidence = read_evidence(place)
    kinds = {(row.arm, row.kind) for row in details_of(evidence, SyntheticDetails).answers}
    assert (arm, kind) in kinds
    assert evidence.outcome is result.outcome is not Outcome.PASS
    if arm == "candidate" and kind != "throttled":
        assert result.outcome is Outcome.FAIL
    if arm == "baseline":
        assert result.outcome in (Outcome.INCONCLUSIVE, Outcome.WARN)


@pytest.mark.parametrize("arm", ["candidate", "baseline"])
def test_a_service_that_dies_in_mid_run(place: Path, arm: str) -> None:
    """A candidate that resets all connections from some request on fails; without its baseline nothing passes."""
    write_policy(place, requests=400)
    dying = Raw(None, after=60)
    with service.serving() as good:
        result = synthetic(place, *((dying.url, good) if arm == "candidate" else (good, dying.url)))
    assert result.outcome is (Outcome.FAIL if arm == "candidate" else Outcome.INCONCLUSIVE) or (
        arm == "baseline" and result.outcome is Outcome.WARN
    )


def test_an_unreachable_service_is_an_error(place: Path) -> None:
    """No answer at all is no result, and the evidence says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServiceError):
        synthetic(place, f"http://127.0.0.1:{port}")
    assert left_error(place / "evidence", "synthetic.json") == "synthetic-not-judged"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda p: (p / "rows.jsonl").write_text(""), DataError),
        (lambda p: (p / "rows.jsonl").unlink(), DataError),
        (lambda p: write_policy(p, "ranges: {incom: [0, 1]}"), PolicyError),
        (lambda p: write_policy(p, "cases: [none.cases]"), DataError),
        (lambda p: edit_policy(p, "score: score", "score: 'a['"), PolicyError),
        (lambda p: edit_policy(p, "assert: {score:", "assert: {a..b:"), PolicyError),
        (
            lambda p: edit_policy(p, "batch:", "rescaled: {fields: {income: {factor: 2, rename: 'b['}}}\n    batch:"),
            PolicyError,
        ),
        (
            lambda p: edit_policy(p, "batch:", "rescaled: {fields: {income: {factor: 2, set: {'c]': 1}}}}\n    batch:"),
            PolicyError,
        ),
        (lambda p: (p / "policy.yml").write_text("version: 1\nservice: s\nlatency: {}\n"), PolicyError),
        (lambda p: (p / "policy.yml").write_text("version: 1\nservice: s\nsynthetic: {}\n"), PolicyError),
        (
            lambda p: (p / "policy.yml").write_text("version: 1\nservice: s\nlatency: {}\nsynthetic: {}\n"),
            InputError,
        ),
    ],
)
def test_bad_input_is_one_error(place: Path, change: Callable[[Path], Json], error: type[Exception]) -> None:
    """Empty and missing files, unknown fields and missing sections are reported before anything is sent."""
    change(place)
    with pytest.raises(error):
        synthetic(place, "http://127.0.0.1:9")


def test_hosts_and_addresses(place: Path) -> None:
    """A host beyond this machine needs `allow-hosts`; one address for both arms is refused."""
    with pytest.raises(InputError) as refused:
        synthetic(place, "http://192.0.2.1")
    assert refused.value.reason_code == "target-not-allowed"
    with pytest.raises(InputError):
        synthetic(place, "http://127.0.0.1:9", "http://127.0.0.1:9")


def test_only_a_failed_run_is_confirmed(place: Path) -> None:
    """A run that repeats a failure has its own leg; there is nothing to confirm in a run that passed."""
    compared(place, "key-order")
    (place / "first.json").write_bytes((place / "evidence" / "synthetic.json").read_bytes())
    again = compared(place, confirm="first.json")
    assert (again.outcome, again.outputs["evidence-file"]) == (Outcome.PASS, "evidence/synthetic-confirm.json")
    (place / "passed.json").write_bytes((place / "evidence" / "synthetic-confirm.json").read_bytes())
    with pytest.raises(EvidenceError):
        compared(place, confirm="passed.json")
