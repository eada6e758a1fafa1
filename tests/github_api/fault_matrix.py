"""Makes each call of each sequence fail in each kind, once and forever, and checks what is left on GitHub.

A sequence is what a command does with GitHub. It is run without a fault first, which lists its calls and shows the
result. Then each call fails in each kind: the sequence must end with the same result, or with one readable error; it
must double nothing, and leave nothing open; and a second run without the fault must lead to the same state.
"""

from __future__ import annotations

import base64
import io
import itertools
import re
import tempfile
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ghmlops.act.github.check_runs import upsert_check_run
from ghmlops.act.github.comments import upsert_comment
from ghmlops.act.github.commits import publish_commits
from ghmlops.act.github.dispatches import dispatch_workflow, dispatched_runs, start_workflow
from ghmlops.act.github.issues import close_issue, upsert_issue
from ghmlops.act.github.perform import perform
from ghmlops.act.github.pull_requests import open_revert_pull_request
from ghmlops.clients.github.client import connect
from ghmlops.core.artifacts.spec import WorkflowSpec
from ghmlops.core.errors import GhmlopsError, GitHubError, PermissionMissing
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.revert.api_commit import ApiRevert
from ghmlops.core.steps.check_run import CheckRun
from ghmlops.core.steps.gate import Origin, Target, finish_steps, gate_steps, stale_steps
from ghmlops.core.steps.step import DispatchWorkflow
from ghmlops.measure.github.artifacts import locate
from ghmlops.measure.github.collaborators import has_role, is_maintainer, is_team_member
from ghmlops.measure.github.commits import compare, read_file
from ghmlops.measure.github.deployments import (
    commit_deployments,
    dated_deployments,
    failed_range,
    list_deployments,
    newest_successful_deployment,
)
from ghmlops.measure.github.evidence import PATTERN, fetch_evidence
from ghmlops.measure.github.merged_pull_request import merged_pull_request
from ghmlops.measure.github.pull_requests import blocking_rules, merged_pull_requests, pull_request_for
from ghmlops.measure.github.pushes import newest_push
from ghmlops.measure.github.reviews import REVIEW_LABEL, Head, inputs_reviewer, push_time
from ghmlops.measure.github.runs import newest_success, read_run, triggering_actor
from github_api.objects import branch_subjects
from github_api.planned_revert import COMMITS, FILES, TIP
from github_api.state import State, repository_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ghmlops.clients.github.client import Client
    from ghmlops.core.steps.step import Step
    from github_api.server import Api

Json = dict[str, Any]
HEAD, LIVE = "a" * 40, "b" * 40
REPOSITORY = "acme/shop"
MARKER = "<!-- ghmlops -->"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
REQUEST = "0123456789abcdef0123"
RUN_URL = f"https://github.example/{REPOSITORY}/actions/runs/42"
TARGET = Target(service="shop", environment="production", log_url=RUN_URL)
FOREVER = 10**6
LASTING = ("429", "500", "reset after")
"""Faults that are also run as if they lasted: not performed and waited for, not performed, performed."""
TIMEOUT = 0.2
"""Seconds after which the client of these runs gives up on a response; the server is on the same machine."""


class Fault(NamedTuple):
    """A kind of failure of one call."""

    name: str
    fields: Json
    permanent: str = ""
    """Reason code of the error, if a repetition cannot help; otherwise the sequence must succeed if it happens once."""
    lag: int = 0


FAULTS = (
    Fault("429 + header", {"kind": "status", "status": 429, "headers": {"Retry-After": "7"}, "message": "slow"}),
    Fault("429", {"kind": "status", "status": 429, "message": "slow down"}),
    Fault("secondary limit", {"kind": "status", "status": 403, "message": "You have exceeded a secondary rate limit."}),
    Fault("500", {"kind": "status", "status": 500}),
    Fault("502 after", {"kind": "status", "status": 502, "performed": True}),
    Fault("reset before", {"kind": "refused"}),
    Fault("reset after", {"kind": "lost-answer"}),
    Fault("time-out", {"kind": "silent", "seconds": 2 * TIMEOUT}),
    Fault("truncated", {"kind": "truncated"}),
    Fault("408", {"kind": "status", "status": 408}),
    Fault("307", {"kind": "status", "status": 307}),
    Fault("404", {"kind": "status", "status": 404, "message": "Not Found"}),
    Fault("lag", {"kind": "lost-answer"}, lag=2),
    Fault(
        "403",
        {"kind": "status", "status": 403, "message": "Resource not accessible by integration"},
        permanent="permission-missing",
    ),
    Fault("422", {"kind": "status", "status": 422, "message": "Validation Failed"}, permanent="github-refused"),
)


class Sequence(NamedTuple):
    """What a command does with GitHub."""

    name: str
    run: Callable[[Client], object]
    """Returns a result that can be compared, without ids."""
    seed: Json
    tolerant: bool = False
    """Whether a call that fails for good leads to another result instead of an error."""


class Call(NamedTuple):
    """One request of a sequence."""

    method: str
    path: str
    earlier: int
    """Number of earlier requests of the same method and path."""

    def __str__(self) -> str:
        path = re.sub(r"[0-9a-f]{40}", "SHA", self.path.removeprefix(f"/repos/{REPOSITORY}/"))
        return f"{self.method} {re.sub(r'[0-9]{3,}', 'ID', path)}{f' ({self.earlier + 1})' if self.earlier else ''}"


class Row(NamedTuple):
    """The results of one call of one sequence: per kind of fault, once and forever."""

    sequence: str
    call: str
    cells: dict[str, str]
    problems: list[str]


def _steps(client: Client, steps: tuple[Step, ...]) -> object:
    return perform(steps, client, note=client.note)._replace(deployment_id=None)


def _gate(client: Client) -> object:
    verdict = Verdict(
        commit=HEAD,
        outcome=Outcome.PASS,
        reason_code="pass",
        reason="All 3 findings passed.",
        findings=[],
        evidence=[],
        service="shop",
        environment="production",
    )
    return _steps(client, gate_steps(verdict, Origin(run_id="42", run_url=RUN_URL), passed=True))


def _finish(client: Client) -> object:
    own, *others = list_deployments(client, "production", "shop")
    return _steps(client, finish_steps(own, others, TARGET, succeeded=True))


def _close_stale(client: Client) -> object:
    stale = [d for d in list_deployments(client, "production", "shop") if d.state == "in_progress"]
    closable = [d for d in stale if read_run(client, d.run_id).conclusion]
    return _steps(client, stale_steps(closable, TARGET))


def _fetch(client: Client) -> object:
    with tempfile.TemporaryDirectory() as folder:
        fetched = fetch_evidence(client, 42, PATTERN, Path(folder) / "evidence")
    return [(a.name, a.digest) for a in fetched.artifacts], [item.name for item in fetched.left_out]


def _check(client: Client) -> object:
    check = CheckRun(
        name="ghmlops/shop", head_sha=HEAD, run_id=42, attempt=1, conclusion="success", title="pass", summary="-"
    )
    return upsert_check_run(client, check)._replace(id=0, url="", state="")


def _issue(client: Client) -> object:
    return upsert_issue(client, marker=MARKER, title="Revert", body="why")._replace(number=0, state="")


def _comment(client: Client) -> object:
    return upsert_comment(client, number=7, marker=MARKER, body=f"{MARKER}\nnew")._replace(id=0, url="", state="")


def _request(client: Client) -> object:
    """Start what `watch` starts, if no run shows its request, and look at the runs as the next watcher does."""
    inputs = {"request": REQUEST, "commit": HEAD, "base": LIVE, "alarm": "p95@2026-11-03T10:00:00Z"}
    step = DispatchWorkflow(workflow="confirm.yml", branch="main", inputs=inputs)
    url = start_workflow(client, step, request=REQUEST)
    return bool(url), sorted(dispatched_runs(client, "confirm.yml"))


def _review(client: Client) -> object:
    pushed = push_time(client, Head(REPOSITORY, "change-7", HEAD))
    return inputs_reviewer(client, 7, pushed) if pushed else "unknown"


def _publish(branch: str, *, number: int) -> Callable[[Client], object]:
    revert = ApiRevert(commits=COMMITS[:number], by_mutation=number == 1)
    return lambda client: publish_commits(client, branch, TIP, revert).result


def _zip() -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("latency.json"), "{}")
    return base64.b64encode(buffer.getvalue()).decode()


def _deployment(sha: str, run_id: str, *states: str) -> Json:
    payload = {"ghmlops": {"run_id": run_id, "service": "shop"}}
    return {"sha": sha, "payload": payload, "statuses": [{"state": state} for state in states], **BOT}


_MEMBERS = {"permissions": {"members": "write"}}
_RUN = {"id": 42, "head_sha": HEAD, "run_attempt": 2, "attempts": {"1": {}}}
_PUSH = {"id": 43, "head_sha": LIVE, "event": "push", "head_branch": "main"}
_WATCHED = {**_PUSH, "created_at": "2026-01-01T00:00:00Z"}
_MERGED = {"number": 5, "head_sha": HEAD, "state": "closed", "merge_commit_sha": LIVE, "messages": ["one", "two"]}
_CHECKED = {"id": 42, "head_sha": HEAD, "head_branch": "change-7", "created_at": "2026-01-01T00:01:00Z"}
_REVIEWED = {
    "roles": {"maria": "maintain"},
    "events": [
        {"issue": 7, "event": "labeled", "label": REVIEW_LABEL, "login": "maria", "created_at": "2026-01-02T00:00:00Z"}
    ],
    "activity": [{"ref": "refs/heads/change-7", "before": LIVE, "after": HEAD, "timestamp": "2026-01-01T00:00:00Z"}],
    "changed_files": {HEAD: ["ghmlops.yml"]},
    "contents": {f"{HEAD}:ghmlops.yml": "version: 1"},
}
_WITH_FILES: Json = {"repositories": {REPOSITORY: {"files": FILES}}}
_NAMES = ("ghmlops-evidence-a-1", "ghmlops-evidence-b-1")
SEQUENCES = (
    Sequence("comment, first run", _comment, {}),
    Sequence("comment, later run", _comment, {"comments": [{"issue": 7, "body": f"{MARKER}\nold", **BOT}]}),
    Sequence("gate", _gate, {}),
    Sequence(
        "finish",
        _finish,
        {"deployments": [_deployment(LIVE, "41", "success"), _deployment(HEAD, "42", "queued")]},
    ),
    Sequence(
        "stale deployments",
        _close_stale,
        {"deployments": [_deployment(LIVE, "43", "in_progress")], "runs": [_PUSH]},
    ),
    Sequence(
        "baseline",
        lambda client: newest_successful_deployment(client, "production", "shop"),
        {"deployments": [_deployment(LIVE, "41", "success"), _deployment(HEAD, "42", "failure")]},
    ),
    Sequence(
        "quarantine",
        lambda client: [(d.state, d.succeeded) for d in commit_deployments(client, "production", "shop", HEAD)],
        {"deployments": [_deployment(HEAD, "41", "queued", "failure"), _deployment(HEAD, "42", "success")]},
    ),
    Sequence(
        "baseline predictions",
        lambda client: locate(client, WorkflowSpec(name="preds", branch="main")).run.head_sha,
        {"runs": [_PUSH], "artifacts": [{"run_id": 43, "name": "preds", "zip_base64": _zip()}]},
    ),
    Sequence(
        "evidence",
        _fetch,
        {"runs": [_RUN], "artifacts": [{"run_id": 42, "name": name, "zip_base64": _zip()} for name in _NAMES]},
    ),
    Sequence("check run", _check, {}),
    Sequence(
        "revert pull request",
        lambda client: open_revert_pull_request(client, head="revert", base="main", title="Revert", body="why"),
        {},
    ),
    Sequence("issue, first run", _issue, {}),
    Sequence("issue, later run", _issue, {"issues": [{"title": "Revert", "body": f"{MARKER}\nold", **BOT}]}),
    Sequence(
        "deployment of a revert",
        lambda client: dispatch_workflow(client, workflow="deploy.yml", branch="main", sha=LIVE) or True,
        {"repositories": {REPOSITORY: {"refs": {"heads/main": LIVE}}}},
    ),
    Sequence("request of watch", _request, {"repositories": {REPOSITORY: {"refs": {"heads/main": LIVE}}}}),
    Sequence(
        "issue of a metric that is back",
        lambda client: close_issue(client, marker=MARKER, comment="p95 is back.") is not None,
        {"issues": [{"title": "p95", "body": MARKER, **BOT}]},
    ),
    Sequence("newest run of watch", lambda client: newest_success(client, "ci.yml", "main"), {"runs": [_WATCHED]}),
    Sequence(
        "deployments with their times",
        lambda client: [
            (d.sha, d.failed) for d in dated_deployments(client, "production", "shop", datetime(2020, 1, 1, tzinfo=UTC))
        ],
        {"deployments": [_deployment(LIVE, "41", "success"), _deployment(HEAD, "42", "queued", "failure")]},
    ),
    Sequence(
        "range of a failed deployment",
        lambda client: failed_range(client, list_deployments(client, "production", "shop")[0].id, "production", "shop"),
        {"deployments": [_deployment(LIVE, "41", "success"), _deployment(HEAD, "42", "queued", "failure")]},
    ),
    Sequence("verified revert", _publish("main", number=1), _WITH_FILES, tolerant=True),
    Sequence("verified revert of two commits", _publish("main", number=2), _WITH_FILES, tolerant=True),
    Sequence("verified revert, pull request", _publish("ghmlops/revert-x", number=1), _WITH_FILES, tolerant=True),
    Sequence("merged pull request", lambda client: merged_pull_request(client, 5), {"pull_requests": [_MERGED]}),
    Sequence(
        "pull request of a run",
        lambda client: pull_request_for(client, head_sha=HEAD, head_branch="change-7"),
        {},
    ),
    Sequence(
        "review of a change", _review, {"repositories": {REPOSITORY: _REVIEWED}, "runs": [_CHECKED]}, tolerant=True
    ),
    Sequence(
        "role of a person", lambda client: is_maintainer(client, "maria"), {"repositories": {REPOSITORY: _REVIEWED}}
    ),
    Sequence(
        "person of a run",
        lambda client: (triggering_actor(client, 42, 1), has_role(client, "maria", "write")),
        {"repositories": {REPOSITORY: _REVIEWED}, "runs": [{**_RUN, "triggering_actor": "maria"}]},
    ),
    Sequence(
        "member of a team",
        lambda client: is_team_member(client, "maria", "acme/release"),
        {"repositories": {REPOSITORY: {"teams": {"acme/release": {"maria": "active"}}}}, "tokens": {"t": _MEMBERS}},
        tolerant=True,
    ),
    Sequence(
        "reviewed push",
        lambda client: [(pull.number, pull.merge_sha) for pull in merged_pull_requests(client, HEAD)],
        {"pull_requests": [_MERGED]},
    ),
    Sequence("changed files", lambda client: compare(client, LIVE, HEAD), {"repositories": {REPOSITORY: _REVIEWED}}),
    Sequence(
        "policy of the head",
        lambda client: read_file(client, "ghmlops.yml", HEAD),
        {"repositories": {REPOSITORY: _REVIEWED}},
    ),
    Sequence(
        "judged push",
        lambda client: newest_push(client, "change-7", HEAD),
        {"repositories": {REPOSITORY: _REVIEWED}},
    ),
    Sequence(
        "rules of a branch",
        lambda client: blocking_rules(client, "main"),
        {"repositories": {REPOSITORY: {"rules": {"main": ["deletion", "pull_request"]}}}},
        tolerant=True,
    ),
)


class Effects(NamedTuple):
    """What is on GitHub at the end."""

    comments: Counter[str]
    deployments: Counter[str]
    """By commit."""
    states: dict[str, list[str]]
    """States of the deployments of each commit, and of each context of commit statuses, oldest first."""
    pull_requests: Counter[str]
    check_runs: Counter[str]
    issues: Counter[str]
    runs: Counter[str]
    """Started by hand, by commit."""
    commits: Counter[str]
    """By branch and subject."""

    def doubled(self, reference: Effects) -> list[str]:
        """Return what is there more often than after a run without a fault, and states that are repeated."""
        problems = [
            f"{key} {counts[key]} times"
            for counts, expected in zip(self._counts(), reference._counts(), strict=True)
            for key in counts
            if counts[key] > max(1, expected[key])
        ]
        repeated = [
            f"{key}: {state} twice"
            for key, states in self.states.items()
            for state, following in itertools.pairwise(states)
            if state == following
        ]
        return problems + repeated

    def _counts(self) -> tuple[Counter[str], ...]:
        written = (self.comments, self.deployments, self.pull_requests, self.check_runs, self.issues)
        return *written, self.runs, self.commits

    def unfinished(self) -> list[str]:
        """Return what a failed run left open."""
        return [key for key, states in self.states.items() if states[-1:] == ["pending"] or states == ["none"]]

    def final(self) -> object:
        """Return what counts in the end: the last states, whatever was closed as an error before."""
        last = {key: states[-1] for key, states in self.states.items()}
        return self.comments, last, self.pull_requests, self.check_runs, self.issues, self.runs, self.commits


def effects(state: State) -> Effects:
    """Return what is on GitHub."""
    states: dict[str, list[str]] = {}
    for deployment in state.deployments:
        rows = [s["state"] for s in state.deployment_statuses if s["deployment"] == deployment["id"]]
        states.setdefault(f"deployment of {deployment['sha'][:1]}", []).extend(rows or ["none"])
    for status in state.statuses:
        states.setdefault(status["context"], []).append(status["state"])
    return Effects(
        comments=Counter(c["body"] for c in state.comments),
        deployments=Counter(
            d["sha"]
            for d in state.deployments
            if [s["state"] for s in state.deployment_statuses if s["deployment"] == d["id"]][-1:] != ["error"]
        ),
        states=states,
        pull_requests=Counter(p["head_ref"] for p in state.pull_requests),
        check_runs=Counter(c["external_id"] for c in state.check_runs),
        issues=Counter(i["body"] for i in state.issues),
        runs=Counter(r["head_sha"] for r in state.runs if r["event"] == "workflow_dispatch"),
        commits=Counter(branch_subjects(state)),
    )


class Matrix:
    """Runs sequences against one server."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def rows(self, sequence: Sequence, faults: tuple[Fault, ...] = FAULTS, step: int = 1) -> Iterator[Row]:
        """Yield a row per call of the sequence, with every `step`-th kind of fault, in turn."""
        self._reset(sequence)
        reference = self._run(sequence)
        expected = effects(self.api.state)
        calls = self._calls()
        first = SEQUENCES.index(sequence)  # so that over all sequences and calls each kind of fault is there
        for line, call in enumerate(calls):
            row = Row(sequence.name, str(call), dict.fromkeys((fault.name for fault in FAULTS), ""), [])
            for fault in faults[(first + line) % step :: step]:
                once = self._case(sequence, call, fault, 1, (reference, expected), row)
                forever = "-"
                if fault.name in LASTING:
                    forever = self._case(sequence, call, fault, FOREVER, (reference, expected), row)
                row.cells[fault.name] = f"{once} / {forever}"
            yield row

    def _reset(self, sequence: Sequence) -> None:
        with self.api.lock:
            self.api.state = State()
        defaults: Json = {"repositories": {REPOSITORY: {}}}
        self.api.seed(**{**defaults, **{k: v for k, v in sequence.seed.items() if k == "repositories"}})
        self.api.seed(pull_requests=[{"number": 7, "head_sha": HEAD}])
        self.api.seed(**{k: v for k, v in sequence.seed.items() if k != "repositories"})

    def _calls(self) -> list[Call]:
        counts: Counter[tuple[str, str]] = Counter()
        calls = []
        for request in self.api.state.requests:
            key = request["method"], request["path"].partition("?")[0]
            calls.append(Call(*key, counts[key]))
            counts[key] += 1
        return calls

    def _run(self, sequence: Sequence, notes: list[str] | None = None, timeout: float = 30.0) -> object:
        sleeps: list[float] = []
        with connect(
            token="t",
            api_url=self.api.url,
            repository=REPOSITORY,
            note=(notes if notes is not None else []).append,
            sleep=sleeps.append,
            clock=lambda: sum(sleeps),
            timeout=timeout,
        ) as client:
            return sequence.run(client)

    def _case(
        self,
        sequence: Sequence,
        call: Call,
        fault: Fault,
        times: int,
        reference: tuple[object, Effects],
        row: Row,
    ) -> str:
        """Run a sequence with a fault and return what came out; problems are added to `row`."""
        self._reset(sequence)
        self._seed_fault(call, fault, times)
        notes: list[str] = []
        where = f"{fault.name} {'once' if times == 1 else 'forever'}"
        try:
            result = self._run(sequence, notes, TIMEOUT if fault.fields["kind"] == "silent" else 30.0)
        except GhmlopsError as error:
            outcome = error.reason_code
            row.problems.extend([f"{where}: {p}" for p in self._error_problems(error, fault, times)])
        except Exception as error:  # noqa: BLE001  (whatever it is, it is a problem of this cell)
            outcome = type(error).__name__
            row.problems.append(f"{where}: {error!r}")
        else:
            outcome = "ok" if result == reference[0] else "other"
            tolerated = sequence.tolerant and (times > 1 or fault.permanent)
            if outcome == "other" and not tolerated:
                row.problems.append(f"{where}: result {result!r}")
            if outcome == "ok" and effects(self.api.state).final() != reference[1].final():
                row.problems.append(f"{where}: left {effects(self.api.state)}")
        row.problems.extend([f"{where}: {p}" for p in self._state_problems(sequence, reference[1], notes)])
        return outcome

    def _seed_fault(self, call: Call, fault: Fault, times: int) -> None:
        fields = dict(fault.fields)
        if fault.name == "307":
            path = call.path.replace(f"/repos/{REPOSITORY}/", f"/repositories/{repository_id(REPOSITORY)}/")
            elsewhere = f"/api/v3{path}" if path.startswith("/orgs/") else f"{path}?moved=1"
            fields["headers"] = {"Location": f"{self.api.url}{path}" if path != call.path else elsewhere}
        pattern = f"^{re.escape(call.path)}$"
        self.api.seed(
            lag=fault.lag,
            faults=[{**fields, "method": call.method, "path": pattern, "skip": call.earlier, "times": times}],
        )

    def _error_problems(self, error: GhmlopsError, fault: Fault, times: int) -> list[str]:
        problems = []
        if not isinstance(error, GitHubError) or error.exit_code != 2:
            problems.append(f"{type(error).__name__}, exit code {error.exit_code}")
        if "\n" in error.message or not error.message or not error.hint:
            problems.append(f"not one line with a hint: {error.message!r}")
        if times == 1 and not fault.permanent:
            problems.append(f"no success: {error.message}")
        if fault.permanent == "permission-missing" and not isinstance(error, PermissionMissing):
            problems.append(f"the permission is not named: {error.message}")
        return problems

    def _state_problems(self, sequence: Sequence, expected: Effects, notes: list[str]) -> list[str]:
        """Return what is doubled or open, and what a second run without the fault does not bring in order."""
        state = self.api.state
        left = effects(state)
        problems = left.doubled(expected)
        if not any(note.startswith("could not close") for note in notes):
            problems += [f"open: {item}" for item in left.unfinished()]
        problems += state.violations
        state.faults.clear()
        state.lag = 0
        state.hidden.clear()
        self._run(sequence)
        again = effects(state)
        if again.final() != expected.final():
            problems.append(f"after a second run: {again}")
        return problems


def table(rows: list[Row]) -> str:
    """Return the results as a Markdown table: a row per call, a column per kind of fault."""
    names = [fault.name for fault in FAULTS]
    lines = ["| sequence | call | " + " | ".join(names) + " |", "| --- " * (len(names) + 2) + "|"]
    lines += [f"| {row.sequence} | `{row.call}` | {' | '.join(row.cells[n] for n in names)} |" for row in rows]
    return "\n".join(lines)
