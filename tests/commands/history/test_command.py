"""The history of a repository: what the commands leave, and every task. Real git, a local API."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops import __version__
from ghmlops.act.evidence import write_evidence
from ghmlops.cli import main
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.history.place import encode_record, record_path
from ghmlops.core.history.record import EvidenceDigest
from ghmlops.core.model import Finding, Interval, Outcome, conclude
from ghmlops.core.promotion.record import PromotionRecord, RungRecord
from ghmlops.core.promotion.weights import Shares
from ghmlops.measure.checkout import fingerprint
from git_scene import Scene, make_scene
from github_api import spec
from github_api.server import running
from history_records import OTHER, deployment, quarantine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from github_api.server import Api

BRANCH = "ghmlops-history"
POLICY = """\
version: 1
service: shop
preview: {command: "serve --port {port}", ready: /healthz}
gate: {require: [preview]}
"""


class Job:
    """Jobs of run 41 in a clone of the repository."""

    def __init__(self, scene: Scene, api: Api, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.scene, self.api, self.patch, self.capsys = scene, api, patch, capsys
        self.here = scene.work.folder
        self.commit = scene.work.commit("Policy", {".github/ghmlops.yml": POLICY})
        scene.work.push()
        values = {
            **scene.work.environ,
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_SHA": self.commit,
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_API_URL": api.url,
            "GITHUB_RUN_ID": "41",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_ACTOR": "ada",
            "RUNNER_TEMP": str(scene.home / "temp"),
        }
        for name, value in values.items():
            patch.setenv(name, value)
        patch.chdir(self.here)

    def write(self, *records: Any) -> None:
        """Leave records in the folder `records`, as downloaded artifacts."""
        for record in records:
            content = record if isinstance(record, bytes) else encode_record(record)
            folder = self.here / "records" / f"artifact-{len(list(self.here.glob('records/*')))}"
            folder.mkdir(parents=True)
            (folder / "record.json").write_bytes(content)

    def run(self, *flags: str) -> tuple[int, dict[str, Any]]:
        """Run `ghmlops history`; return the exit code and the result as JSON, if there is one."""
        self.capsys.readouterr()
        code = main(["history", *flags, "--json"])
        output = self.capsys.readouterr().out
        return code, json.loads(output) if output else {}

    def local(self) -> None:
        """Go on outside of a workflow run, where records of any run are appended."""
        self.patch.delenv("GITHUB_ACTIONS")

    def names(self) -> list[str]:
        return self.scene.remote.git("ls-tree", "-r", "--name-only", BRANCH).split()


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Job]:
    """The jobs; at the end no request may have broken GitHub's description."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    for name in ("GITHUB_EVENT_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    with running({"repositories": {"acme/shop": {}}}) as api:
        yield Job(make_scene(tmp_path), api, monkeypatch, capsys)
        assert api.violations == []


def ago(**period: float) -> str:
    """Return a time before now."""
    return (datetime.now(UTC) - timedelta(**period)).isoformat(timespec="seconds")


def records_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of the JSON of `list`."""
    rows: list[dict[str, Any]] = result["records"]
    return rows


def test_a_decision_of_the_gate_becomes_a_record(job: Job) -> None:
    """With digests, effects, person, run and the hypothesis of the pull request; a second append adds nothing."""
    change = Interval(estimate=-0.12, low=-0.2, high=-0.05)
    finding = Finding(id="latency-p99", metric="p99", outcome=Outcome.PASS, reason="R.", docs="a#b", change=change)
    ready = Finding(id="preview-ready", metric="preview", outcome=Outcome.PASS, reason="R.", docs="a#b")
    outcome, code, reason = conclude([ready, finding])
    origin = Provenance(
        repository="acme/shop",
        head_sha=job.commit,
        run_id="41",
        version=__version__,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        service="shop",
        event="push",
        fingerprints={"policy": fingerprint(job.here / ".github/ghmlops.yml")},
    )
    fields: dict[str, Any] = {"outcome": outcome, "reason_code": code, "reason": reason, "findings": [ready, finding]}
    write_evidence(job.here / "evidence", Evidence(command="preview", provenance=origin, **fields))
    pull = {"number": 7, "head_sha": job.commit, "state": "closed", "merge_commit_sha": job.commit}
    job.api.seed(pull_requests=[{**pull, "body": "Faster.\n\nExpect: p99 -10%\nExpect: happier users\n"}])
    assert main(["gate", "--token", "t", "--record-file", "records/gate.json"]) == 0
    assert job.run("append", "--token", "t")[0] == 0
    assert job.run("append", "--token", "t")[1]["reason_code"] == "already-appended"
    (record,) = records_of(job.run()[1])
    verdict = json.loads((job.here / "verdict.json").read_bytes())
    assert record["evidence"][0]["sha256"] == verdict["evidence"][0]["sha256"]
    assert (record["decision"], record["outcome"], record["commit"]) == ("allowed", "pass", job.commit)
    assert (record["person"], record["run_id"], record["pull_request"]) == ("ada", "41", 7)
    assert [(item["metric"], item["change"]) for item in record["hypothesis"]] == [("p99", -0.1), ("", None)]
    assert [(item["metric"], item["estimate"]) for item in record["effects"]] == [("p99", -0.12)]
    assert record["harmed_requests"] is None


def test_a_gate_that_records_nothing_leaves_no_record(job: Job) -> None:
    """Without a token nothing is on GitHub, and nothing happened that the history could contain."""
    main(["gate"])
    assert not (job.here / "record.json").exists()


def test_a_promotion_that_was_rolled_back_is_quarantined(job: Job) -> None:
    """One append, two records: the rungs with n, split and harmed requests, and the quarantine that `check` reads."""
    rung = RungRecord(
        share=0.05,
        shares=Shares(candidate=0.05, twin=0.05, pool=0.9),
        since=ago(minutes=5),
        requests={"candidate": 480, "twin": 470, "pool": 9000},
        errors={"candidate": 12, "twin": 0, "pool": 3},
    )
    promotion = PromotionRecord(
        commit=job.commit,
        environment="production",
        service="shop",
        run_url="",
        base_sha=OTHER,
        override="agreed (by eve)",
        person="bob",
        rungs=(rung,),
        decision="rollback",
        reason_code="errors",
        reason="Errors rose.",
        shares=Shares(candidate=0.0, pool=1.0),
    )
    job.write(msgspec.json.encode(promotion))
    assert job.run("append")[1]["records"] == 2
    assert job.run("append")[1]["records"] == 0
    first, second = sorted(records_of(job.run()[1]), key=lambda row: row["kind"])
    assert (first["decision"], first["harmed_requests"]) == ("rollback", 12)
    assert first["rungs"][0]["requests"]["candidate"] == 480
    assert first["rungs"][0]["shares"]["twin"] == 0.05
    assert (first["base_sha"], first["override"], first["person"]) == (OTHER, "agreed (by eve)", "bob")
    assert (second["kind"], second["commit"]) == ("quarantine", job.commit)
    assert main(["history"]) == 0
    text = job.capsys.readouterr().out
    assert all(fact in text for fact in (f"baseline {OTHER[:12]}", "override: agreed (by eve)", "bob"))
    code, result = job.run("check", "--commit", job.commit)
    assert (code, result["reason_code"]) == (1, "commit-quarantined")
    assert job.run("check", "--commit", OTHER)[0] == 0
    code, result = job.run("check", "--commit", OTHER, "--max-actions", "1")
    assert (code, result["reason_code"]) == (1, "actions-cap")
    assert job.run("check", "--commit", OTHER, "--max-actions", "2")[0] == 0


def test_a_revert_leaves_its_record(job: Job) -> None:
    """State, reverted commits and the revert commit; a dry run leaves none."""
    bad = job.scene.work.commit("Bad", {"b.txt": "bad\n"})
    job.scene.work.push()
    line = ["revert", "--commit", bad, "--reason", "it is slow", "--branch", "main", "--record-file", "records/r.json"]
    assert main([*line, "--dry-run"]) == 0
    assert not (job.here / "records").exists()
    assert main(line) == 0
    assert job.run("append")[0] == 0
    (record,) = records_of(job.run()[1])
    assert (record["kind"], record["state"], record["commit"], record["reverted"]) == ("revert", "reverted", bad, [bad])
    assert record["revert_sha"] == job.scene.tip()


def test_filters_and_what_does_not_count(job: Job) -> None:
    """Service, environment, time and decision select; a former name of the service is named."""
    job.local()
    rows = [
        deployment(ago(days=40), service="old"),
        deployment(ago(days=20)),
        deployment(ago(days=2), environment="staging"),
        deployment(ago(days=1), decision="refused"),
    ]
    job.write(*rows)
    assert job.run("append")[1]["records"] == 4
    selections = [
        ([], 4),
        (["--since", "30d"], 3),
        (["--since", ago(days=3)[:10]], 2),
        (["--environment", "staging"], 1),
        (["--decision", "refused", "--service", "shop"], 1),
    ]
    for flags, count in selections:
        assert len(records_of(job.run(*flags)[1])) == count
    code, result = job.run("--service", "shop")
    assert (code, result["outcome"], result["reason_code"]) == (0, "warn", "service-renamed")
    assert result["former_services"] == {"old": 1}


def test_outcomes_name_the_first_record(job: Job) -> None:
    """After seven days, once; it is a new record, and the first stays as it was."""
    job.local()
    first = deployment(ago(days=9))
    job.write(first, deployment(ago(days=8), commit=OTHER), deployment(ago(hours=9), commit="c" * 40))
    job.run("append")
    assert job.run("outcome")[1]["records"] == 2
    assert job.run("outcome")[1]["reason_code"] == "nothing-to-append"
    rows = records_of(job.run()[1])
    (identity,) = (row["id"] for row in rows if row["path"] == record_path(first))
    states = {row["of"]: row["state"] for row in rows if row["kind"] == "outcome"}
    assert states[identity] == "replaced"
    assert sorted(states.values()) == ["kept", "replaced"]


def test_the_fold_of_past_months(job: Job) -> None:
    """The list is the same before and after."""
    job.local()
    job.write(
        deployment("2026-01-03T00:00:00+00:00"), quarantine("2026-01-04T00:00:00+00:00"), deployment(ago(hours=1))
    )
    job.run("append")
    before = job.run()[1]["records"]
    assert job.run("fold")[1]["reason_code"] == "folded"
    assert len(job.names()) == 2
    assert records_of(job.run()[1]) == before


def test_a_damaged_or_rewritten_history_is_no_clean_bill(job: Job) -> None:
    """`check` is inconclusive: the lost record may be the quarantine; `outcome` and `fold` change nothing."""
    job.write(deployment(ago(hours=1)))
    job.run("append")
    assert job.run("check", "--commit", OTHER)[0] == 0
    job.scene.remote.git("update-ref", "-d", f"refs/heads/{BRANCH}")
    code, result = job.run("check", "--commit", OTHER)
    assert (code, result["outcome"], result["reason_code"]) == (1, "inconclusive", "history-rewritten")
    assert job.run("outcome")[0] == 2
    assert job.run("fold")[0] == 2


REFUSED = [
    b"{}",
    b"not JSON",
    b"[" * 50_000,
    encode_record(deployment(ago(hours=1), run_id="42")),
    encode_record(deployment(ago(hours=1), repository="acme/other")),
    encode_record(deployment(ago(hours=1), commit="main")),
    encode_record(deployment(ago(hours=1), run_url="https://github.com/acme/shop/actions/runs/42")),
    encode_record(deployment(ago(hours=-1))),
    encode_record(deployment("yesterday")),
    encode_record(deployment(ago(hours=1), reason="x" * 300_000)),
]


@pytest.mark.parametrize("content", REFUSED)
def test_a_file_that_is_no_record_of_this_run_stops_the_append(job: Job, content: bytes) -> None:
    """One line, exit code 2, and nothing of the folder is appended."""
    job.write(deployment(ago(hours=1)), content)
    job.capsys.readouterr()
    assert main(["history", "append"]) == 2
    error = job.capsys.readouterr().err
    assert "artifact-1" in error
    assert "Traceback" not in error
    assert job.scene.remote.git("for-each-ref", f"refs/heads/{BRANCH}") == ""


def test_a_link_is_not_followed(job: Job) -> None:
    """A record that is a link to another file is refused."""
    job.write(deployment(ago(hours=1)))
    (job.here / "records" / "x.json").symlink_to("/etc/hostname")
    assert job.run("append")[0] == 2


BAD = [
    (["lists"], "list"),
    (["append", "--records", "missing"], "missing"),
    (["--since", "soon"], "since"),
    (["check", "--commit", "main"], "commit"),
    (["--branch", "-x"], "branch"),
    (["--remote", "nowhere"], "nowhere"),
    (["fold", "--remote", "nowhere"], "nowhere"),
]


@pytest.mark.parametrize(("flags", "word"), BAD)
def test_bad_input(job: Job, flags: list[str], word: str) -> None:
    """One line, exit code 2."""
    job.capsys.readouterr()
    assert main(["history", *flags]) == 2
    error = job.capsys.readouterr().err
    assert word in error
    assert "Traceback" not in error


def test_dry_runs_push_nothing(job: Job) -> None:
    """They print the paths."""
    record = deployment(ago(hours=1))
    job.write(record)
    job.capsys.readouterr()
    assert main(["history", "append", "--dry-run"]) == 0
    assert record_path(record) in job.capsys.readouterr().out
    assert main(["history", "fold", "--dry-run"]) == 0
    assert main(["history", "outcome", "--dry-run"]) == 0
    assert job.scene.remote.git("for-each-ref", f"refs/heads/{BRANCH}") == ""


def test_the_dashboard_is_a_folder_of_pages(job: Job, tmp_path: Path) -> None:
    """With the evidence of each deployment. Only the event of a public repository allows publishing."""
    digest = EvidenceDigest(file="evidence/latency.json", sha256="e" * 64, outcome=Outcome.PASS)
    job.write(deployment(ago(hours=2), commit=job.commit, evidence=(digest,)), deployment(ago(hours=1), commit=OTHER))
    job.local()
    assert job.run("append")[0] == 0
    assert [bool(record["committed"]) for record in records_of(job.run()[1])] == [True, False]
    code, result = job.run("page", "--site", "site", "--dry-run")
    assert (code, (job.here / "site").exists()) == (0, False)
    code, result = job.run("page", "--site", "site")
    assert (code, result["reason_code"], result["publish"]) == (0, "page-written", False)
    site = job.here / "site"
    files = {str(path.relative_to(site)): path.read_text() for path in site.rglob("*") if path.is_file()}
    assert sorted(files) == result["files"]
    assert digest.sha256 in files["index.html"]
    assert any(name.startswith("sources/") and digest.sha256 in text for name, text in files.items())
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"repository": {"private": False}}))
    job.patch.setenv("GITHUB_ACTIONS", "true")
    job.patch.setenv("GITHUB_EVENT_PATH", str(event))
    assert job.run("page", "--site", "site")[1]["publish"] is True
    assert job.run("page", "--stale", "soon")[0] == 2


def test_the_dashboard_says_that_production_is_not_watched(job: Job) -> None:
    """As a warning of the job, and on each page once the newest run that it knows of is too old for its reader."""
    metric = "metrics: [{name: p95, log: {files: a.csv, time: t, value: v}}]"
    text = f"{POLICY}watch: {{{metric}, stale: 90m, workflows: {{watch: watch.yml}}}}\n"
    (job.here / ".github" / "ghmlops.yml").write_text(text)
    job.write(deployment(ago(hours=1), commit=job.commit))
    job.local()
    assert job.run("append")[0] == 0
    for minutes, code in ((None, "watch-dead"), (100, "watch-dead"), (10, "page-written")):
        if minutes is not None:
            created = datetime.now(UTC) - timedelta(minutes=minutes)
            row = {"id": 42, "head_sha": job.commit, "created_at": f"{created:%FT%TZ}", "path": "x/watch.yml"}
            job.api.seed(runs=[row])
        assert job.run("page", "--site", "site", "--token", "t")[1]["reason_code"] == code
        page = (job.here / "site/index.html").read_text()
        _, until = (float(end) for end in re.findall(r'data-stale="([0-9]+)"', page))
        assert (until < datetime.now(UTC).timestamp()) == (code == "watch-dead")
        assert "watch.yml" in page
    assert job.run("page", "--site", "site")[1]["reason_code"] == "page-written"


def test_the_policy_sets_what_the_page_has(job: Job) -> None:
    """Deployments older than `keep` are counted and left out; the input `stale` comes before the policy's."""
    job.write(deployment(ago(hours=30), commit=job.commit), deployment(ago(hours=1), commit=OTHER))
    job.local()
    assert job.run("append")[0] == 0
    policy = job.here / ".github" / "ghmlops.yml"
    policy.write_text(POLICY + "history: {keep: 1d, page: {stale: 90m}}\n")
    code, result = job.run("page", "--site", "site")
    assert (code, result["deployments"]) == (0, 1)
    assert "1 deployments are older" in result["reason"]
    texts = [path.read_text() for path in (job.here / "site").glob("*.html")]
    assert any(OTHER[:7] in text for text in texts)
    assert not any(job.commit[:7] in text for text in texts)
    until = [float(end) for text in texts for end in re.findall(r'data-stale="([0-9]+)"', text)]
    assert until
    assert all(5200 < end - datetime.now(UTC).timestamp() <= 5401 for end in until)
