"""The parts of the demo: data, environment, expectations, output, scratch repository."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from ghmlops.core.evidence.document import Evidence, Provenance, Verdict
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policyfile.document import read_policy

if TYPE_CHECKING:
    from types import ModuleType

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))  # the scripts are not an installed package

from demo_flights import before_traffic, children, flights, project, promises, screen  # noqa: E402

SHA, OTHER = "a" * 40, "b" * 40
SPAN = flights.Span(start=date(2013, 1, 2), held_out=date(2013, 1, 4), end=date(2013, 1, 6))


def raw_flights() -> pa.Table:
    """Return six flights on consecutive days from 1 January 2013, a Tuesday; the fourth never arrived."""
    days = range(1, 7)
    return pa.table(
        {
            "year": [2013] * 6,
            "month": [1] * 6,
            "day": list(days),
            "dep_delay": [0, 5, -3, None, 40, 0],
            "arr_delay": [0, 15, 16, None, 60, 0],
            "carrier": ["UA", "AA", "UA", "B6", "B6", "UA"],
            "origin": ["LGA", "JFK", "EWR", "LGA", "JFK", "EWR"],
            "dest": ["IAH", "MIA", "ORD", "IAH", "BOS", "ORD"],
            "distance": [1400, 1089, 719, 1400, 187, 719],
            "hour": [5, 6, 7, 8, 9, 10],
            "time_hour": [datetime(2013, 1, day, 10, tzinfo=UTC) for day in days],
        }
    )


def test_only_arrived_flights_of_the_span_are_used() -> None:
    """The span includes its start and excludes its end; a flight without an arrival delay has no label."""
    assert flights.prepare(raw_flights(), SPAN)["id"].to_pylist() == [1, 2, 4]


def test_late_begins_after_fifteen_minutes() -> None:
    """15 minutes are not late, 16 are."""
    assert flights.prepare(raw_flights(), SPAN)["late"].to_pylist() == [False, True, True]


def test_held_out_flights_are_the_later_ones() -> None:
    """Training and held-out flights are split by day, so that the model does not learn from later days."""
    assert flights.prepare(raw_flights(), SPAN)["held_out"].to_pylist() == [False, False, True]


def test_weekdays_count_from_monday() -> None:
    """2, 3 and 5 January 2013 were a Wednesday, a Thursday and a Saturday."""
    assert flights.prepare(raw_flights(), SPAN)["weekday"].to_pylist() == [3, 4, 6]


def test_payloads_are_held_out_flights_without_their_label() -> None:
    """A request contains the features at departure, and not the label."""
    (line,) = flights.payloads(flights.prepare(raw_flights(), SPAN)).splitlines()
    assert set(flights.FEATURES) == set(json.loads(line))
    assert json.loads(line)["dest"] == "BOS"


def test_the_data_set_is_complete() -> None:
    """The table of the package contains all 336,776 flights of the year."""
    raw = flights.read(flights.data_file())
    assert raw.num_rows == 336_776
    held_out = flights.prepare(raw, flights.WHOLE_YEAR)["held_out"]
    assert sum(held_out.to_pylist()) == 53_991


def test_a_missing_data_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the package is not installed, the error names it."""
    monkeypatch.setattr(flights, "PACKAGE", "no-such-data-package")
    with pytest.raises(children.DemoError, match="no-such-data-package is not installed"):
        flights.data_file()


def test_children_do_not_inherit_credentials() -> None:
    """Variables of GitHub, of its runner and of git are not inherited; PATH starts with the Python of the demo."""
    dirty = dict.fromkeys(("GITHUB_TOKEN", "GH_TOKEN", "GHMLOPS_TOKEN", "RUNNER_TEMP", "GIT_DIR", "PYTHONPATH"), "x")
    clean = children.clean_environment({**dirty, "HOME": "/h", "PATH": "/bin"}, Path("/env/bin/python"))
    assert not set(dirty) & set(clean)
    assert clean["HOME"] == "/h"
    assert f"/env/bin{os.pathsep}/bin" == clean["PATH"]
    assert os.devnull == clean["GIT_CONFIG_GLOBAL"]


def runs() -> children.Children:
    """Return children with the cleaned environment of this test."""
    return children.Children(environment=children.clean_environment(os.environ, children.interpreter()))


def test_a_failed_child_is_quoted(tmp_path: Path) -> None:
    """The error contains the exit code and the end of the output of the child."""
    with pytest.raises(children.DemoError, match=r"(?s)exit code 3.*it broke"):
        runs().succeed([sys.executable, "-c", "import sys; print('it broke', file=sys.stderr); sys.exit(3)"], tmp_path)


def test_a_child_is_terminated_at_the_time_limit(tmp_path: Path) -> None:
    """The child is terminated at the time limit, and the error says so."""
    with pytest.raises(children.DemoError, match="did not end within"):
        runs().run([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, timeout=0.2)


def test_ending_a_stubborn_child_kills_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ignores SIGTERM is killed after the grace period, and the signal handlers are restored."""
    monkeypatch.setattr(children, "GRACE", 0.2)
    before = signal.getsignal(signal.SIGINT)
    program = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        children.end(child)
        assert child.returncode == -signal.SIGKILL
    assert before == signal.getsignal(signal.SIGINT)


def finding(outcome: Outcome, **where: str) -> Finding:
    """Return a finding about a slice."""
    return Finding(id="x", metric="auc", outcome=outcome, reason="r", docs="d", slice=dict(where))


def evidence(command: str, *findings: Finding, sha: str = SHA) -> Evidence:
    """Return evidence with these findings."""
    origin = Provenance(repository="acme/late-flights", head_sha=sha)
    return Evidence(command=command, outcome=Outcome.FAIL, provenance=origin, findings=list(findings))


BROKEN_SLICE = finding(Outcome.FAIL, origin="LGA", carrier="WN")
SLOW = evidence("latency", finding(Outcome.FAIL))
BROKEN = evidence("regression", finding(Outcome.FAIL), finding(Outcome.FAIL, carrier="WN"), BROKEN_SLICE)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([SLOW, BROKEN], ""),
        ([BROKEN], "no finding of `latency` failed"),
        ([SLOW], "no failed finding of `regression` names the broken slice origin = LGA, carrier = WN"),
        ([SLOW, evidence("regression", finding(Outcome.FAIL))], "names the broken slice"),
        ([SLOW, evidence("regression", finding(Outcome.FAIL, origin="LGA"))], "names the broken slice"),
        ([SLOW, evidence("regression", finding(Outcome.WARN, origin="LGA", carrier="WN"))], "names the broken slice"),
        ([SLOW, BROKEN, evidence("regression", finding(Outcome.FAIL, origin="JFK"))], "unaffected slice origin = JFK"),
        (
            [SLOW, BROKEN, evidence("regression", finding(Outcome.FAIL, origin="LGA", carrier="AA"))],
            "unaffected slice origin = LGA, carrier = AA",
        ),
        ([SLOW, BROKEN, evidence("latency", sha=OTHER)], "another commit"),
        ([], "names the broken slice"),
    ],
)
def test_the_bad_candidate_must_fail_for_the_right_reasons(files: list[Evidence], message: str) -> None:
    """The failure counts only if it names the broken slice and no other, and latency failed too."""
    failed = "; ".join(promises.bad_failed(files, SHA))
    assert bool(message) == bool(failed)
    assert message in failed


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_pass_and_warn_deploy_and_only_fail_reverts(outcome: Outcome) -> None:
    """`error` and `inconclusive` neither pass the gate nor count as a failure."""
    verdict = Verdict(commit=SHA, outcome=outcome, reason_code="c", reason="r", findings=[], evidence=[])
    assert (outcome in (Outcome.PASS, Outcome.WARN)) == (not promises.fair_passed(verdict, SHA))
    assert (outcome is Outcome.FAIL) == (not promises.deployment_refused(verdict, SHA))
    assert promises.fair_passed(verdict, OTHER)
    assert promises.deployment_refused(verdict, OTHER)


def test_the_screen_writes_no_control_characters() -> None:
    """Steps are numbered, their durations come from the clock, and control characters are removed."""
    stream = io.StringIO()
    ticks = iter([10.0, 12.5])
    output = screen.Screen(stream=stream, clock=lambda: next(ticks), steps=2)
    with output.step("First"):
        output.say("evil \x1b[2J text")
    assert stream.getvalue() == "\n".join(["[1/2] First", "      evil  [2J text", "      done in 2.5 s", ""])


def test_the_table_keeps_its_columns() -> None:
    """Names and texts are aligned in columns, even if a text is wrapped."""
    lines = screen.table([("a", "word " * 40), ("longer", "x")]).splitlines()
    assert lines[-1] == "  longer  x"
    assert all(line.startswith(" " * 10) for line in lines[1:-1])
    assert max(map(len, lines)) <= screen.WIDTH


@pytest.fixture
def scratch(tmp_path: Path) -> project.Project:
    """Return a scratch project with 6,000 real flights."""
    span = flights.Span(start=date(2013, 9, 1), held_out=date(2013, 9, 5), end=date(2013, 9, 8))
    prepared = flights.prepare(flights.read(flights.data_file()), span)
    flights.write(prepared, tmp_path / "flights.parquet")
    return project.Project(
        clone=tmp_path / "late-flights",
        remote=tmp_path / "acme" / "late-flights.git",
        cache=tmp_path / "cache",
        flights=tmp_path / "flights.parquet",
        children=runs(),
    )


def test_the_scratch_repository_has_one_commit_per_candidate(scratch: project.Project) -> None:
    """Each candidate is one commit on its own branch of the remote: its code, and the model that this code trains."""
    base = scratch.create('{"a": 1}\n')
    fair = scratch.propose(project.FAIR)
    bad = scratch.propose(project.BAD)
    log = scratch.git("log", "--reverse", "--format=%H %s", "origin/bad").splitlines()
    assert [f"{base.commit} Serve the first model"] == log[:1]
    assert [f"{fair.commit} {project.FAIR.message}", f"{bad.commit} {project.BAD.message}"] == log[1:]
    assert changed(scratch, fair) == ["model.joblib", "recipe.json"]
    assert changed(scratch, bad) == ["features.py", "model.joblib", "serve.py"]
    assert scratch.git("status", "--porcelain") == ""
    assert scratch.git("rev-parse", f"{base.commit}^{{tree}}") == scratch.tree_on_remote("main")
    assert len({built.predictions.read_bytes() for built in (base, fair, bad)}) == 3


def changed(scratch: project.Project, built: project.Built) -> list[str]:
    """Return the names of the files that a commit changed."""
    return scratch.git("diff-tree", "--no-commit-id", "--name-only", "-r", built.commit).splitlines()


def test_a_model_is_trained_once_for_the_same_code_and_data(scratch: project.Project) -> None:
    """A second run reuses the cached result, but not that of an unfinished training."""
    scratch.create("{}\n")
    folder = scratch.train()
    written = (folder / project.MODEL).stat().st_mtime_ns
    assert written == (scratch.train() / project.MODEL).stat().st_mtime_ns
    folder.rename(folder.with_suffix(".part"))
    assert written != (scratch.train() / project.MODEL).stat().st_mtime_ns
    other = replace(scratch, flights=scratch.clone / "requests.jsonl")
    assert scratch.fingerprint() != other.fingerprint()


def test_the_policy_of_the_scratch_repository_is_valid() -> None:
    """The strict reader accepts it, and it requires both pillars."""
    path = project.HERE / "late-flights" / ".github" / "ghmlops.yml"
    assert read_policy(path.read_text(), str(path)).required == ("latency", "regression")


def features() -> ModuleType:
    """Return the module that the code of the scratch repository imports as `features`."""
    spec = importlib.util.spec_from_file_location(
        "late_flights_features", project.HERE / "late-flights" / "features.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_features_are_the_same_for_training_and_serving() -> None:
    """One row: the delay, four numbers, three codes; an unknown code is -1."""
    flight: dict[str, Any] = {"dep_delay": 7, "distance": 200, "hour": 9, "month": 11, "weekday": 1}
    words = {"carrier": {"UA": 3}, "origin": {"LGA": 2}, "dest": {"BOS": 1}}
    row = features().row({**flight, "carrier": "UA", "origin": "LGA", "dest": "XXX"}, words)
    assert row == [7.0, 200.0, 9.0, 11.0, 1.0, 3, 2, -1.0]


GOOD_RUNGS = [{"share": share, "passed": True} for share in (0.05, 0.25, 1.0)]
STOPPED = {"rungs": [GOOD_RUNGS[0], {"share": 0.25, "passed": False}], "reason_code": "errors-above-objective"}


@pytest.mark.parametrize(
    ("good", "bad", "count"),
    [
        ({"rungs": GOOD_RUNGS}, STOPPED, 0),
        ({"rungs": GOOD_RUNGS[:2]}, STOPPED, 1),
        ({"rungs": GOOD_RUNGS}, {**STOPPED, "rungs": GOOD_RUNGS}, 1),
        ({"rungs": GOOD_RUNGS}, {**STOPPED, "reason_code": "environment"}, 1),
    ],
)
def test_promises_of_the_last_act(good: dict[str, Any], bad: dict[str, Any], count: int) -> None:
    """Each expectation that does not hold is one message."""
    assert len(promises.stopped_at_a_quarter(good, bad)) == count


def test_one_recorded_trip_receives_another_answer(tmp_path: Path) -> None:
    """The change concerns one of the recorded requests; a service without the line that it replaces is refused."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "serve.py").write_text((SCRIPTS / "demo_flights/late-flights/serve.py").read_text())
    trips = ["IAH", "MIA", "IAH", "ORD", "ORD"]
    bodies = [{"carrier": "UA", "origin": "LGA", "dest": dest, "distance": 100} for dest in trips]
    (clone / "requests.jsonl").write_text("".join(json.dumps(body) + "\n" for body in bodies))
    before_traffic.write_versions(tmp_path, clone)
    texts = [(tmp_path / name / "serve.py").read_text() for name in ("baseline", "candidate")]
    assert "('UA', 'LGA', 'MIA')" not in texts[0]
    assert "('UA', 'LGA', 'MIA')" in texts[1]
    compile(texts[1], "serve.py", "exec")
    (clone / "serve.py").write_text("")
    with pytest.raises(children.DemoError, match=r"serve\.py"):
        before_traffic.write_versions(tmp_path / "again", clone)


def test_a_fault_that_was_not_found_ends_the_demo(tmp_path: Path) -> None:
    """Evidence without the expected finding is an error that lists what was found."""
    (tmp_path / "evidence").mkdir()
    finding = {"id": "synthetic-number-spelling", "outcome": "pass", "reason": "fine"}
    (tmp_path / "evidence/synthetic.json").write_text(json.dumps({"findings": [finding]}))
    commands: list[str] = []
    urls = {"candidate": "http://127.0.0.1:1", "baseline": "http://127.0.0.1:2"}
    with pytest.raises(children.DemoError, match="number-spelling"):
        before_traffic.compare(tmp_path, urls, lambda command, _: commands.append(command))
    assert commands == ["synthetic", "shadow"]
