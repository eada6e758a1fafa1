"""`ghmlops regression` on real Parquet files: verdicts, evidence, bad input, interruption."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

import prediction_artifacts as artifacts
from ghmlops.commands.regression.command import run
from ghmlops.commands.regression.inputs import Inputs
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.errors import DataError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.measure.evidence import decode
from left_evidence import left_error

if TYPE_CHECKING:
    from pathlib import Path

SHA = "0123456789abcdef0123456789abcdef01234567"
POLICY = """
version: 1
service: scorer
regression:
  task: binary
  key: [id]
  label: y
  score: s
  time: t
  window: 1w
  slices: [device, country, [device, country]]
  artifacts: {baseline: baseline.parquet, candidate: candidate.parquet}
"""
SIMPLE = """
version: 1
service: scorer
regression: {task: binary, key: [id], label: y, score: s}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of a repository with a policy, the artifact of a baseline, and that of an equally good candidate."""
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    artifacts.write(tmp_path / "baseline.parquet", artifacts.rows(30_000, 1))
    artifacts.write(tmp_path / "candidate.parquet", artifacts.rows(30_000, 2))
    return tmp_path


def regression(place: Path, **inputs: Any) -> Result:
    services = Services(
        context=Context(head_sha=SHA, repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    return run(Inputs(**({"policy": "policy.yml"} | inputs)), services)


def evidence(place: Path, name: str = "regression.json") -> Evidence:
    return decode((place / "evidence" / name).read_bytes(), Evidence, EVIDENCE_SCHEMA, name)


def failures(file: Evidence) -> list[Finding]:
    return [f for f in file.findings if f.outcome is Outcome.FAIL]


def broken(seed: int = 3) -> dict[str, Any]:
    """Return the rows of a candidate whose scores on tablets are noise."""
    rows = artifacts.rows(30_000, seed)
    tablets = np.array(rows["device"]) == "tablet"
    rows["s"] = np.where(tablets, np.random.default_rng(seed).random(30_000), rows["s"])
    return rows


def test_an_equally_good_candidate_passes_with_complete_evidence(place: Path) -> None:
    """Same recipe, other seed: a pass with outputs, provenance, fingerprints, and measurements of both arms."""
    result = regression(place)
    file = evidence(place)
    assert result.outcome is file.outcome is Outcome.PASS
    assert result.outputs == {
        "evidence-file": "evidence/regression.json",
        "rows": "30000",
        "failed-findings": "0",
    }
    assert re.fullmatch(r"content:duckdb-[0-9.]+:30000:[0-9a-f]{32}", file.provenance.fingerprints["candidate"])
    assert file.provenance.head_sha == SHA
    ids = {(m.id, m.arm) for m in file.measurements}
    both = ("accuracy", "auc", "average-precision", "log-loss", "brier", "ece", "positive-rate")
    reported = ("balanced-accuracy", "precision", "recall", "f1", "mcc", "calibration-slope")
    sides = {(name, arm) for name in (*both, *reported) for arm in ("baseline", "candidate")}
    assert ids == sides | {(name, "candidate") for name in ("churn", "negative-flips", "positive-flips")}
    judged = {f"regression-{name}" for name in both} | {"contract-rows", "churn-asymmetric", "drift-summary"}
    judged |= {"slices-summary", "windows-summary", "search-summary"}
    assert {f.id for f in file.findings} == judged
    assert {f.docs.split("#")[0] for f in file.findings} == {"actions/regression/README.md"}


def test_a_broken_slice_fails_and_is_named(place: Path) -> None:
    """Scores on tablets are noise: that slice fails with its numbers, and the slices of the other devices do not."""
    artifacts.write(place / "candidate.parquet", broken())
    result = regression(place)
    file = evidence(place)
    assert result.outcome is Outcome.FAIL
    assert int(result.outputs["failed-findings"]) == len(failures(file))
    named = [f for f in failures(file) if f.slice == {"device": "tablet"}]
    assert len(named) == 1
    assert named[0].change
    assert named[0].n == sum(1 for d in artifacts.rows(30_000, 1)["device"] if d == "tablet")
    assert "device = tablet" in named[0].reason
    assert "device = tablet" in result.text
    assert not [f for f in failures(file) if f.slice in ({"device": "phone"}, {"device": "desktop"})]
    assert isinstance(file.details, RegressionDetails)
    assert file.details.slices[0].outcome is Outcome.FAIL


def test_an_average_can_hide_what_the_slice_shows(place: Path) -> None:
    """The overall accuracy stays within its margin although a small slice fails."""
    rows = artifacts.rows(30_000, 1)
    hit = np.flatnonzero((np.array(rows["device"]) == "tablet") & (np.array(rows["country"]) == "FR"))[:300]
    moved = rows["s"].copy()
    moved[hit] = np.where(rows["y"][hit] == 1, 0.45, 0.55)
    artifacts.write(place / "candidate.parquet", rows | {"s": moved})
    text = POLICY.replace("  slices:", "  margins: {accuracy: 1%, log-loss: 5%, auc: 0.02}\n  slices:")
    (place / "policy.yml").write_text(text, encoding="utf-8")
    regression(place)
    outcomes = {f.id: f.outcome for f in evidence(place).findings}
    assert outcomes["regression-accuracy"] is Outcome.PASS
    assert {"device": "tablet", "country": "FR"} in [f.slice for f in failures(evidence(place))]


def test_few_rows_are_inconclusive_and_never_pass(place: Path) -> None:
    """120 rows, even equal ones, decide nothing; with `undecided: warn` that is a warning."""
    for name in ("small.parquet", "copy.parquet"):
        artifacts.write(place / name, artifacts.rows(120, 1))
    text = SIMPLE.replace("score: s}", "score: s, undecided: warn}")
    for policy, outcome in ((SIMPLE, Outcome.INCONCLUSIVE), (text, Outcome.WARN)):
        (place / "policy.yml").write_text(policy, encoding="utf-8")
        result = regression(place, baseline="small.parquet", candidate="copy.parquet")
        assert result.outcome is outcome
    finding = next(f for f in evidence(place).findings if f.id == "regression-accuracy")
    assert "such rows would decide" in finding.reason


def test_the_same_inputs_give_the_same_bytes(place: Path) -> None:
    """Except for the start and the duration, evidence is reproducible, from shuffled rows too."""
    artifacts.write(place / "candidate.parquet", broken())
    texts = []
    for leg in ("", "", "shuffled"):
        if leg:
            rows, order = broken(), np.random.default_rng(1).permutation(30_000)
            shuffled = {k: v.take(order) if k == "t" else np.array(v)[order] for k, v in rows.items()}
            artifacts.write(place / "candidate.parquet", shuffled, row_group_size=5000)
        regression(place, leg="")
        file = evidence(place)
        comparable = {k: v for k, v in file.provenance.fingerprints.items() if k != "candidate"}
        neutral = msgspec.structs.replace(file.provenance, started="", seconds=None, fingerprints=comparable)
        texts.append(msgspec.json.encode(msgspec.structs.replace(file, provenance=neutral)))
    assert texts[0] == texts[1] == texts[2]


def test_evidence_fits_its_schema_and_has_no_nan(place: Path) -> None:
    """One class only and NaN scores: strict JSON, and the leg is in the name of the file."""
    rows = artifacts.rows(30_000, 2)
    rows["y"] = np.ones(30_000, dtype=np.int64)
    rows["s"] = np.where(np.arange(30_000) % 7 == 0, np.nan, rows["s"])
    artifacts.write(place / "candidate.parquet", rows)
    artifacts.write(place / "baseline.parquet", artifacts.rows(30_000, 1) | {"y": rows["y"]})
    result = regression(place, leg="b")

    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = (place / "evidence" / "regression-b.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=refuse)
    assert result.outcome is Outcome.FAIL
    assert evidence(place, "regression-b.json").leg == "b"


def test_leakage_is_a_warning(place: Path) -> None:
    """Metrics that improve to almost perfect values suggest that the label leaked into the features."""
    rows = artifacts.rows(30_000, 2)
    leaked = np.clip(0.5 + 0.4 * (2 * rows["y"] - 1) + 0.02 * (rows["s"] - 0.5), 0, 1)
    artifacts.write(place / "candidate.parquet", rows | {"s": leaked})
    (place / "policy.yml").write_text(SIMPLE.replace("score: s}", "score: s, margins: {positive-rate: 20%, ece: 20%}}"))
    result = regression(place, baseline="baseline.parquet", candidate="candidate.parquet")
    jumps = {f.metric: f.outcome for f in evidence(place).findings if f.id == "implausible-jump"}
    assert jumps == dict.fromkeys(("accuracy", "auc", "average-precision", "brier", "log-loss"), Outcome.WARN)
    assert result.outcome is Outcome.WARN


def test_churn_and_flips_are_judged_only_by_a_margin_of_the_policy(place: Path) -> None:
    """Without a margin they are measurements; with one they pass or fail."""
    for margins, outcome in (("churn: 50%, negative-flips: 20%", Outcome.PASS), ("churn: 0.1%", Outcome.FAIL)):
        (place / "policy.yml").write_text(SIMPLE.replace("score: s}", f"score: s, margins: {{{margins}}}}}"))
        regression(place, baseline="baseline.parquet", candidate="candidate.parquet")
        rules = ("regression-churn", "regression-negative-flips")
        findings = {f.metric: f for f in evidence(place).findings if f.id in rules}
        assert {f.outcome for f in findings.values()} == {outcome}
        assert findings["churn"].baseline is None


def test_clusters_widen_the_interval(place: Path) -> None:
    """With `group`, a loss on few users is undecided that would fail if the rows were independent."""
    first = artifacts.rows(2000, 1)
    lost = first["s"].copy()
    users = first["user"]
    for user in (3, 40):
        lost[users == user] = np.where(first["y"][users == user] == 1, 0.45, 0.55)
    artifacts.write(place / "a.parquet", first)
    artifacts.write(place / "b.parquet", first | {"s": lost})
    findings = {}
    for name, more in (("rows", ""), ("users", ", group: user")):
        (place / "policy.yml").write_text(SIMPLE.replace("score: s}", f"score: s{more}}}"))
        regression(place, baseline="a.parquet", candidate="b.parquet")
        findings[name] = next(f for f in evidence(place).findings if f.id == "regression-accuracy")
    assert (findings["rows"].outcome, findings["users"].outcome) == (Outcome.FAIL, Outcome.INCONCLUSIVE)
    assert "cluster" in findings["users"].method


def test_a_regression_task_has_its_metrics(place: Path) -> None:
    """A shifted candidate fails by bias, relative to the standard deviation of the label, and by RMSE."""
    (place / "policy.yml").write_text(
        "version: 1\nservice: s\nregression: {task: regression, key: [id], label: y, prediction: p}\n"
    )
    artifacts.write(place / "a.parquet", artifacts.values(5000, 1))
    artifacts.write(place / "b.parquet", artifacts.values(5000, 2))
    assert regression(place, baseline="a.parquet", candidate="b.parquet").outcome is Outcome.PASS
    shifted = artifacts.values(5000, 2)
    shifted["p"] += 1.0
    artifacts.write(place / "b.parquet", shifted)
    regression(place, baseline="a.parquet", candidate="b.parquet")
    assert {"regression-bias", "regression-rmse"} <= {f.id for f in failures(evidence(place))}


def test_hostile_data_reaches_the_terminal_as_text(place: Path) -> None:
    """Escape sequences and workflow commands in slice values lose their effect."""
    for name in ("baseline", "candidate"):
        seed = 1 if name == "baseline" else 3
        rows = broken(seed) if seed == 3 else artifacts.rows(30_000, seed)
        hostile = {"tablet": "\x1b[2J::error::\npwned|`x`", "phone": "p", "desktop": "d"}
        rows["device"] = [hostile[d] for d in rows["device"]]
        artifacts.write(place / f"{name}.parquet", rows)
    result = regression(place)
    assert "\x1b" not in result.text
    assert not [line for line in result.text.split("\n") if line.startswith("::")]
    assert {"device": "\x1b[2J::error::\npwned|`x`"} in [f.slice for f in failures(evidence(place))]


@pytest.mark.parametrize("name", ["baseline.parquet", "./x/../baseline.parquet", "linked.parquet"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_file_is_not_compared_with_itself(place: Path, name: str, dry_run: bool) -> None:
    """Whatever its name or link; a copy is another file, and can be compared."""
    (place / "x").mkdir()
    (place / "linked.parquet").symlink_to("baseline.parquet")
    with pytest.raises(InputError, match="baseline and the candidate") as caught:
        regression(place, candidate=name, dry_run=dry_run)
    assert "--candidate" in caught.value.hint
    assert dry_run or left_error(place / "evidence", "regression.json") == "regression-not-judged"
    (place / "copy.parquet").write_bytes((place / "baseline.parquet").read_bytes())
    assert regression(place, candidate="copy.parquet", dry_run=dry_run).outcome is Outcome.PASS


def test_a_dry_run_checks_the_schema_and_writes_nothing(place: Path) -> None:
    """The plan lists metrics, margins, slices and windows; a key of another type is an error."""
    result = regression(place, dry_run=True)
    assert result.outcome is Outcome.PASS
    for fact in (
        "paired by id",
        "accuracy: margin 0.005",
        "device x country",
        "1w of t, in UTC",
        "churn: reported only",
    ):
        assert fact in result.text
    assert not (place / "evidence").exists()
    artifacts.write(place / "candidate.parquet", artifacts.rows(10, 2) | {"id": [str(i) for i in range(10)]})
    assert regression(place, dry_run=True).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("inputs", "error", "fact", "hint"),
    [
        ({"candidate": "none.parquet"}, DataError, "none.parquet: no such file", "path"),
        ({"candidate": "policy.yml"}, DataError, "policy.yml: not a Parquet file", "to_parquet"),
        ({"candidate": "cut.parquet"}, DataError, "cut.parquet: truncated", "again"),
        ({"memory_limit": "lots"}, InputError, "memory-limit", "1GiB"),
        ({"labels": "none.parquet"}, DataError, "none.parquet: no such file", "path"),
        ({"policy": "none.yml"}, PolicyError, "none.yml", "ghmlops init"),
    ],
)
def test_bad_input_is_one_error_with_a_hint(
    place: Path, inputs: dict[str, Any], error: type[Exception], fact: str, hint: str
) -> None:
    """Each error says what happened, where, and how to fix it, and is the evidence."""
    (place / "cut.parquet").write_bytes((place / "baseline.parquet").read_bytes()[:5000])
    with pytest.raises(error) as caught:
        regression(place, **inputs)
    assert fact in str(caught.value)
    assert hint in getattr(caught.value, "hint", "")
    assert left_error(place / "evidence", "regression.json") == "regression-not-judged"


def test_a_missing_column_is_named(place: Path) -> None:
    """Together with the artifact."""
    (place / "policy.yml").write_text(POLICY.replace("score: s", "score: scor"))
    with pytest.raises(DataError, match=r'baseline\.parquet: .* no column "scor"'):
        regression(place)


def test_without_artifacts_or_section_the_input_is_named(place: Path) -> None:
    """Neither a flag nor the policy names an artifact, or the policy has no section."""
    (place / "policy.yml").write_text(SIMPLE, encoding="utf-8")
    with pytest.raises(InputError, match="no baseline"):
        regression(place)
    with pytest.raises(InputError, match="no candidate"):
        regression(place, baseline="baseline.parquet")
    (place / "policy.yml").write_text("version: 1\nservice: s\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="no section `regression`"):
        regression(place)


def test_two_empty_artifacts_are_an_error_in_the_evidence(place: Path) -> None:
    """Without rows the outcome is an error, and the evidence has a finding for each artifact."""
    import pyarrow as pa  # type: ignore[import-untyped]

    empty = pa.table(artifacts.rows(5, 1)).slice(0, 0)
    for name in ("baseline", "candidate"):
        artifacts.write(place / f"{name}.parquet", {c: empty[c] for c in empty.column_names})
    assert regression(place).outcome is Outcome.ERROR
    assert [f.id for f in evidence(place).findings] == ["contract-empty", "contract-empty"]


def process(place: Path, *args: str) -> subprocess.Popen[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_"))}
    command = [sys.executable, "-m", "ghmlops", "regression", "--policy", "policy.yml", *args]
    return subprocess.Popen(
        command,
        cwd=place,
        env=environ | {"GITHUB_SHA": SHA, "TMPDIR": str(place / "temporary")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_line_reports_on_standard_output_and_by_exit_code(place: Path) -> None:
    """Exit 0 with a table, 1 for a failure, 2 with one line if it cannot judge; JSON with `--json`."""
    (place / "temporary").mkdir()
    for args, code, fact in (
        ((), 0, "regression: pass"),
        (("--json",), 0, '"outcome": "pass"'),
        (("--candidate", "broken.parquet"), 1, "device = tablet"),
        (("--candidate", "none.parquet"), 2, ""),
    ):
        artifacts.write(place / "broken.parquet", broken())
        with process(place, *args) as child:
            out, err = child.communicate(timeout=120)
        assert (child.returncode, fact in out) == (code, True), err
        assert "Traceback" not in err


def test_an_interruption_leaves_nothing(place: Path) -> None:
    """SIGTERM during the comparison: exit 130, no temporary folder, no evidence, not even a partial one."""
    (place / "temporary").mkdir()
    many = artifacts.rows(400_000, 1)
    artifacts.write(place / "baseline.parquet", many)
    artifacts.write(place / "candidate.parquet", many)
    with process(place) as child:
        try:
            while not any(path.is_dir() for path in (place / "temporary").iterdir()):  # not Python's own probe file
                assert child.poll() is None
            child.send_signal(signal.SIGTERM)
            _, err = child.communicate(timeout=120)
        finally:
            child.kill()
    assert child.returncode == 130, err
    assert not list((place / "temporary").iterdir())
    assert left_error(place / "evidence", "regression.json") == "regression-not-judged"
