"""The demo's parts, one by one: data, environment, promises, screen, scratch repository."""

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
sys.path.insert(0, str(SCRIPTS))  # the scripts are no package that could be installed

from demo_flights import children, flights, project, promises, screen  # noqa: E402

SHA, OTHER = "a" * 40, "b" * 40
SPAN = flights.Span(known=date(2013, 1, 2), held_out=date(2013, 1, 4), end=date(2013, 1, 6))


def raw_flights() -> pa.Table:
    """Six flights on consecutive days from 1 January 2013, a Tuesday; the fourth never arrived."""
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


def test_flights_outside_the_span_and_flights_that_never_arrived_are_left_out() -> None:
    """The span's ends are inclusive and exclusive; a flight without an arrival delay has no label."""
    assert flights.prepare(raw_flights(), SPAN)["id"].to_pylist() == [1, 2, 4]


def test_late_begins_after_fifteen_minutes() -> None:
    """15 minutes are not late, 16 are."""
    assert flights.prepare(raw_flights(), SPAN)["late"].to_pylist() == [False, True, True]


def test_held_out_flights_are_the_later_ones() -> None:
    """The sides are split by day, so that the model never learns from the future."""
    assert flights.prepare(raw_flights(), SPAN)["held_out"].to_pylist() == [False, False, True]


def test_weekdays_count_from_monday() -> None:
    """2, 3 and 5 January 2013 were a Wednesday, a Thursday and a Saturday."""
    assert flights.prepare(raw_flights(), SPAN)["weekday"].to_pylist() == [3, 4, 6]


def test_payloads_are_held_out_flights_without_their_label() -> None:
    """A request holds what is known at departure, and nothing that the model is to find out."""
    (line,) = flights.payloads(flights.prepare(raw_flights(), SPAN)).splitlines()
    assert set(flights.FEATURES) == set(json.loads(line))
    assert json.loads(line)["dest"] == "BOS"


def test_the_data_set_is_real_and_whole() -> None:
    """The package's table holds all 336,776 flights of the year."""
    raw = flights.read(flights.data_file())
    assert raw.num_rows == 336_776
    held_out = flights.prepare(raw, flights.WHOLE_YEAR)["held_out"]
    assert sum(held_out.to_pylist()) == 53_991


def test_a_missing_data_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is absent, the sentence says which one."""
    monkeypatch.setattr(flights, "PACKAGE", "no-such-data-package")
    with pytest.raises(children.DemoError, match="no-such-data-package is not installed"):
        flights.data_file()


def test_no_account_reaches_the_children() -> None:
    """Variables of GitHub, of its runner and of git are not inherited; PATH begins with the demo's Python."""
    dirty = dict.fromkeys(("GITHUB_TOKEN", "GH_TOKEN", "GHMLOPS_TOKEN", "RUNNER_TEMP", "GIT_DIR", "PYTHONPATH"), "x")
    clean = children.clean_environment({**dirty, "HOME": "/h", "PATH": "/bin"}, Path("/env/bin/python"))
    assert not set(dirty) & set(clean)
    assert clean["HOME"] == "/h"
    assert f"/env/bin{os.pathsep}/bin" == clean["PATH"]
    assert os.devnull == clean["GIT_CONFIG_GLOBAL"]


def runs() -> children.Children:
    """Children with this test's own environment, cleaned."""
    return children.Children(environment=children.clean_environment(os.environ, children.interpreter()))


def test_a_failed_child_is_quoted(tmp_path: Path) -> None:
    """The error holds the exit code and the tail of what the child said."""
    with pytest.raises(children.DemoError, match=r"(?s)exit code 3.*it broke"):
        runs().succeed([sys.executable, "-c", "import sys; print('it broke', file=sys.stderr); sys.exit(3)"], tmp_path)


def test_a_child_that_hangs_is_ended(tmp_path: Path) -> None:
    """The time limit ends the child and says so."""
    with pytest.raises(children.DemoError, match="did not end within"):
        runs().run([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, timeout=0.2)


def test_ending_a_stubborn_child_kills_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ignores the request is killed after the grace, and the demo's own signal handlers come back."""
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
    """A finding about a slice."""
    return Finding(id="x", metric="auc", outcome=outcome, reason="r", docs="d", slice=dict(where))


def evidence(command: str, *findings: Finding, sha: str = SHA) -> Evidence:
    """Evidence with these findings."""
    origin = Provenance(repository="acme/late-flights", head_sha=sha)
    return Evidence(command=command, outcome=Outcome.FAIL, provenance=origin, findings=list(findings))


BROKEN_SLICE = finding(Outcome.FAIL, origin="LGA", carrier="WN")
SLOW = evidence("latency", finding(Outcome.FAIL))
BROKEN = evidence("regression", finding(Outcome.FAIL), finding(Outcome.FAIL, carrier="WN"), BROKEN_SLICE)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([SLOW, BROKEN], ""),
        ([BROKEN], "no finding of `latency` failed"),
        ([SLOW], "no failed finding of `regression` names the broken slice origin = LGA, carrier = WN"),
        ([SLOW, evidence("regression", finding(Outcome.FAIL))], "names the broken slice"),
        ([SLOW, evidence("regression", finding(Outcome.FAIL, origin="LGA"))], "names the broken slice"),
        ([SLOW, evidence("regression", finding(Outcome.WARN, origin="LGA", carrier="WN"))], "names the broken slice"),
        ([SLOW, BROKEN, evidence("regression", finding(Outcome.FAIL, origin="JFK"))], "which nothing broke"),
        ([SLOW, BROKEN, evidence("regression", finding(Outcome.FAIL, origin="LGA", carrier="AA"))], "nothing broke"),
        ([SLOW, BROKEN, evidence("latency", sha=OTHER)], "another commit"),
        ([], "names the broken slice"),
    ],
)
def test_the_bad_candidate_must_fail_for_the_right_reasons(given: list[Evidence], complaint: str) -> None:
    """A failure counts only where it names the broken slice, spares the others, and latency failed as well."""
    wrong = "; ".join(promises.bad_failed(given, SHA))
    assert bool(complaint) == bool(wrong)
    assert complaint in wrong


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_pass_and_warn_deploy_and_only_fail_reverts(outcome: Outcome) -> None:
    """`error` and `inconclusive` are neither a passed gate nor a failure that was shown."""
    verdict = Verdict(commit=SHA, outcome=outcome, reason_code="c", reason="r", findings=[], evidence=[])
    assert (outcome in (Outcome.PASS, Outcome.WARN)) == (not promises.fair_passed(verdict, SHA))
    assert (outcome is Outcome.FAIL) == (not promises.deployment_refused(verdict, SHA))
    assert promises.fair_passed(verdict, OTHER)
    assert promises.deployment_refused(verdict, OTHER)


def test_the_screen_writes_no_control_characters() -> None:
    """Steps are numbered, take their seconds from the clock, and hold nothing that moves a cursor."""
    stream = io.StringIO()
    ticks = iter([10.0, 12.5])
    shown = screen.Screen(stream=stream, clock=lambda: next(ticks), steps=2)
    with shown.step("First"):
        shown.say("evil \x1b[2J text")
    assert stream.getvalue() == "[1/2] First\n      evil  [2J text\n      done in 2.5 s\n"


def test_the_table_keeps_its_columns() -> None:
    """Names and texts stand below each other, also where a text is wrapped."""
    lines = screen.table([("a", "word " * 40), ("longer", "x")]).splitlines()
    assert lines[-1] == "  longer  x"
    assert all(line.startswith(" " * 10) for line in lines[1:-1])
    assert max(map(len, lines)) <= screen.WIDTH


@pytest.fixture
def scratch(tmp_path: Path) -> project.Project:
    """A scratch project over 6,000 real flights."""
    span = flights.Span(known=date(2013, 9, 1), held_out=date(2013, 9, 5), end=date(2013, 9, 8))
    prepared = flights.prepare(flights.read(flights.data_file()), span)
    flights.write(prepared, tmp_path / "flights.parquet")
    return project.Project(
        clone=tmp_path / "late-flights",
        remote=tmp_path / "acme" / "late-flights.git",
        cache=tmp_path / "cache",
        flights=tmp_path / "flights.parquet",
        children=runs(),
    )


def test_the_scratch_repository_holds_a_commit_for_each_candidate(scratch: project.Project) -> None:
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
    """Names of the files that a commit changed."""
    return scratch.git("diff-tree", "--no-commit-id", "--name-only", "-r", built.commit).splitlines()


def test_a_model_is_trained_once_for_the_same_code_and_data(scratch: project.Project) -> None:
    """A second run finds the first one's result, an unfinished one is not taken for it."""
    scratch.create("{}\n")
    folder = scratch.train()
    written = (folder / project.MODEL).stat().st_mtime_ns
    assert written == (scratch.train() / project.MODEL).stat().st_mtime_ns
    folder.rename(folder.with_suffix(".part"))
    assert written != (scratch.train() / project.MODEL).stat().st_mtime_ns
    other = replace(scratch, flights=scratch.clone / "requests.jsonl")
    assert scratch.fingerprint() != other.fingerprint()


def test_the_policy_of_the_scratch_repository_is_valid() -> None:
    """The strict reader takes it, and it asks for both pillars."""
    path = project.HERE / "late-flights" / ".github" / "ghmlops.yml"
    assert read_policy(path.read_text(), str(path)).required == ("latency", "regression")


def features() -> ModuleType:
    """The module that the scratch repository's code imports as `features`."""
    spec = importlib.util.spec_from_file_location(
        "late_flights_features", project.HERE / "late-flights" / "features.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_features_are_the_same_for_training_and_serving() -> None:
    """One row: the delay, four numbers, three codes; a code never seen is -1."""
    flight: dict[str, Any] = {"dep_delay": 7, "distance": 200, "hour": 9, "month": 11, "weekday": 1}
    words = {"carrier": {"UA": 3}, "origin": {"LGA": 2}, "dest": {"BOS": 1}}
    row = features().row({**flight, "carrier": "UA", "origin": "LGA", "dest": "XXX"}, words)
    assert row == [7.0, 200.0, 9.0, 11.0, 1.0, 3, 2, -1.0]
