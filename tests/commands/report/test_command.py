"""`ghmlops report`: files, job summary, comment; bad input; what it loads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import msgspec
import pytest

from ghmlops.act.evidence import write_evidence
from ghmlops.cli import main
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import read_verdict
from github_api import spec
from github_api.server import Api, running
from report import latency_samples, samples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence

PASS = Outcome.PASS
COMMIT, BASE, OTHER = "a" * 40, "b" * 40, "c" * 40
POLICY = """\
version: 1
service: click scorer
latency: {slo: {p99: 1s}}
regression: {task: regression, key: [id], label: y, prediction: p}
"""
MARKER = "<!-- ghmlops:report service=click%20scorer workflow=report -->"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder with a policy, as a job of a push to the commit."""
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/ghmlops.yml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "GITHUB_API_URL", "GITHUB_EVENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    defaults = {
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SHA": COMMIT,
        "GITHUB_RUN_ID": "42",
        "GITHUB_WORKFLOW": "report",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    for name, value in defaults.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def api(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The local GitHub API, which the run knows; at the end nothing may have broken the specification."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is not here; {spec.FETCH}")
    assert here.is_dir()  # its variables are set first, this one after them
    pulls = [{"number": 7, "head_sha": COMMIT, "head_ref": "topic", "head_repository": "ada/shop"}]
    with running({"repositories": {"acme/shop": {}}, "pull_requests": pulls}) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        yield server
        assert server.violations == []


def measured(here: Path, *files: Evidence, **origin: Any) -> None:
    """Write evidence as the measuring commands do, just now and for the commit."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    defaults = {"repository": "acme/shop", "head_sha": COMMIT, "base_sha": BASE, "started": started, "run_id": "42"}
    for file in files:
        provenance = samples.provenance(**{**defaults, **origin})
        write_evidence(here / "evidence", msgspec.structs.replace(file, provenance=provenance))


def event(here: Path, monkeypatch: pytest.MonkeyPatch, name: str, payload: dict[str, Any]) -> None:
    """Hand the run an event."""
    (here / "event.json").write_text(json.dumps(payload))
    monkeypatch.setenv("GITHUB_EVENT_NAME", name)
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(here / "event.json"))


def pull_request(number: int = 7, head: str = COMMIT) -> dict[str, Any]:
    """Return the payload of a pull-request event."""
    return {"pull_request": {"number": number, "head": {"sha": head}, "base": {"sha": BASE}}}


def completed(head: str = COMMIT, repository: str = "ada/shop", branch: str = "topic") -> dict[str, Any]:
    """Return the payload of a `workflow_run` event, as for a fork: its own list of pull requests is empty."""
    origin = {"full_name": repository}
    run = {"id": 41, "run_attempt": 3, "head_sha": head, "head_branch": branch, "head_repository": origin}
    return {"workflow_run": {**run, "event": "pull_request", "pull_requests": []}}


def outputs(here: Path) -> dict[str, str]:
    """Parse the step's outputs."""
    result, lines = {}, iter((here / "outputs").read_text().splitlines())
    for line in lines:
        name, _, mark = line.partition("<<")
        value = []
        while (text := next(lines)) != mark:
            value.append(text)
        result[name] = "\n".join(value)
    return result


def bodies(api: Api) -> list[str]:
    """Return the comments' texts."""
    return [comment["body"] for comment in api.state.dump()["comments"]]


def test_the_page_draws_the_log_beside_the_evidence(here: Path) -> None:
    """The page has the charts of the response times; a damaged log is named on it, and the exit code stays."""
    file = latency_samples.latency()
    assert file.evidence
    measured(here, file.evidence, samples.regression())
    (here / "evidence/latency.hlog").write_bytes(file.log)
    assert main(["report", "--comment", "off", "--html", "p.html"]) == 0
    page = (here / "p.html").read_text()
    assert page.count('viewBox="0 0 480 300"') == 4
    assert '<path class="baseline"' in page
    (here / "evidence/latency.hlog").write_bytes(b"<b>garbage")
    assert main(["report", "--comment", "off", "--html", "p.html"]) == 0
    page = (here / "p.html").read_text()
    assert page.count('viewBox="0 0 480 300"') == 2
    assert "latency.hlog" in page
    assert '<path class="baseline"' not in page


def test_files_summary_and_outputs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every requested file is written, with the verdict, the job summary and the outputs; exit 0 for a pass."""
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--markdown", "out/c.md", "--html", "out/p.html", "--junit", "out/j.xml"]) == 0
    assert (here / "out/c.md").read_text().startswith(MARKER)
    assert "## ✅ click scorer passes" in (here / "summary.md").read_text()
    assert (here / "out/p.html").read_text().startswith("<!doctype html>")
    assert ElementTree.parse(here / "out/j.xml").getroot().tag == "testsuites"  # noqa: S314  (our own output)
    assert read_verdict(here / "evidence/verdict.json").commit == COMMIT
    assert outputs(here) == {
        "outcome": "pass",
        "reason-code": "all-passed",
        "verdict-file": "evidence/verdict.json",
        "comment-url": "",
        "check-run-url": "",
    }
    output = capsys.readouterr()
    assert "written: out/p.html" in output.out
    assert "token" in output.err
    assert sorted(p.name for p in (here / "out").iterdir()) == ["c.md", "j.xml", "p.html"]


def test_the_same_evidence_is_reported_twice_alike(here: Path) -> None:
    """A verdict written into the folder does not count as evidence the second time."""
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--markdown", "one.md"]) == 0
    assert main(["report", "--markdown", "two.md"]) == 0
    assert (here / "one.md").read_bytes() == (here / "two.md").read_bytes()


def test_exit_code_follows_the_outcome(here: Path) -> None:
    """A failure exits 1, and becomes annotations; what fails the step is for `fail-on` to say."""
    measured(here, samples.latency(slow=True), samples.regression())
    assert main(["report"]) == 1
    measured(here, samples.latency(leg="x"))
    (here / "evidence/latency.json").unlink()
    (here / "evidence/regression.json").unlink()
    assert main(["report"]) == 0
    assert main(["report", "--fail-on", "inconclusive"]) == 1
    missing = [f.reason for f in read_verdict(here / "evidence/verdict.json").findings if f.id == "evidence-missing"]
    assert any("`regression`" in reason for reason in missing)


def test_annotations(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In a workflow, what did not pass is annotated."""
    measured(here, samples.latency(slow=True), samples.regression())
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["report"]) == 1
    assert "::error title=latency-p50%3A fail::p50 " in capsys.readouterr().err


def test_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints the verdict and the files."""
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--json", "--markdown", "c.md"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["outcome"] == output["verdict"]["outcome"] == "pass"
    assert output["files"] == ["evidence/verdict.json", "c.md"]


def test_dry_run(here: Path, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written, neither here nor on GitHub; the plan is printed."""
    measured(here, samples.latency(), samples.regression())
    arguments = ["--markdown", "c.md", "--token", "t", "--pull-request", "7"]
    assert main(["report", "--dry-run", *arguments]) == 0
    output = capsys.readouterr()
    assert "would write: c.md" in output.out
    assert "comment on pull request #7" in output.err
    assert not (here / "c.md").exists()
    assert not (here / "evidence/verdict.json").exists()
    assert api.state.dump()["requests"] == []


def test_without_a_policy(here: Path) -> None:
    """Evidence can be reported on without a policy: nothing is required, and the service is the repository's name."""
    (here / ".github/ghmlops.yml").unlink()
    measured(here, samples.latency())
    assert main(["report", "--markdown", "c.md"]) == 0
    assert "## ✅ shop passes" in (here / "c.md").read_text()


@pytest.mark.parametrize("folder", [True, False])
def test_without_evidence(here: Path, api: Api, *, folder: bool) -> None:
    """Nothing measured is inconclusive, and the comment says so."""
    if folder:
        (here / "evidence").mkdir()
    assert main(["report", "--token", "t", "--pull-request", "7", "--fail-on", "inconclusive"]) == 1
    (body,) = bodies(api)
    assert "\n## ❔" in body
    assert outputs(here)["reason-code"] in ("nothing-measured", "evidence-missing")
    assert ("does not exist" in body) is not folder


def test_unreadable_evidence(here: Path) -> None:
    """A truncated file is shown, and the outcome is error: exit 2, with the report written."""
    measured(here, samples.latency(), samples.regression())
    whole = (here / "evidence/latency.json").read_text()
    (here / "evidence/latency.json").write_text(whole[: len(whole) // 2])
    assert main(["report", "--markdown", "c.md"]) == 2
    text = (here / "c.md").read_text()
    assert "\n## 🛑" in text
    assert " latency.json " in text
    assert outputs(here)["reason-code"] == "evidence-unreadable"


def test_foreign_evidence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Evidence of another commit is refused, with both commits named; no report is provenance of it."""
    measured(here, samples.latency(), head_sha=OTHER)
    assert main(["report", "--markdown", "c.md"]) == 2
    output = capsys.readouterr().err
    assert all(part in output for part in ("latency.json", OTHER, COMMIT))
    assert output.count("\n") == 1
    assert not (here / "c.md").exists()


def test_a_link_in_the_folder_is_not_followed(here: Path) -> None:
    """A hostile artifact cannot hand in a file from elsewhere."""
    measured(here, samples.latency(), samples.regression())
    (here / "evidence/latency.json").rename(here / "secret.json")
    (here / "evidence/latency.json").symlink_to(here / "secret.json")
    assert main(["report", "--fail-on", "inconclusive"]) in (1, 2)


def test_a_comment_is_created_then_edited(
    here: Path, api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pull request's event names the number; a second report edits the one comment in place."""
    event(here, monkeypatch, "pull_request", pull_request())
    measured(here, samples.latency(slow=True), samples.regression())
    assert main(["report", "--token", "t"]) == 1
    (first,) = bodies(api)
    assert first.splitlines()[0] == MARKER
    assert "## ❌ click scorer fails" in first
    assert re.search(r"^comment created on .*#7: http", capsys.readouterr().err, re.MULTILINE)
    assert outputs(here)["comment-url"].endswith("#issuecomment-" + str(api.state.dump()["comments"][0]["id"]))

    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "t"]) == 0
    (second,) = bodies(api)
    assert "## ✅ click scorer passes" in second
    assert main(["report", "--token", "t"]) == 0
    assert "comment unchanged on pull request #7" in capsys.readouterr().err


def test_the_second_stage_finds_the_pull_request_of_a_fork(
    here: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `workflow_run`, commit, run and attempt are the event's; the number is looked up by head, never in files."""
    monkeypatch.setenv("GITHUB_SHA", OTHER)
    event(here, monkeypatch, "workflow_run", completed())
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "t"]) == 0
    (body,) = bodies(api)
    assert f"<!-- ghmlops:commit commit={COMMIT} run=41 attempt=3 outcome=pass -->" in body
    assert "attempt 3" in body
    assert "https://github.example/acme/shop/actions/runs/41" in body
    assert api.state.dump()["comments"][0]["issue"] == 7


def test_a_head_without_a_pull_request(
    here: Path, api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the head belongs to no pull request, one line says that no comment was written; that is no error."""
    event(here, monkeypatch, "workflow_run", completed(branch="gone"))
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "t"]) == 0
    assert re.search(rf"^no comment written: .* {COMMIT[:12]}", capsys.readouterr().err, re.MULTILINE)
    assert bodies(api) == []


def test_a_stale_commit_is_marked(here: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report on a commit that is no longer the head says so."""
    event(here, monkeypatch, "pull_request", pull_request())
    api.seed(pull_requests=[{"number": 7, "head_sha": OTHER}])
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "t"]) == 0
    (body,) = bodies(api)
    assert "> **Stale:** " in body
    assert f"https://github.example/acme/shop/commit/{OTHER}" in body


def test_a_new_commit_tells_what_was_said_before(here: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comment is edited for a new head and names the verdict before; a second report on it changes nothing."""
    measured(here, samples.latency(slow=True), samples.regression())
    assert main(["report", "--token", "t", "--pull-request", "7"]) == 1
    api.seed(pull_requests=[{"number": 7, "head_sha": OTHER}])
    monkeypatch.setenv("GITHUB_SHA", OTHER)
    measured(here, samples.latency(), samples.regression(), head_sha=OTHER)
    for _ in range(2):
        assert main(["report", "--token", "t", "--pull-request", "7"]) == 0
        (body,) = bodies(api)
        assert f"[`{COMMIT[:10]}`]" in body
        assert "Stale" not in body
    assert api.state.dump()["comments"][0]["edits"] == 1


def test_a_late_report_does_not_replace_a_newer_one(
    here: Path, api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What already speaks of the head is left alone, and the console says so; so is a later attempt of the same run."""
    api.seed(pull_requests=[{"number": 7, "head_sha": OTHER}])
    monkeypatch.setenv("GITHUB_SHA", OTHER)
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "2")
    measured(here, samples.latency(), samples.regression(), head_sha=OTHER)
    assert main(["report", "--token", "t", "--pull-request", "7"]) == 0
    before = bodies(api)
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "1")
    assert main(["report", "--token", "t", "--pull-request", "7"]) == 0
    monkeypatch.setenv("GITHUB_SHA", COMMIT)
    measured(here, samples.latency(slow=True), samples.regression())
    assert main(["report", "--token", "t", "--pull-request", "7"]) == 1
    assert bodies(api) == before
    output = capsys.readouterr().err
    assert output.count(f"commit {OTHER[:12]}, attempt 2: http") == 2


def test_a_push_has_no_comment(here: Path, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that belongs to no pull request reports that in one line and sends GitHub nothing."""
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "t"]) == 0
    assert "no comment written: " in capsys.readouterr().err
    assert api.state.dump()["requests"] == []


@pytest.mark.parametrize(
    ("mode", "slow", "created"),
    [("always", False, 1), ("changes", False, 0), ("changes", True, 1), ("failures", False, 0), ("failures", True, 1)],
)
def test_when_a_comment_is_created(here: Path, api: Api, mode: str, slow: bool, created: int) -> None:
    """By the mode and the outcome; an existing comment is edited in each mode, so that it is never outdated."""
    arguments = ["report", "--token", "t", "--pull-request", "7", "--comment"]
    measured(here, samples.latency(slow=slow), samples.evidence("regression", [samples.guard("rows", PASS, "ok")]))
    assert main([*arguments, mode]) == int(slow)
    assert len(bodies(api)) == created
    assert main([*arguments, "always"]) == int(slow)
    measured(here, samples.latency(slow=not slow))
    assert main([*arguments, mode]) == int(not slow)
    (body,) = bodies(api)
    assert ("[!TIP]" in body) == slow


def test_a_run_is_announced_above_the_earlier_report(
    here: Path, api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The earlier report stays until the next one replaces both; a late announcement changes nothing."""
    report = ["report", "--token", "t", "--pull-request", "7"]
    assert main([*report, "--measuring", "true", "--comment", "failures"]) == 0
    assert bodies(api) == []
    measured(here, samples.latency(slow=True), samples.regression())
    assert main(report) == 1
    api.seed(pull_requests=[{"number": 7, "head_sha": OTHER}])
    monkeypatch.setenv("GITHUB_SHA", OTHER)
    monkeypatch.setenv("GITHUB_RUN_ID", "43")
    assert main([*report, "--measuring", "true", "--comment", "failures"]) == 0
    (body,) = bodies(api)
    assert body.splitlines()[0] == MARKER
    assert body.index(f"**Measuring** [`{OTHER[:10]}`]") < body.index("[!CAUTION]")
    assert outputs(here)["reason-code"] == "announced"
    measured(here, samples.latency(), samples.regression(), head_sha=OTHER, run_id="43")
    assert main(report) == 0
    (done,) = bodies(api)
    assert "Measuring" not in done
    assert main([*report, "--measuring", "true"]) == 0
    assert bodies(api) == [done]
    assert "comment superseded on pull request #7" in capsys.readouterr().err


def test_the_first_announcement_creates_the_comment(here: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second stage, commit and run are those of the event; the report edits the same comment."""
    monkeypatch.setenv("GITHUB_SHA", OTHER)
    event(here, monkeypatch, "workflow_run", completed())
    assert main(["report", "--token", "t", "--measuring", "true"]) == 0
    (body,) = bodies(api)
    assert f"**Measuring** [`{COMMIT[:10]}`]" in body
    assert "https://github.example/acme/shop/actions/runs/41" in body
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "t"]) == 0
    (body,) = bodies(api)
    assert "[!TIP]" in body


@pytest.mark.parametrize(
    ("arguments", "code", "requests"),
    [(["--comment", "off", "--token", "t"], 0, 0), (["--dry-run", "--token", "t"], 0, 0), ([], 2, 0)],
)
def test_an_announcement_that_is_not_written(
    here: Path, api: Api, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, requests: int
) -> None:
    """Off and dry run send GitHub nothing; without a token it is an error of one line."""
    assert here.is_dir()
    assert main(["report", "--measuring", "true", "--pull-request", "7", *arguments]) == code
    assert len(api.state.dump()["requests"]) == requests
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_report_is_laid_out_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page and job summary render one layout."""
    from ghmlops.commands.report import command

    layouts: list[object] = []
    real = vars(command)["lay_out"]

    def counted(*arguments: Any) -> Any:
        layouts.append(real(*arguments))
        return layouts[-1]

    monkeypatch.setattr(command, "lay_out", counted)
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--comment", "off", "--html", "p.html", "--markdown", "c.md"]) == 0
    assert len(layouts) == 1


def test_no_comment_where_none_is_wanted(here: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """`comment: off` writes none, whatever the event contains."""
    event(here, monkeypatch, "pull_request", {})
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "t", "--comment", "off"]) == 0
    assert bodies(api) == []


def test_a_read_only_token(here: Path, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """The missing permission is named; the files are there all the same."""
    api.seed(tokens={"weak": {"permissions": {"pull_requests": "read", "contents": "read"}}})
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "weak", "--pull-request", "7", "--markdown", "c.md"]) == 2
    output = capsys.readouterr().err
    assert "pull-requests: write" in output
    assert outputs(here)["reason-code"] == "permission-missing"
    assert (here / "c.md").is_file()


def test_somebody_elses_comment_is_left_alone(here: Path, api: Api) -> None:
    """Anybody can paste the marker; only the token's own comment is edited."""
    api.seed(comments=[{"issue": 7, "body": f"{MARKER}\nmine", "login": "mallory"}])
    measured(here, samples.latency(), samples.regression())
    assert main(["report", "--token", "t", "--pull-request", "7"]) == 0
    assert [body.startswith(f"{MARKER}\nmine") for body in bodies(api)] == [True, False]


def test_ten_thousand_findings(here: Path, api: Api) -> None:
    """The comment and the job summary stay within what GitHub takes."""
    measured(here, samples.many_findings(10_000), samples.latency())
    assert main(["report", "--token", "t", "--pull-request", "7"]) == 1
    (body,) = bodies(api)
    assert len(body.encode()) <= 60_000
    assert (here / "summary.md").stat().st_size <= 1_000_002


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
def test_an_event_file_without_a_pull_request(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """One line, exit 2, a hint; an explicit number fixes it."""
    event(here, monkeypatch, name, {"repository": {}})
    measured(here, samples.latency(), samples.regression())
    assert main(["report"]) == 2
    output = capsys.readouterr().err
    assert f"event.json of a {name} event" in output
    assert "--pull-request" in output
    assert output.count("\n") == 1
    assert main(["report", "--pull-request", "7"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--artifact-url", "javascript:alert(1)"],
            "input `artifact-url`: expected an http or https address",
        ),
        (
            ["--page-url", "file:///etc/passwd"],
            "input `page-url`: expected an http or https address",
        ),
        (["--pull-request", "0"], "input `pull-request`: 0 is not a pull request"),
        (["--pull-request", "x"], "input `pull-request`: expected a whole number"),
        (["--markdown", "c.md/x", "--html", "c.md"], "cannot write"),
        (["--html", "."], "cannot write"),
    ],
)
def test_bad_inputs(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """One line that names the input, exit 2."""
    measured(here, samples.latency(), samples.regression())
    assert main(["report", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_bad_policy(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy that is there must be valid."""
    (here / ".github/ghmlops.yml").write_text("version: 1\nservice: x\nlatencyy: {}\n")
    measured(here, samples.latency())
    assert main(["report"]) == 2
    assert "latency" in capsys.readouterr().err


def test_help_and_a_report_without_a_token_stay_light(here: Path) -> None:
    """Neither loads an engine or the client of GitHub; judging evidence again needs statistics only."""
    measured(here, samples.latency())
    heavy = "{'pandas', 'pyarrow', 'duckdb', 'github', 'requests'}"
    for arguments in (["report", "--help"], ["report", "--html", "p.html", "--junit", "j.xml"]):
        script = f"""
import sys
from ghmlops.cli import main
from ghmlops.core.model import Outcome
try:
    code = main({arguments!r})
except SystemExit as error:
    code = error.code
sys.exit(code or ', '.join(sorted({heavy} & set(sys.modules))) or None)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
