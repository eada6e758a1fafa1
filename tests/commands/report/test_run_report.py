"""`ghmlops report --run-id`: the binding verdict on a pull request, from evidence that the command fetches itself."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops import __version__
from ghmlops.cli import main
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.core.text.plain_name import evidence_file_name
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.evidence import read_verdict
from github_api import spec
from github_api.server import Api, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD, BASE, OTHER = "a" * 40, "b" * 40, "c" * 40
LABEL = "ghmlops: inputs reviewed"
POLICY = """\
version: 1
service: shop
preview: {command: "serve --port {port}", ready: /healthz}
gate: {require: [preview]}
"""
HEAD_POLICY = POLICY + "targets: [127.0.0.1]\n"
CREATED = datetime(2026, 1, 1, 12, tzinfo=UTC)


class PullRequest:
    """Pull request 7 of a fork, its measuring run 41, and the local GitHub API."""

    def __init__(self, folder: Path, api: Api) -> None:
        self.folder, self.api = folder, api

    def measured(self, *findings: tuple[str, str], run: int = 41, policy: str = "", **fields: Any) -> None:
        """Record a run and upload its evidence: findings as (id, outcome), and a preview that was ready."""
        run_fields = {"head_sha": HEAD, "head_branch": "topic", "head_repository": "ada/shop", "event": "pull_request"}
        created = CREATED.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.api.seed(runs=[{"id": run, "created_at": created, **run_fields, **fields}])
        judge = policy or fingerprint(self.folder / ".github/ghmlops.yml")
        self.upload("ghmlops-evidence-check-1", "", judge, *findings, run=run)

    def upload(
        self, name: str, leg: str, policy: str, *findings: tuple[str, str], run: int = 41, command: str = "preview"
    ) -> None:
        """Upload an artifact with evidence of one leg that the policy with this fingerprint judged."""
        ready = [("preview-ready", "pass")] if command == "preview" else []
        rows = [
            Finding(id=rule, metric="m", outcome=Outcome(outcome), reason=f"{rule} is {outcome}.", docs="a#b")
            for rule, outcome in (*ready, *findings)
        ]
        outcome, code, reason = conclude(rows)
        origin = Provenance(
            repository="acme/shop",
            head_sha=HEAD,
            base_sha=BASE,
            run_id=str(run),
            version=__version__,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            service="shop",
            event="pull_request",
            fingerprints={"policy": policy},
        )
        evidence = Evidence(
            command=command,
            leg=leg,
            outcome=outcome,
            reason_code=code,
            reason=reason,
            provenance=origin,
            findings=rows,
        )
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(evidence_file_name(command, leg), msgspec.json.encode(evidence))
        content = base64.b64encode(packed.getvalue()).decode()
        self.api.seed(artifacts=[{"run_id": run, "name": name, "zip_base64": content}])

    def event(self, kind: str, login: str, minutes: int, label: str = LABEL) -> None:
        """Record that a person changed a label so many minutes after the run was created."""
        time = (CREATED + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        row = {"issue": 7, "event": kind, "label": label, "login": login, "created_at": time}
        self.api.state.repositories["acme/shop"]["events"].append(row)

    def report(self, run: int = 41) -> int:
        """Run the command as the job of `report.yml` does."""
        return main(["report", "--token", "t", "--run-id", str(run), "--check-run", "true"])

    @property
    def checks(self) -> list[tuple[str, str, str]]:
        """(name, commit, conclusion) of the check runs."""
        return [(c["name"], c["head_sha"], c["conclusion"]) for c in self.api.state.check_runs]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PullRequest]:
    """The pull request; at the end no request may have broken GitHub's description."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/ghmlops.yml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_NAME", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    values = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_SHA": "d" * 40, "GITHUB_RUN_ID": "50", "GITHUB_WORKFLOW": "r"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    pull = {"number": 7, "head_sha": HEAD, "head_ref": "topic", "head_repository": "ada/shop", "base_sha": BASE}
    roles = {"maria": "maintain", "wim": "write"}
    with running({"repositories": {"acme/shop": {"roles": roles}}, "pull_requests": [pull]}) as api:
        monkeypatch.setenv("GITHUB_API_URL", api.url)
        yield PullRequest(tmp_path, api)
        assert api.violations == []


VERDICTS = [("pass", "success"), ("warn", "neutral"), ("inconclusive", "action_required"), ("fail", "failure")]


@pytest.mark.parametrize(("outcome", "conclusion"), VERDICTS)
def test_the_check_run_carries_the_verdict(
    change: PullRequest,
    outcome: str,
    conclusion: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """On the head that the API names; the annotations are there, and the job prints none."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    change.measured(("extra", outcome))
    change.report()
    assert read_verdict(change.folder / "evidence/verdict.json").outcome == outcome
    assert change.checks == [("ghmlops/shop", HEAD, conclusion)]
    (check,) = change.api.state.check_runs
    annotations = check["output"].get("annotations", [])
    assert [a["path"] for a in annotations] == ([] if outcome == "pass" else [".github/ghmlops.yml"])
    printed = capfd.readouterr()
    assert [
        line for line in (printed.out + printed.err).splitlines() if line.startswith(("::error", "::warning"))
    ] == []
    (comment,) = change.api.state.comments
    assert comment["issue"] == 7


def test_a_second_report_edits_the_check_run(change: PullRequest) -> None:
    """There is one check run per commit and service."""
    change.measured()
    assert (change.report(), change.report()) == (0, 0)
    assert len(change.checks) == 1


def test_an_earlier_run_does_not_replace_a_later_one(change: PullRequest) -> None:
    """(run id, attempt) decides, whatever the order of the reports."""
    change.measured(("extra", "fail"), run=42)
    change.measured(run=41)
    change.report(42)
    change.report(41)
    assert change.checks == [("ghmlops/shop", HEAD, "failure")]
    (comment,) = change.api.state.comments
    assert "run=42" in comment["body"]


@pytest.mark.parametrize("conclusion", ["cancelled", "skipped"])
def test_an_unfinished_run_writes_nothing(change: PullRequest, conclusion: str) -> None:
    """Neither a comment nor a check run."""
    change.measured(conclusion=conclusion)
    change.report()
    assert (change.checks, change.api.state.comments) == ([], [])


def test_evidence_of_another_run_fails_the_check(change: PullRequest) -> None:
    """Run 42 uploads the evidence of run 41."""
    change.measured(run=41)
    change.api.seed(
        runs=[{"id": 42, "head_sha": HEAD, "head_branch": "topic", "head_repository": "ada/shop"}],
    )
    artifact = change.api.state.artifacts[0]
    content = base64.b64encode(artifact["zip"]).decode()
    change.api.seed(artifacts=[{"run_id": 42, "name": "ghmlops-evidence-check-1", "zip_base64": content}])
    assert change.report(42) == 2
    assert change.checks == [("ghmlops/shop", HEAD, "action_required")]
    assert read_verdict(change.folder / "evidence/verdict.json").reason_code == "evidence-foreign"


LABELS: list[tuple[str, list[tuple[str, str, int]], str]] = [
    ("set by a maintainer after the push", [("labeled", "maria", 5)], "neutral"),
    ("nobody set it", [], "action_required"),
    ("set by somebody who may only write", [("labeled", "wim", 5)], "action_required"),
    ("set by a stranger", [("labeled", "mallory", 5)], "action_required"),
    ("set before the push", [("labeled", "maria", -5)], "action_required"),
    ("removed again", [("labeled", "maria", 5), ("unlabeled", "wim", 6)], "action_required"),
    (
        "set again by somebody else",
        [("labeled", "maria", 5), ("unlabeled", "wim", 6), ("labeled", "wim", 7)],
        "action_required",
    ),
]


@pytest.mark.parametrize(("events", "conclusion"), [row[1:] for row in LABELS], ids=[row[0] for row in LABELS])
def test_the_label_accepts_changed_inputs(
    change: PullRequest, events: list[tuple[str, str, int]], conclusion: str
) -> None:
    """`inputs-changed` is a warning only if a maintainer set the label after the head was pushed."""
    change.measured(("inputs-changed", "inconclusive"))
    for kind, login, minutes in events:
        change.event(kind, login, minutes)
    change.report()
    assert change.checks == [("ghmlops/shop", HEAD, conclusion)]


def test_a_new_push_voids_the_label(change: PullRequest) -> None:
    """The label was set for the head before; the run about the new head is younger than the label."""
    change.event("labeled", "maria", 5)
    change.measured(("inputs-changed", "inconclusive"), created_at="2026-01-01T13:00:00Z")
    change.report()
    assert change.checks == [("ghmlops/shop", HEAD, "action_required")]


def test_a_head_that_was_pushed_again_voids_the_label(change: PullRequest) -> None:
    """X is measured, Y is pushed and reviewed, X is pushed again: the run about X is older than the label."""
    change.measured(("inputs-changed", "inconclusive"))
    change.event("labeled", "maria", 5)
    change.event("head_ref_force_pushed", "ada", 6, label="")
    change.report()
    assert change.checks == [("ghmlops/shop", HEAD, "action_required")]


def test_a_second_run_of_the_same_head_voids_the_label(change: PullRequest) -> None:
    """The same without a force-push: the second push of X started run 43, and run 41 is run again."""
    change.measured(("inputs-changed", "inconclusive"))
    change.api.seed(
        runs=[
            {
                "id": 43,
                "head_sha": HEAD,
                "head_branch": "topic",
                "head_repository": "ada/shop",
                "created_at": "2026-01-01T12:07:00Z",
            }
        ]
    )
    change.event("labeled", "maria", 5)
    change.report()
    assert change.checks == [("ghmlops/shop", HEAD, "action_required")]


PUSHES = [
    # what the branch had before the head, minutes of the push of the head, conclusion
    ([], -2, "neutral"),
    ([(OTHER, 4)], 6, "action_required"),
    ([(HEAD, -2), (OTHER, 4)], 6, "action_required"),
]


@pytest.mark.parametrize(("earlier", "minutes", "conclusion"), PUSHES)
def test_the_list_of_pushes_says_when_the_head_was_pushed(
    change: PullRequest, earlier: list[tuple[str, int]], minutes: int, conclusion: str
) -> None:
    """Of a branch of the repository itself, GitHub lists each push; the last one of the head decides."""
    pull = {"number": 7, "head_sha": HEAD, "head_ref": "topic", "head_repository": "acme/shop", "base_sha": BASE}
    change.api.seed(pull_requests=[pull])
    change.measured(("inputs-changed", "inconclusive"), head_repository="acme/shop")
    for sha, at in [*earlier, (HEAD, minutes)]:
        time = (CREATED + timedelta(minutes=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
        row = {"ref": "refs/heads/topic", "before": BASE, "after": sha, "timestamp": time}
        change.api.state.repositories["acme/shop"]["activity"].append(row)
    change.event("labeled", "maria", 5)
    change.report()
    assert change.checks == [("ghmlops/shop", HEAD, conclusion)]


def test_changed_inputs_are_not_believed_from_the_evidence(change: PullRequest) -> None:
    """The evidence does not mention that the change alters the policy and the payloads; GitHub's list does."""
    policy = change.folder / ".github/ghmlops.yml"
    policy.write_text(
        POLICY + 'latency: {payloads: "data/*.jsonl", request: {method: POST, path: /}, slo: {p99: 100ms}}\n'
    )
    files = [".github/ghmlops.yml", "data/eu/requests.jsonl", "app.py"]
    change.api.state.repositories["acme/shop"]["changed_files"] = {HEAD: files}
    change.measured()
    change.report()
    verdict = read_verdict(change.folder / "evidence/verdict.json")
    assert [f.dataset for f in verdict.findings if f.id == "inputs-changed"] == files[:2]
    assert change.checks == [("ghmlops/shop", HEAD, "action_required")]


def test_more_files_than_github_lists_are_not_all_innocent(change: PullRequest) -> None:
    """GitHub lists 300 files of a comparison; what is beyond may be the policy."""
    change.api.state.repositories["acme/shop"]["changed_files"] = {HEAD: [f"f{i}" for i in range(300)]}
    change.measured()
    change.report()
    assert read_verdict(change.folder / "evidence/verdict.json").reason_code == "inputs-changed"


def test_a_new_policy_is_named_although_the_evidence_hides_it(change: PullRequest) -> None:
    """The trusted branch has no policy: a warning, whatever the evidence says."""
    change.measured()
    (change.folder / ".github/ghmlops.yml").unlink()
    change.api.state.repositories["acme/shop"]["changed_files"] = {HEAD: [".github/ghmlops.yml"]}
    change.report()
    verdict = read_verdict(change.folder / "evidence/verdict.json")
    assert (verdict.outcome, verdict.reason_code) == ("warn", "policy-added")


@pytest.mark.parametrize(
    ("content", "outcome", "conclusion"),
    [
        (POLICY, "warn", "neutral"),
        (
            POLICY.replace("[preview]", "[preview, latency]") + "latency: {request: {path: /}}\n",
            "inconclusive",
            "action_required",
        ),
        (POLICY.replace("shop", "basket"), "error", "action_required"),
    ],
)
def test_a_new_policy_judges_alone(change: PullRequest, content: str, outcome: str, conclusion: str) -> None:
    """What it requires must be there: a missing pillar and evidence of another service are no warning."""
    policy = change.folder / ".github/ghmlops.yml"
    policy.write_text(content)
    change.measured()
    policy.unlink()
    files = change.api.state.repositories["acme/shop"]
    files["changed_files"] = {HEAD: [".github/ghmlops.yml"]}
    files["contents"] = {f"{HEAD}:.github/ghmlops.yml": content}
    change.report()
    verdict = read_verdict(change.folder / "evidence/verdict.json")
    assert verdict.outcome == outcome
    assert [check[2] for check in change.checks] == [conclusion]
    assert "policy-added" in {finding.id for finding in verdict.findings}


REVIEWED = [
    # the leg of the evidence that the policy of the change judged, whose content GitHub has, conclusion
    ("head-policy", HEAD_POLICY, "neutral"),
    ("head-policy", HEAD_POLICY + "# other\n", "action_required"),
    ("", HEAD_POLICY, "action_required"),
]


@pytest.mark.parametrize(("leg", "content", "conclusion"), REVIEWED)
def test_a_reviewed_policy_may_have_judged_its_own_leg(
    change: PullRequest, leg: str, content: str, conclusion: str
) -> None:
    """Its content on GitHub is compared, and only the leg `head-policy` may be judged by it."""
    files = change.api.state.repositories["acme/shop"]
    files["changed_files"] = {HEAD: [".github/ghmlops.yml"]}
    files["contents"] = {f"{HEAD}:.github/ghmlops.yml": content}
    judge = "sha256:" + hashlib.sha256(HEAD_POLICY.encode()).hexdigest()
    if leg:
        change.measured()
        change.upload("ghmlops-evidence-check-head-1", leg, judge)
    else:
        change.measured(policy=judge)
    change.event("labeled", "maria", 5)
    change.report()
    assert change.checks == [("ghmlops/shop", HEAD, conclusion)]


def test_the_label_accepts_nothing_else(change: PullRequest) -> None:
    """Another inconclusive finding stays what it is, and so does a failure."""
    change.event("labeled", "maria", 5)
    change.measured(("inputs-changed", "inconclusive"), ("extra", "inconclusive"))
    change.report()
    assert change.checks == [("ghmlops/shop", HEAD, "action_required")]


def test_a_check_run_needs_a_run(change: PullRequest, capsys: pytest.CaptureFixture[str]) -> None:
    """Evidence of a folder binds nothing."""
    assert change.checks == []
    assert main(["report", "--token", "t", "--check-run", "true", "--comment", "off"]) == 2
    assert "run-id" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "conclusion"),
    [
        (["services/other/x.py"], "success"),
        (["services/shop/x.py", "services/other/x.py"], "action_required"),
        ([".github/ghmlops.yml"], "action_required"),
        ([f"services/other/{number}" for number in range(300)], "action_required"),
        ([], "action_required"),
    ],
)
def test_an_unaffected_service(change: PullRequest, files: list[str], conclusion: str) -> None:
    """Evidence that nothing was measured passes only if GitHub's complete list of files shows the same; no comment."""
    policy = change.folder / ".github/ghmlops.yml"
    policy.write_text(POLICY + "paths: [services/shop/**]\n")
    run = {"head_sha": HEAD, "head_branch": "topic", "head_repository": "ada/shop", "event": "pull_request"}
    change.api.seed(runs=[{"id": 41, "created_at": CREATED.strftime("%Y-%m-%dT%H:%M:%SZ"), **run}])
    name, judge = "ghmlops-evidence-check-1", fingerprint(policy)
    change.upload(name, "", judge, ("not-affected", "pass"), command="check")
    change.api.state.repositories["acme/shop"]["changed_files"][HEAD] = files
    assert change.report() == 0
    assert change.checks == [("ghmlops/shop", HEAD, conclusion)]
    verdict = read_verdict(change.folder / "evidence/verdict.json")
    expected = ("pass", "all-passed") if conclusion == "success" else ("inconclusive", verdict.reason_code)
    assert (verdict.outcome, verdict.reason_code) == expected
    assert len(change.api.state.comments) == (0 if conclusion == "success" else 1)


def test_a_failure_counts_although_the_service_is_unaffected(change: PullRequest) -> None:
    """What was measured nevertheless is judged as always."""
    policy = change.folder / ".github/ghmlops.yml"
    policy.write_text(POLICY + "paths: [services/shop/**]\n")
    change.api.state.repositories["acme/shop"]["changed_files"][HEAD] = ["services/other/x.py"]
    change.measured(("objective-p99", "fail"))
    assert change.report() == 1
    assert change.checks == [("ghmlops/shop", HEAD, "failure")]


def test_a_schedule_of_watch_that_is_dead(change: PullRequest) -> None:
    """What a reader could believe was watched is named in the comment; it changes no conclusion."""
    metric = "metrics: [{name: p95, log: {files: a.csv, time: t, value: v}}]"
    text = f"{POLICY}watch: {{{metric}, workflows: {{watch: watch.yml}}}}\n"
    (change.folder / ".github/ghmlops.yml").write_text(text)
    change.measured()
    assert change.report() == 0
    assert "watch.yml" in change.api.state.comments[0]["body"]
    assert [conclusion for _, _, conclusion in change.checks] == ["success"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    run = {"id": 40, "head_sha": BASE, "head_branch": "main", "event": "schedule", "created_at": now}
    change.api.seed(runs=[{**run, "path": ".github/workflows/watch.yml"}])
    assert change.report() == 0
    assert "watch.yml" not in change.api.state.comments[0]["body"]
