"""`ghmlops shadow` against real services: verdicts, accounting, bad answers, recordings, confirmation."""

from __future__ import annotations

import io
import json
import random
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from answering_service import RESET, STALL, ReceivedRequest, Reply, answering
from ghmlops.commands.shadow.command import run
from ghmlops.commands.shadow.inputs import Inputs
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.evidence_folder import read_evidence_folder
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.context import Context
from ghmlops.core.details import ShadowDetails
from ghmlops.core.errors import DataError, EvidenceError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.rules import policy_rules
from ghmlops.measure.evidence import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[int, dict[str, Any]], dict[str, Any] | Reply]

SHA = "0123456789abcdef0123456789abcdef01234567"
ROWS = 60
PASS, FAIL, WARN, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.INCONCLUSIVE


def model(arm: int, change: Change | None = None) -> Callable[[ReceivedRequest], Reply]:
    """Return a scoring service with an identifier and jitter by arm; `change` alters the answer to a row."""
    rng = random.Random(arm)  # noqa: S311  (noise)

    def answer(request: ReceivedRequest) -> Reply:
        row = json.loads(request.body)["row"] if request.body else 0
        answer: Any = {
            "id": str(uuid.uuid4()),
            "score": row / 100 + rng.gauss(0, 1e-9),
            "label": row % 3,
            "user": {"name": f"user {row}"},
        }
        answer = change(row, answer) if change else answer
        return answer if isinstance(answer, Reply) else Reply(body=json.dumps(answer).encode())

    return answer


def services(place: Path) -> Services:
    return Services(
        context=Context(head_sha=SHA, repository="acme/scorer"),
        environ={"TOKEN": "s3cr3t"},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )


def write_policy(
    place: Path, more: str = "", *, source: str = "requests: rows.jsonl", send: dict[str, str] | None = None
) -> None:
    # One worker asks in a fixed order, so that the noise of the arms is the same in every run.
    settings = {"rate": "2000/s", "timeout": "5s", "workers": "1"} | (send or {})
    values = ", ".join(f"{name}: {value}" for name, value in settings.items())
    text = f"version: 1\nservice: scorer\nshadow:\n  {source}\n  safe: [POST /predict]\n  send: {{{values}}}\n{more}"
    (place / "policy.yml").write_text(text, encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository's folder with a policy and recorded bodies."""
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"row": {i}}}\n' for i in range(ROWS)), encoding="utf-8")
    write_policy(tmp_path)
    return tmp_path


def shadow(place: Path, change: Change | None = None, **inputs: Any) -> Result:
    """Run `shadow` on a baseline, its twin and a candidate that may differ."""
    with answering(model(1), model(2), model(3, change)) as (baseline, twin, candidate):
        addresses = {"url": candidate.url, "baseline_url": baseline.url, "twin_url": twin.url}
        return run(Inputs(policy="policy.yml", **(addresses | inputs)), services(place))


def read(place: Path, leg: str = "") -> tuple[dict[str, Finding], ShadowDetails]:
    """Return findings by id, and the details; every recorded request is accounted for."""
    name = f"shadow-{leg}.json" if leg else "shadow.json"
    evidence = decode((place / "evidence" / name).read_bytes(), Evidence, EVIDENCE_SCHEMA, name)
    details = evidence.details
    assert isinstance(details, ShadowDetails)
    counts = details.requests
    assert counts.compared + sum(drop.requests for drop in details.drops) == counts.recorded
    return {finding.id: finding for finding in evidence.findings}, details


def test_the_requests_of_a_failure_are_exported(place: Path) -> None:
    """The archive is a recording of the changed rows, which `shadow` itself reads; without a failure there is none."""
    write_policy(place, "  expect: same\n")

    def change(row: int, answer: dict[str, Any]) -> dict[str, Any]:
        return answer | {"label": 7} if row % 3 == 1 else answer

    shadow(place, change)
    archive = place / "evidence/shadow.har"
    entries = json.loads(archive.read_text())["log"]["entries"]
    assert {json.loads(entry["request"]["postData"]["text"])["row"] % 3 for entry in entries} == {1}
    (place / "changed.har").write_bytes(archive.read_bytes())
    assert shadow(place, change, requests="changed.har").outcome is not PASS
    _, details = read(place)
    assert details.requests.recorded == len(entries)
    assert shadow(place).outcome is PASS
    assert not archive.exists()


def test_an_unchanged_service_with_noise_passes(place: Path) -> None:
    """Identifiers and jitter are named as noise, and nothing fails even where any change would."""
    write_policy(place, "  expect: same\n")
    result = shadow(place)
    findings, details = read(place)
    assert result.outcome is PASS
    assert {finding.outcome for finding in findings.values()} == {PASS}
    assert {p.path for p in details.places if p.noise_rows} == {"$.id", "$.score"}
    assert (details.requests.recorded, details.requests.compared) == (ROWS, ROWS)
    assert [row.endpoint for row in details.endpoints] == ["POST /predict"]
    evidence = decode((place / "evidence/shadow.json").read_bytes(), Evidence, EVIDENCE_SCHEMA, "shadow.json")
    times = {row.arm: (row.n, sorted(row.values)) for row in evidence.measurements if row.id == "service-time"}
    quantiles = ["p50", "p95", "p99"]
    assert times == {"baseline": (ROWS, quantiles), "candidate": (ROWS, [*quantiles, "ratio"])}


@pytest.mark.parametrize(
    ("change", "expect", "outcome", "failed"),
    [
        (lambda row, a: {**a, "label": (row + 1) % 3}, "same", FAIL, {"shadow-values"}),
        (lambda row, a: {**a, "label": (row + 1) % 3}, "new-model", PASS, set()),
        (lambda _, a: {**a, "score": a["score"] + 0.001}, "same", FAIL, {"shadow-values"}),
        (lambda _, a: {**a, "label": str(a["label"])}, "new-model", FAIL, {"shadow-shape"}),
        (lambda _, a: {k: v for k, v in a.items() if k != "label"}, "new-model", FAIL, {"shadow-shape"}),
        (
            lambda _, a: Reply(body=json.dumps(a).encode(), content_type="text/html"),
            "new-model",
            FAIL,
            {"shadow-shape"},
        ),
        (lambda row, a: Reply(status=500) if row % 5 == 0 else a, "new-model", FAIL, {"shadow-errors"}),
    ],
)
def test_what_may_change_is_the_policy(
    place: Path, change: Change, expect: str, outcome: Outcome, failed: set[str]
) -> None:
    """`same` fails on any proven change; a new model fails on shape, type and errors, and lists its other changes."""
    write_policy(place, f"  expect: {expect}\n")
    result = shadow(place, change)
    findings, details = read(place)
    assert result.outcome is outcome
    assert {name for name, finding in findings.items() if finding.outcome is FAIL} == failed
    assert any(row.proven_by == "test" for row in details.places)


@pytest.mark.parametrize(("decision", "outcome"), [("approve", PASS), ("deny", FAIL)])
def test_a_tolerance_of_numbers_hides_no_changed_text(place: Path, decision: str, outcome: Outcome) -> None:
    """Rows of a table mix numbers and texts under one path, at which the policy tolerates large numbers to differ."""
    write_policy(place, '  expect: same\n  compare: {tolerance: {"data[][]": 1700}}\n')
    rows = (("approve", 0), ("approve", 1), (decision, 900))
    arms = [
        lambda _, text=text, more=more: Reply(body=json.dumps({"data": [[1_850_000.5 + more, text]]}).encode())
        for text, more in rows
    ]
    with answering(*arms) as (baseline, twin, candidate):
        inputs = Inputs(policy="policy.yml", url=candidate.url, baseline_url=baseline.url, twin_url=twin.url)
        result = run(inputs, services(place))
    findings, _ = read(place)
    assert (result.outcome, findings["shadow-values"].outcome) == (outcome, outcome)


@pytest.mark.parametrize(("repeatable", "outcome"), [(True, FAIL), (False, WARN)])
def test_one_changed_answer_is_proven_by_asking_again(place: Path, repeatable: bool, outcome: Outcome) -> None:
    """A single row fails if the caller restarts the services to confirm it, and warns otherwise."""
    write_policy(place, "  expect: same\n")
    shadow(place, lambda row, a: {**a, "label": 9} if row == 41 else a, repeatable=repeatable)
    findings, details = read(place)
    assert findings["shadow-single-answers"].outcome is outcome
    assert [(proof.row, proof.path, proof.proven) for proof in details.proofs] == [(42, "$.label", True)]
    assert details.requests.asked_again > 0


def test_an_accident_is_not_proven(place: Path) -> None:
    """An answer that was wrong once, and is right when it is asked again, does not fail."""
    write_policy(place, "  expect: same\n")
    wrong_rows: set[int] = set()

    def once(row: int, answer: dict[str, Any]) -> dict[str, Any]:
        wrong = row == 41 and row not in wrong_rows
        wrong_rows.add(row)
        return {**answer, "label": 9} if wrong else answer

    result = shadow(place, once, repeatable=True)
    _, details = read(place)
    assert result.outcome is PASS
    assert [proof.proven for proof in details.proofs] == [False]


def test_a_limit_hit_by_asking_again_proves_nothing(place: Path) -> None:
    """A candidate that answers one request otherwise once, and then limits the repeated requests, is not proven."""
    count = 0

    def limited(row: int, answer: dict[str, Any]) -> dict[str, Any] | Reply:
        nonlocal count
        count += row == 7
        if row != 7:
            return answer
        return answer | {"label": 9} if count == 1 else Reply(429)

    write_policy(place, "  expect: same\n")
    shadow(place, limited, repeatable=True)
    findings, details = read(place)
    assert findings["shadow-single-answers"].outcome is PASS
    assert [(proof.row, proof.proven) for proof in details.proofs] == [(8, False)]


def test_a_confirming_run_repeats_what_failed(place: Path) -> None:
    """A repeated change fails again; a change of another place does not confirm the first."""
    write_policy(place, "  expect: same\n")
    change: Change = lambda row, a: {**a, "label": (row + 1) % 3} if row != 5 else {**a, "user": {"name": "x"}}  # noqa: E731
    first = shadow(place, change, repeatable=True)
    assert first.outcome is FAIL
    again = shadow(place, change, confirm="evidence/shadow.json")
    assert again.outcome is FAIL
    findings, details = read(place, "confirm")
    assert details.confirms
    assert findings["shadow-single-answers"].outcome is FAIL
    other = shadow(place, lambda _, a: {**a, "user": {"name": "y"}}, confirm="evidence/shadow.json", leg="other")
    assert {f.id: f.outcome for f in other.findings}["shadow-values"] is FAIL
    third = shadow(place, lambda _, a: {**a, "more": 1}, confirm="evidence/shadow.json", leg="third")
    assert third.outcome is PASS


def test_margins_of_a_new_model(place: Path) -> None:
    """Changed decisions beyond their margin fail; within it they pass or, with few rows, are inconclusive."""
    write_policy(place, "  compare: {decision: label}\n  margins: {decisions: 5%, disagreement: 60%}\n")
    shadow(place, lambda row, a: {**a, "label": 7} if row % 3 == 0 else a)
    findings, _ = read(place)
    assert findings["shadow-decisions"].outcome is FAIL
    assert findings["shadow-disagreement"].outcome is PASS
    change = findings["shadow-decisions"].change
    assert change is not None
    assert change.estimate == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (Reply(body=b"<html>Bad Gateway</html>", content_type="text/html"), "not-json"),
        (Reply(body=b'{"label": NaN}'), "bare-constant"),
        (Reply(body=b'{"label": 1, "label": 1}'), "duplicate-key"),
        (Reply(body=b'"' + b"x" * (1 << 20) + b'"'), "too-large"),
        (Reply(body=b"[" * 5000), "too-deep"),
        (Reply(body=b"\xff\xfe"), "not-utf8"),
        (Reply(body=b""), "empty"),
        (Reply(status=404), "404"),
        (Reply(status=RESET), "reset"),
    ],
)
def test_bad_answers_are_counted_by_kind_and_never_pass(place: Path, broken: Reply, kind: str) -> None:
    """Whatever the candidate sends has a kind with a number, and fails; nothing raises."""
    result = shadow(place, lambda row, a: broken if row % 2 else a)
    _, details = read(place)
    kinds = {row.kind: row.candidate for row in (*details.answers, *details.flaws)}
    assert kinds[kind] == ROWS // 2
    assert result.outcome is FAIL


def test_a_stalling_candidate_times_out(place: Path) -> None:
    """No answer in time is an error of the candidate."""
    write_policy(place, send={"timeout": "2s", "workers": "20"})  # so long that no other answer is late
    result = shadow(place, lambda row, a: Reply(status=STALL) if row % 6 == 0 else a)
    _, details = read(place)
    assert {row.kind: row.candidate for row in details.answers}["timeout"] == ROWS // 6
    assert result.outcome is FAIL


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "baseline: 404"), (503, "baseline: 503"), (RESET, "baseline: reset")]
)
def test_error_pages_of_all_arms_are_no_agreement(place: Path, status: int, reason: str) -> None:
    """Requests that the baseline does not answer are not compared, so the run is inconclusive."""
    error = lambda _: Reply(status=status)  # noqa: E731
    with answering(error, error, error) as (baseline, twin, candidate):
        inputs = Inputs(policy="policy.yml", url=candidate.url, baseline_url=baseline.url, twin_url=twin.url)
        result = run(inputs, services(place))
    findings, details = read(place)
    assert result.outcome is INCONCLUSIVE
    assert PASS not in {finding.outcome for finding in findings.values()} - {findings["shadow-errors"].outcome}
    assert [(drop.reason, drop.requests) for drop in details.drops] == [(reason, ROWS)]


def test_a_limited_service_is_waited_for_and_then_dropped(place: Path) -> None:
    """429 with Retry-After is waited for; one that stays limited is dropped with its reason."""
    waited: list[int] = []

    def limited(row: int, answer: dict[str, Any]) -> dict[str, Any] | Reply:
        if row == 7:
            return Reply(status=429, headers={"retry-after": "0"})
        if row == 8 and not waited:
            waited.append(row)
            return Reply(status=429, headers={"retry-after": "0"})
        return answer

    result = shadow(place, limited)
    _, details = read(place)
    assert [(drop.reason, drop.requests, drop.example) for drop in details.drops] == [
        ("candidate: throttled", 1, "row 8")
    ]
    assert result.outcome is INCONCLUSIVE


def test_a_recording_with_secrets_and_unsafe_requests(place: Path) -> None:
    """Only safe and declared requests leave, without recorded credentials; the rest is listed, not compared."""
    rows = [
        {
            "method": "GET",
            "path": "/users/123?x=1",
            "headers": {"Authorization": "Bearer live-secret", "cookie": "sid=1"},
        },
        {"method": "POST", "path": "/predict", "headers": {"X-Tenant": "a", "x-other": "b"}, "body": {"row": 1}},
        {"method": "POST", "path": "/orders", "body": {"row": 1}},
        {"method": "DELETE", "path": "/users/123"},
        {"method": "GET", "path": "no slash"},
        {"method": "POST", "path": "/predict/../orders", "body": {}},
    ]
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    headers = '{x-shadow: "1", authorization: "Bearer ${TOKEN}"}'
    write_policy(place, send={"headers": headers, "recorded-headers": "[x-tenant]"})
    with answering(model(1), model(2), model(3)) as arms:
        addresses: dict[str, Any] = dict(
            zip(("baseline_url", "twin_url", "url"), (arm.url for arm in arms), strict=True)
        )
        result = run(Inputs(policy="policy.yml", allow_env="TOKEN", **addresses), services(place))
    _, details = read(place)
    for arm in arms:
        assert sorted((a.method, a.path) for a in arm.requests) == [("GET", "/users/123?x=1"), ("POST", "/predict")]
        assert {a.headers["authorization"] for a in arm.requests} == {"Bearer s3cr3t"}
        assert not any("cookie" in a.headers or "x-other" in a.headers for a in arm.requests)
        assert [a.headers["x-tenant"] for a in arm.requests if "x-tenant" in a.headers] == ["a"]
        assert all(a.headers["x-shadow"] == "1" for a in arm.requests)
    assert [row.endpoint for row in details.endpoints] == ["GET /users/{id}", "POST /predict"]
    assert (details.requests.refused, details.requests.credentials) == (4, 2)
    assert result.outcome is PASS
    text = (place / "evidence/shadow.json").read_text()
    assert not any(secret in text for secret in ("s3cr3t", "live-secret", "sid=1"))


def test_an_http_archive_is_replayed(place: Path) -> None:
    """The entries of a HAR are sent with their bodies; entries that are no request are counted."""
    entries = [
        {"request": {"method": "POST", "url": "https://live.example.com/predict", "postData": {"text": '{"row": 1}'}}},
        {"request": {"method": "GET", "url": "https://live.example.com/health", "headers": []}},
        {"request": {"method": "GET", "url": "data:text/plain,x"}},
    ]
    (place / "live.har").write_text(json.dumps({"log": {"entries": entries}}))
    write_policy(place, source="har: live.har")
    assert shadow(place).outcome is PASS
    _, details = read(place)
    assert (details.requests.recorded, details.requests.compared, details.requests.refused) == (3, 2, 1)


def test_requests_beyond_the_time_are_dropped_and_counted(place: Path) -> None:
    """A run that is too slow for its recording is inconclusive, not shorter."""
    write_policy(place, send={"budget": "1ms", "rate": "100/s"})
    result = shadow(place)
    _, details = read(place)
    assert result.outcome is INCONCLUSIVE
    assert details.requests.compared < ROWS
    assert details.drops[0].requests == ROWS - details.requests.compared


def test_private_fields_are_hidden(place: Path) -> None:
    """Examples of a private field show that it changed, and neither value."""
    write_policy(place, "  expect: same\n  private: [user]\n")
    shadow(place, lambda row, a: {**a, "user": {"name": f"other {row}"}})
    _, details = read(place)
    assert {(e.baseline, e.candidate) for e in details.examples if e.path == "$.user.name"} == {("(private)",) * 2}
    assert "other " not in (place / "evidence/shadow.json").read_text()


def test_answers_are_written_for_the_comparison_of_predictions(place: Path) -> None:
    """Both arms have a Parquet file with one row per request and one column per value."""
    import duckdb

    write_policy(place, "  answers: answers\n")
    shadow(place, lambda row, a: {**a, "label": 9} if row == 3 else a)
    query = "SELECT b.request, b.label, c.label FROM read_parquet(?) b JOIN read_parquet(?) c USING (request)"
    files = [str(place / "answers" / f"{arm}.parquet") for arm in ("baseline", "candidate")]
    rows = duckdb.execute(query, files).fetchall()
    assert len(rows) == ROWS
    assert [row for row in rows if row[1] != row[2]] == [(4, 0, 9)]


def test_answers_are_judged_when_labels_arrive_later(place: Path) -> None:
    """The files are artifacts of `regression`: with labels of another day, a model that scores the wrong way fails."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    from ghmlops.commands import regression

    section = """
regression:
  task: binary
  key: [request]
  label: truth
  score: score
  artifacts: {baseline: answers/baseline.parquet, candidate: answers/candidate.parquet, labels: labels.parquet}
"""
    write_policy(place, f"  answers: answers\n{section}")
    shadow(place, lambda row, a: {**a, "score": 0.6 - row / 100})
    truth = [row > ROWS // 2 for row in range(ROWS)]
    pq.write_table(pa.table({"request": range(1, ROWS + 1), "truth": truth}), place / "labels.parquet")
    result = regression.run(regression.Inputs(policy="policy.yml"), services(place))
    assert result.outcome is FAIL
    assert "regression-log-loss" in {finding.id for finding in result.findings if finding.outcome is FAIL}


def test_without_a_twin_values_only_warn(place: Path) -> None:
    """A baseline that is asked twice does not show noise that is constant within a process."""
    write_policy(place, "  expect: same\n")
    result = shadow(place, lambda _, a: {**a, "label": 9}, twin_url="")
    assert result.outcome is WARN


def test_logs_of_live_traffic_are_joined(place: Path) -> None:
    """No address is needed; a changed value next to a twin fails, and a lost line is dropped with its reason."""
    write_policy(
        place, "  expect: same\n  coverage: 90%\n", source="access-logs: {live: l, candidate: c, twin: l, id: id}"
    )
    for name, label in (("l", 1), ("c", 2)):
        rows = [
            {"id": f"r{i}", "method": "POST", "path": "/predict", "status": 200, "response_body": {"label": label}}
            for i in range(ROWS - (name == "c"))
        ]
        (place / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = run(Inputs(policy="policy.yml"), services(place))
    findings, details = read(place)
    assert (result.outcome, findings["shadow-values"].outcome) == (FAIL, FAIL)
    assert (details.requests.compared, sum(drop.requests for drop in details.drops)) == (ROWS - 1, 1)


def test_equal_logs_satisfy_the_gate(place: Path) -> None:
    """The evidence of live traffic has every finding that the gate demands before a promotion."""
    write_policy(place, source="access-logs: {live: l, candidate: c, twin: l, id: id}")
    rows = [{"id": f"r{i}", "method": "POST", "path": "/predict", "status": 200} for i in range(ROWS)]
    for name in ("l", "c"):
        (place / name).write_text("".join(json.dumps(row | {"response_body": {"label": 1}}) + "\n" for row in rows))
    result = run(Inputs(policy="policy.yml"), services(place))
    policy = load_policy(place / "policy.yml", "policy.yml")
    files, _ = read_evidence_folder(place / "evidence", "evidence")
    verdict = merge(files, policy_rules(policy, commit=SHA, now=datetime.now(UTC)), service=policy.service)
    assert (result.outcome, verdict.outcome, verdict.reason_code) == (PASS, PASS, "all-passed")
    nothing = merge([], policy_rules(policy, commit=SHA, now=datetime.now(UTC)), service=policy.service)
    assert nothing.reason_code == "evidence-missing"


def test_a_dry_run_sends_nothing(place: Path) -> None:
    """The plan is printed, and no service is asked."""
    with answering(model(1), model(3)) as (baseline, candidate):
        inputs = Inputs(policy="policy.yml", url=candidate.url, baseline_url=baseline.url, dry_run=True)
        assert run(inputs, services(place)).data == {"requests": ROWS}
        assert baseline.requests == candidate.requests == []
    assert not (place / "evidence").exists()


@pytest.mark.parametrize(
    ("content", "error"),
    [("", DataError), ("\n\n", DataError), ('{"row": 1}\n{"row":\n', DataError), (None, DataError)],
)
def test_recordings_that_cannot_be_used(place: Path, content: str | None, error: type[Exception]) -> None:
    """An empty, malformed or missing recording is an error with one line, never a pass."""
    (place / "rows.jsonl").unlink()
    if content is not None:
        (place / "rows.jsonl").write_text(content)
    with pytest.raises(error):
        shadow(place)


@pytest.mark.parametrize(
    ("inputs", "policy", "error"),
    [
        ({"baseline_url": ""}, "", InputError),
        ({"baseline_url": "http://127.0.0.1:9", "url": "http://127.0.0.1:9"}, "", InputError),
        ({"confirm": "evidence/none.json"}, "", EvidenceError),
        ({}, "version: 1\nservice: s\n", PolicyError),
        ({}, "version: 1\nservice: s\nshadow: {requests: rows.jsonl}\n", PolicyError),
        ({}, "version: 1\nservice: s\nshadow: {requests: rows.jsonl, har: x.har}\n", PolicyError),
    ],
)
def test_bad_input(place: Path, inputs: dict[str, Any], policy: str, error: type[Exception]) -> None:
    """What cannot be run is an error that names the problem."""
    if policy:
        (place / "policy.yml").write_text(policy)
    with pytest.raises(error):
        shadow(place, **inputs)
