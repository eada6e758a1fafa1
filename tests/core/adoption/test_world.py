"""What a policy needs: files, cost, and margins that the rows can show."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.adoption.world import Z_98, attainable_margins, cost_line, margin_lines, policy_files, smallest_margin
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.stats import tango

POLICY = """\
version: 1
service: s
latency: {payloads: a.jsonl, arrivals: {poisson: 50/s, duration: 100s, warmup: 5s}, ca-file: ca.pem}
regression:
  task: binary
  key: id
  label: y
  score: p
  slices: [a]
  datasets:
    eu: {baseline: "artifact:p@main", candidate: out/eu.parquet}
    us: {baseline: "s3://b/us", candidate: "out/us-*.parquet", labels: y.parquet}
"""


def test_files() -> None:
    """Local files are listed with their keys; artifacts of workflows and addresses are not files here."""
    assert policy_files(read_policy(POLICY)) == {
        "a.jsonl": "latency.payloads",
        "ca.pem": "latency.ca-file",
        "out/eu.parquet": "regression.datasets.eu.candidate",
        "out/us-*.parquet": "regression.datasets.us.candidate",
        "y.parquet": "regression.datasets.us.labels",
    }


def test_cost() -> None:
    """5,000 requests in 105 s; doubled plan and confirmation are 2 (2 x 100 + 5) = 410 s, which is 6.8 minutes."""
    line = cost_line(read_policy(POLICY))
    assert "5,000 requests" in line
    assert "6.8 minutes" in line


@pytest.mark.parametrize("rows", [50, 569, 30_000])
def test_smallest_margin_is_that_of_the_verdict(rows: int) -> None:
    """The smallest margin is the half width of the score interval that the verdict uses, without a changed row."""
    zero = np.zeros(1)
    low, high = tango.interval(np.array([float(rows)]), zero, zero, 0.01)
    assert np.allclose([-low[0], high[0]], smallest_margin(rows, Z_98), rtol=1e-3)


def test_attainable_margins() -> None:
    """569 rows cannot show 0.5 points of accuracy and 1 point of positive rate; 30,000 rows can."""
    assert attainable_margins("binary", 569) == {"accuracy": 0.015, "positive-rate": 0.018}
    assert attainable_margins("binary", 30_000) == {}
    assert list(attainable_margins("multiclass", 569)) == ["accuracy"]
    assert attainable_margins("regression", 10) == {}


def test_margins() -> None:
    """Too few rows are reported for the margin and for slices."""
    regression = read_policy(POLICY).regression
    assert regression is not None
    few = margin_lines(regression, {"eu": 100})
    assert len(few) == 2
    assert "5.1 points" in few[0]
    many = margin_lines(regression, {"eu": 100_000})
    assert len(many) == 1
    assert "46 %" in many[0]
