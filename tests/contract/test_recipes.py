"""The recipes of CONTRIBUTING work as written: each is applied to a copy of the package, and its result is used."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from ghmlops.core.pillars import PILLARS
from recipes import apply_recipe, titles
from scoring_service import started

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "version: 1\nservice: scratch\n"


def commit(folder: Path) -> None:
    """Make the folder a repository with one commit, which evidence names."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


def test_every_recipe_is_tested() -> None:
    """Each recipe has a test in this file; the recipe of a pillar has a file of tests."""
    tested = {"A metric", "A statistical test", "A protocol", "A foreign format", "A pillar", "A deploy target"}
    assert set(titles()) == tested


def test_a_metric(tmp_path: Path) -> None:
    """The new metric is measured on both sides and judged by its margin."""
    scratch = apply_recipe("A metric", tmp_path)
    section = "regression: {task: binary, key: [id], label: y, score: p, minimum-rows: 1,"
    section += " artifacts: {baseline: a.parquet, candidate: b.parquet}}\n"
    (tmp_path / "policy.yml").write_text(HEADER + section)
    labels = [0, 1] * 50
    for name, error in (("a", 0.1), ("b", 0.2)):
        scores = [abs(label - error) for label in labels]
        pq.write_table(pa.table({"id": range(100), "y": labels, "p": scores}), tmp_path / f"{name}.parquet")
    commit(tmp_path)
    done = scratch.run(tmp_path, "regression", "--policy", "policy.yml")
    assert done.returncode == 1, done.stderr
    evidence = json.loads((tmp_path / "evidence" / "regression.json").read_text())
    (finding,) = [f for f in evidence["findings"] if f["id"] == "regression-score-error"]
    assert (finding["baseline"], finding["candidate"]) == (pytest.approx(0.1), pytest.approx(0.2))
    assert finding["outcome"] == "fail"


def test_a_statistical_test(tmp_path: Path) -> None:
    """The new test is listed, and its p-values are those of the binomial distribution."""
    scratch = apply_recipe("A statistical test", tmp_path)
    code = (
        "import numpy as np; from ghmlops.core.stats import TESTS, sign_test; assert 'sign_test' in TESTS;"
        "print(*sign_test.p_positive(np.array([9.0, 0.0]), np.array([1.0, 5.0])))"
    )
    assert [float(p) for p in scratch.evaluate(tmp_path, code).split()] == pytest.approx([11 / 1024, 1.0])


def test_a_foreign_format(tmp_path: Path) -> None:
    """The new format is recognised, and the policy's objectives are judged on its times."""
    scratch = apply_recipe("A foreign format", tmp_path)
    (tmp_path / "policy.yml").write_text(HEADER + "latency: {slo: {p50: 5ms}}\n")
    (tmp_path / "result.json").write_text(json.dumps({"tinyload_times_ms": [1.0] * 400, "failures": 2}))
    commit(tmp_path)
    done = scratch.run(tmp_path, "import", "--policy", "policy.yml", "--file", "result.json")
    assert done.returncode == 0, done.stderr
    evidence = json.loads((tmp_path / "evidence" / "import.json").read_text())
    assert {f["id"]: f["outcome"] for f in evidence["findings"]}["objective-p50"] == "pass"
    assert [m["n"] for m in evidence["measurements"]] == [400]


def test_a_protocol(tmp_path: Path) -> None:
    """The policy accepts the new protocol, and every request of a run is answered over it."""
    scratch = apply_recipe("A protocol", tmp_path)
    section = "latency: {protocol: http/1.1-traced, request: {method: GET, path: /predict}, slo: {p50: 1s},"
    section += " arrivals: {constant: 100/s, duration: 4s, warmup: 0.5s}}\n"
    (tmp_path / "policy.yml").write_text(HEADER + section)
    commit(tmp_path)
    with started() as url:
        done = scratch.run(tmp_path, "latency", "--policy", "policy.yml", "--url", url)
    assert done.returncode == 0, done.stderr
    evidence = json.loads((tmp_path / "evidence" / "latency.json").read_text())
    assert [(m["id"], m["n"]) for m in evidence["measurements"] if m["id"] == "response-time"] == [
        ("response-time", 400)
    ]


def test_a_deploy_target(tmp_path: Path) -> None:
    """The policy accepts the new target, and a rung changes its weights."""
    scratch = apply_recipe("A deploy target", tmp_path)
    (tmp_path / "weights").write_text("candidate 0\npool 100\n")
    section = "promote: {target: {watched-file: {path: weights}}, compare: pool}"
    code = (
        "from pathlib import Path; from ghmlops.act.targets import apply_shares, open_target;"
        "from ghmlops.core.policyfile.document import read_policy;"
        "from ghmlops.core.promotion.weights import rung_shares;"
        f"policy = read_policy({HEADER + section!r});"
        "target = open_target(policy.promote.target, Path.cwd());"
        "print(apply_shares(target, rung_shares(0.05, with_twin=False)).candidate)"
    )
    assert float(scratch.evaluate(tmp_path, code)) == pytest.approx(0.05)
    assert (tmp_path / "weights").read_text().split() == ["candidate", "1", "pool", "19"]


def test_no_pillar_is_a_toy(tmp_path: Path) -> None:
    """The recipe changes the copy only."""
    apply_recipe("A pillar", tmp_path)
    assert "toy" not in {pillar.command for pillar in PILLARS}
