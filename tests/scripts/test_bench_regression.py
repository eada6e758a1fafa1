"""The regression benchmark: artifacts match their truth, wrong results of a diff are rejected, goals are judged."""

# ruff: noqa: S608  (all names in the SQL come from the test)
from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from sklearn.metrics import log_loss, roc_auc_score  # type: ignore[import-untyped]

from ghmlops.core.policyfile.document import read_policy

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))  # the scripts are not an installed package

from bench.loadbench.child import BenchError
from bench.regressionbench import generate, install, main, measure, ours, peers, tables
from bench.regressionbench.data import COLUMNS, MINIMUM_ROWS, SIDES, SLICES, Artifacts, Size, rows_of
from bench.regressionbench.peers import LIMITED, OURS, PEERS, Record, Tool

SCRIPTS = Path(__file__).parents[2] / "scripts"
ROWS = 20_000


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """Return artifacts of three files per side."""
    return generate.generated(tmp_path_factory.mktemp("artifacts"), Size(rows=ROWS, files=3, seed=7))


@pytest.mark.parametrize("count", [1, 2, 3, 255, 256, 257, 10_007])
def test_an_order_is_a_bijection(count: int) -> None:
    """Every number occurs once, whatever the count; another seed gives another order."""
    numbers = np.arange(count, dtype=np.uint64)
    first, second = (generate.shuffled(numbers, count, seed) for seed in (1, 2))
    assert sorted(first.tolist()) == sorted(second.tolist()) == numbers.tolist()
    assert count < 255 or (first != second).mean() > 0.9
    assert count < 255 or abs(np.corrcoef(first.astype(float), numbers.astype(float))[0, 1]) < 0.2


def test_the_artifacts_have_the_documented_properties(artifacts: Artifacts) -> None:
    """14 columns, zstd, several files, plain text columns, unique keys, one in a thousand missing and one new."""
    keys = {}
    for side in SIDES:
        files = [pq.ParquetFile(file) for file in artifacts.files(side)]
        assert [file.schema_arrow.names for file in files] == [list(generate.schema().names)] * 3
        assert {file.metadata.row_group(0).column(0).compression for file in files} == {"ZSTD"}
        assert str(files[0].schema_arrow.field("device").type) == "string"
        assert str(files[0].schema_arrow.field("event_time").type) == "timestamp[us, tz=UTC]"
        keys[side] = [key for file in files for key in file.read(["id"])["id"].to_pylist()]
        assert len(keys[side]) == len(set(keys[side])) == ROWS
    assert len(generate.schema().names) == 14
    assert (
        len(set(keys["baseline"]) - set(keys["candidate"])) == len(set(keys["candidate"]) - set(keys["baseline"])) == 20
    )
    assert keys["baseline"][:50] != keys["candidate"][:50] != sorted(keys["candidate"])[:50]


def test_the_truth_equals_the_result_of_a_join(artifacts: Artifacts) -> None:
    """Counts, metrics, slices and windows equal those by DuckDB and scikit-learn; pairs differ only in predictions."""
    tables_of = {side: f"read_parquet('{artifacts.path(side)}/*.parquet')" for side in SIDES}
    same = " AND ".join(f"a.{c} = b.{c}" for c in generate.schema().names if c not in ("p_click", "y_pred"))
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"CREATE TABLE pairs AS SELECT a.*, b.p_click AS other, b.y_pred AS says, {same} AS same "
            f"FROM {tables_of['baseline']} a JOIN {tables_of['candidate']} b USING (id)"
        )
        pairs = connection.execute("SELECT clicked, p_click, other, y_pred, says, same FROM pairs").fetchnumpy()

        def cells(by: str) -> int:
            counts = f"SELECT count(*) AS n FROM pairs GROUP BY {by}"
            row = connection.execute(f"SELECT count(*) FROM ({counts}) WHERE n >= {MINIMUM_ROWS}").fetchone()
            assert row is not None
            return int(row[0])

        slices, windows = sum(cells(", ".join(by)) for by in SLICES), cells("date_trunc('day', event_time)")
    assert pairs["same"].all()
    assert np.array_equal(pairs["y_pred"], pairs["p_click"] >= 0.5)
    expected: dict[str, float] = {
        "rows_baseline": ROWS,
        "rows_candidate": ROWS,
        "paired": len(pairs["clicked"]),
        "missing": ROWS - len(pairs["clicked"]),
        "added": ROWS - len(pairs["clicked"]),
        "decision_changes": int((pairs["y_pred"] != pairs["says"]).sum()),
        "slices": slices,
        "windows": windows,
    }
    for side, score, decision in (("baseline", "p_click", "y_pred"), ("candidate", "other", "says")):
        expected[f"accuracy_{side}"] = float((pairs[decision] == pairs["clicked"]).mean())
        expected[f"log_loss_{side}"] = float(log_loss(pairs["clicked"], pairs[score]))
        expected[f"auc_{side}"] = float(roc_auc_score(pairs["clicked"], pairs[score]))
    assert artifacts.truth() == pytest.approx(expected, abs=1e-6)
    assert peers.check_facts(OURS, expected, artifacts.truth()) == ""


def test_files_are_reused_for_the_same_parameters(tmp_path: Path) -> None:
    """The same seed gives the same bytes; complete artifacts are not written again; another seed replaces them."""
    size = Size(rows=3000, files=1)
    first, second = (generate.generated(tmp_path / name, size) for name in ("a", "b"))
    assert [f.read_bytes() for f in first.files("candidate")] == [f.read_bytes() for f in second.files("candidate")]
    before = first.path("baseline").stat().st_mtime_ns
    assert generate.generated(tmp_path / "a", size).path("baseline").stat().st_mtime_ns == before
    first.path("candidate").unlink()
    generate.generated(tmp_path / "a", size)
    assert first.path("candidate").read_bytes() == second.path("candidate").read_bytes()
    other = generate.generated(tmp_path / "a", replace(size, seed=1))
    assert other.path("candidate").read_bytes() != second.path("candidate").read_bytes()


def is_available(tool: Tool) -> bool:
    """Return whether the Python of the tests can run a peer."""
    return not tool.module or importlib.util.find_spec(tool.module) is not None


@pytest.mark.parametrize("tool", [t for t in PEERS if is_available(t)], ids=lambda t: t.name)
def test_peers_agree_with_the_truth(tool: Tool, artifacts: Artifacts, tmp_path: Path) -> None:
    """Each installed peer reports the truth of folders; wall time, processor time and memory are measured."""
    figures, facts = peers.measure(tool, sys.executable, artifacts, tmp_path, 120)
    assert set(tool.gives) <= facts.keys()
    assert figures.keys() == {"wall", "cpu", "peak"}
    assert min(figures.values()) > 0


@pytest.mark.parametrize(
    ("fact", "value", "message"),
    [
        ("decision_changes", 1, "decision_changes is "),
        ("paired", 1, "paired is "),
        ("windows", -1, "windows is "),
        ("accuracy_candidate", 1e-8, "accuracy_candidate is "),
        ("auc_baseline", 1e-4, "auc_baseline is "),
        ("log_loss_baseline", math.nan, "log_loss_baseline is nan"),
        ("added", None, "added is missing"),
    ],
)
def test_wrong_facts_are_rejected(artifacts: Artifacts, fact: str, value: float | None, message: str) -> None:
    """One row too many, a mean that differs by 1e-8, a NaN, or a missing fact is rejected."""
    truth = dict(artifacts.truth())
    changed = {name: n for name, n in truth.items() if name != fact}
    changed |= {} if value is None else {fact: truth[fact] + value}
    assert peers.check_facts(OURS, truth, truth) == ""
    assert peers.check_facts(OURS, changed, truth).startswith(message)


def printing(text: str, code: int = 0, name: str = "pandas") -> Tool:
    """Return a row whose diff is a process that prints `text`."""
    command = [sys.executable, "-c", f"import sys; print({text!r}); sys.exit({code})"]
    return replace(next(t for t in PEERS if t.name == name), command=lambda *_: command)


def test_a_wrong_diff_has_no_time(artifacts: Artifacts) -> None:
    """A diff with a wrong count, a failure, or unreadable output has an error and no figures, and is not run again."""
    truth = dict(artifacts.truth())
    right, wrong = printing(json.dumps(truth)), printing(json.dumps(truth | {"missing": 19}))
    for tool, message in (
        (wrong, "missing is 19, expected 20"),
        (printing("no JSON"), "its output cannot be read: JSONDecodeError"),
        (printing("out of memory", code=1), "exit code 1: out of memory"),
    ):
        runs = list(main.rounds(artifacts, [(tool, sys.executable)], 2, 60))
        assert [run.figures for run in runs] == [{}, {}]
        assert runs[0].error.startswith(message)
        assert runs[1].error.startswith(f"not run again after: {message}")
    runs = list(main.rounds(artifacts, [(right, sys.executable)], 2, 60))
    assert [(run.error, run.facts) for run in runs] == [("", truth)] * 2
    assert all(run.figures["wall"] > 0 for run in runs)


def test_a_process_is_measured(tmp_path: Path) -> None:
    """Code, output, wall and processor time, and peak memory are measured; a time limit or a signal is an error."""
    work = "import sys, time\nx = bytearray(200_000_000)\nend = time.process_time() + 0.3\n"
    work += "while time.process_time() < end: pass\nprint('out'); sys.exit(3)"
    result = measure.run_measured([sys.executable, "-c", work], timeout=60, cwd=tmp_path)
    assert (result.code, result.out) == (3, "out\n")
    assert result.wall >= 0.3 <= result.cpu
    assert result.peak >= 200_000_000
    for command, pattern in (
        ([sys.executable, "-c", "import time; time.sleep(600)"], "did not end within 0.3 s"),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], "ended by SIGKILL .* memory"),
        (["/nonexistent/tool"], "tool cannot be started"),
    ):
        with pytest.raises(BenchError, match=pattern):
            measure.run_measured(command, timeout=0.3 if "sleep" in command[-1] else 60, cwd=tmp_path)


def run(number: int, tool: str, wall: float, error: str = "", size: str = "10M") -> Record:
    """Return a run with a wall time."""
    figures = {} if error else {"wall": wall, "cpu": 2 * wall, "peak": 100 * wall}
    return Record(size=size, round=number, tool=tool, figures=figures, error=error)


def test_goals_are_paired_within_the_round() -> None:
    """A ratio is formed in each round that has both, the median counts; unmeasured goals are neither met nor missed."""
    goal = next(g for g in tables.GOALS if g.over == "scan")
    runs = [run(0, "ours", 6.0), run(0, "scan", 2.0), run(1, "ours", 40.0), run(1, "scan", 10.0), run(2, "ours", 1.0)]
    runs += [run(2, "scan", 0.0, "it broke"), run(3, "ours", 6.0), run(3, "scan", 2.0)]
    result = tables.judge(runs, goal)
    assert (result["n"], result["low"], result["median"], result["high"], result["met"]) == (3, 3.0, 3.0, 4.0, True)
    assert result["cpu_median"] == 3.0
    assert tables.judge([run(0, "ours", 8.0), run(0, "scan", 2.0)], goal)["met"] is False
    assert tables.judge(runs[:1], goal)["met"] is None
    assert "not measured" in tables.goal_table([tables.judge([], goal)])
    assert "round 3, scan: not measured, " in tables.size_table(runs, "10M")


def test_a_minimum_ratio() -> None:
    """`>= 4 x ours` is met by a peer that takes four times as long, only at the size of the goal."""
    goal = next(g for g in tables.GOALS if g.row == "pandas")
    for wall, size, met in ((8.0, "10M", True), (7.9, "10M", False), (8.0, "1M", None)):
        runs = [run(0, "ours", 2.0, size=size), run(0, "pandas", wall, size=size)]
        assert tables.judge(runs, goal)["met"] is met


def test_every_run_under_the_limit_must_complete() -> None:
    """One failure among the rounds misses the goal; memory is judged by its median."""
    goal = next(g for g in tables.GOALS if g.figure == "completes")
    runs = [
        run(0, LIMITED.name, 9.0),
        run(1, LIMITED.name, 0.0, "exit code 2: out of memory"),
        run(2, LIMITED.name, 9.0),
    ]
    assert tables.judge(runs, goal)["met"] is False
    assert tables.judge(runs[:1], goal)["met"] is True
    memory = next(g for g in tables.GOALS if g.figure == "peak")
    assert tables.judge([run(0, "ours", 12.2)], memory)["met"] is True
    assert tables.judge([run(0, "ours", 12.3)], memory)["met"] is False


def test_every_goal_has_its_rows() -> None:
    """Each goal names rows of the bench, and a peer that is measured at its size."""
    rows = {tool.name: tool for tool in (OURS, LIMITED, *PEERS)}
    for goal in tables.GOALS:
        for name in (goal.row, *([goal.over] if goal.over else [])):
            assert not rows[name].max_rows or rows_of(goal.size) <= rows[name].max_rows


def test_the_policy_matches_the_peers() -> None:
    """The columns that the scan reads are those of the policy; the slices are equal."""
    policy = read_policy(ours.POLICY, "policy.yml").regression
    assert policy is not None
    assert tuple(policy.slices) == SLICES
    used = [*policy.key, policy.label, policy.score, policy.prediction, policy.time, *(c for by in SLICES for c in by)]
    assert set(used) == set(COLUMNS) <= set(generate.schema().names)
    assert policy.minimum_rows == MINIMUM_ROWS


def test_evidence_is_read() -> None:
    """The number of changes is restored from a fraction of ten digits; a missing metric is an error, not zero."""
    rows = {"contract-rows": 9_990_000, "contract-removed-rows": 10, "contract-added-rows": 11}
    rows |= {"slices-summary": 129, "windows-summary": 30}
    values = {(n, s): 0.5 for n in ("accuracy", "log-loss", "auc", "ece", "positive-rate") for s in SIDES}
    values |= {("negative-flips", "candidate"): 0.1, ("churn", "candidate"): 0.01048658659}
    evidence: dict[str, Any] = {
        "findings": [{"id": name, "n": n} for name, n in rows.items()],
        "measurements": [{"id": n, "arm": side, "values": {"value": v}} for (n, side), v in values.items()],
    }
    facts = ours.facts_of(evidence)
    assert (facts["decision_changes"], facts["missing"], facts["added"]) == (104_761, 10, 11)
    assert set(OURS.gives) <= facts.keys()
    with pytest.raises(KeyError):
        ours.facts_of(evidence | {"measurements": [m for m in evidence["measurements"] if m["id"] != "ece"]})


def test_the_bench_end_to_end(tmp_path: Path) -> None:
    """Ours under both limits and the peers agree with the truth; a missing peer is reported; exit code 0."""
    command = [sys.executable, str(SCRIPTS / "bench" / "regression"), "--rows", "20k", "--rounds", "1", "--no-install"]
    command += [
        "--peers",
        "scan,join,polars,polars-14",
        "--work",
        str(tmp_path),
        "--json",
        str(tmp_path / "found.json"),
    ]
    done = subprocess.run(
        command,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    result = json.loads((tmp_path / "found.json").read_text())
    assert [record["error"] for record in result["records"] if record["error"]] == []
    names = ["polars", "polars-14"]
    polars = names * is_available(next(t for t in PEERS if t.name == "polars"))
    assert {record["tool"] for record in result["records"]} == {"ours", "ours, 512MB", "scan", "join", *polars}
    assert [line.partition(":")[0] for line in result["skipped"]] == names * (not polars)
    assert re.search(r"^ours, 512MB +\d", done.stdout, re.MULTILINE)
    assert done.returncode == 0, done.stderr


def test_pins_are_complete() -> None:
    """Every package of the peers has a version and hashes, and no URL."""
    text = install.PINS.read_text()
    pins = re.findall(r"^[a-z][^\n]*(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z]", text, re.MULTILINE)) > 3
    assert all("==" in pin.partition("\n")[0] for pin in pins)
    assert "://" not in text
    assert all(install.version(name) for name in ("datacompy", "pandas", "polars", "pyarrow"))


@pytest.mark.parametrize(("text", "rows"), [("10M", 10_000_000), ("20k", 20_000), ("1500", 1500)])
def test_sizes_have_names(text: str, rows: int) -> None:
    """The name of a size is parsed to its number of rows, and back."""
    assert rows_of(text) == rows
    assert Size(rows=rows).name == text


@pytest.mark.parametrize(
    "words",
    [["--rounds", "0"], ["--rows", "many"], ["--rows", "10"], ["--peers", "excel"], ["--files", "0"], ["generate"]],
)
def test_bad_options(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An invalid option is an error, and nothing is measured."""
    with pytest.raises(SystemExit) as error:
        main.main(words)
    assert error.value.code == 2
    assert "error:" in capsys.readouterr().err
