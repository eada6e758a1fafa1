"""Quantile forecasts in several columns, against scikit-learn and NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from sklearn.metrics import mean_pinball_loss  # type: ignore[import-untyped]

from ghmlops.core.errors import DataError
from ghmlops.core.model import Outcome
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.predictions.judgement import judge_observations

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 4000
DRAW = np.random.default_rng(11)
CENTRE = DRAW.normal(size=N) * 5
LABEL = CENTRE + DRAW.normal(size=N)
LEVELS = {"q.10": (0.1, -1.2816), "q50": (0.5, 0.0), "q90": (0.9, 1.2816)}


def policy(extra: str = "") -> Regression:
    text = (
        "version: 1\nservice: x\nregression: {task: regression, key: [id], label: y, "
        f"prediction: ['q.10', q50, q90], quantiles: [0.1, 0.5, 0.9]{extra}}}\n"
    )
    regression = read_policy(text).regression
    assert regression is not None
    return regression


def side(width: float = 1.0, seed: int = 1) -> dict[str, Any]:
    noise = np.random.default_rng(seed).normal(size=N) * 0.02
    columns = {name: CENTRE + noise + width * z for name, (_, z) in LEVELS.items()}
    return {"id": np.arange(N), "y": LABEL, **columns}


def judged(read: Read, first: Any, second: Any, extra: str = "") -> Any:
    return judge_observations([read(first, second, policy(extra))], policy(extra))


def outcomes(judgement: Any) -> dict[str, Outcome]:
    return {finding.id: finding.outcome for finding in judgement.findings}


def test_pinball_coverage_and_crossing_are_those_of_the_references(read: Read) -> None:
    """Each quantile's loss as in scikit-learn; the shares of labels within and of rows that cross as in NumPy."""
    first, second = side(), side(seed=2)
    second["q.10"] = np.where(np.arange(N) % 40 == 0, second["q90"] + 1, second["q.10"])
    rows = {row.metric: (row.baseline, row.candidate) for row in judged(read, first, second).details.metrics}
    for metric, column in (("pinball-10", "q.10"), ("pinball", "q50"), ("pinball-90", "q90")):
        expected = [mean_pinball_loss(LABEL, s[column], alpha=LEVELS[column][0]) for s in (first, second)]
        assert rows[metric] == pytest.approx(expected)
    inside = [np.mean((s["q.10"] <= LABEL) & (s["q90"] >= LABEL)) for s in (first, second)]
    assert rows["coverage-80"] == pytest.approx(inside)
    crossed = [np.mean((s["q.10"] > s["q50"]) | (s["q50"] > s["q90"])) for s in (first, second)]
    assert rows["quantile-crossing"] == pytest.approx(crossed)
    assert crossed == [0.0, pytest.approx(0.025)]


def test_the_same_model_with_other_noise_fails_nowhere(read: Read) -> None:
    """Equal intervals with noise of a fiftieth of their width."""
    assert Outcome.FAIL not in outcomes(judged(read, side(), side(seed=2))).values()


@pytest.mark.parametrize("width", [0.6, 1.8])
def test_intervals_that_are_too_narrow_or_too_wide_fail(width: float, read: Read) -> None:
    """Coverage far from 80 % on either side, while the median is unchanged."""
    results = outcomes(judged(read, side(), side(width, seed=2)))
    assert results["regression-coverage-80"] is Outcome.FAIL
    assert results["regression-pinball-10"] is Outcome.FAIL
    assert results["regression-rmse"] is not Outcome.FAIL


def test_coverage_that_comes_closer_is_no_regression(read: Read) -> None:
    """From 60 to 80 %: a change of 20 points, and an improvement."""
    assert outcomes(judged(read, side(0.65), side(1.0, seed=2)))["regression-coverage-80"] is Outcome.PASS


def test_crossing_beyond_its_margin_fails(read: Read) -> None:
    """Five of 100 rows whose low quantile exceeds the high one."""
    second = side(seed=2)
    second["q.10"] = np.where(np.arange(N) % 20 == 0, second["q90"] + 0.1, second["q.10"])
    assert outcomes(judged(read, side(), second))["regression-quantile-crossing"] is Outcome.FAIL


def test_a_missing_quantile_is_never_taken_from_the_other_side(read: Read) -> None:
    """Nulls and NaN in a tenth of the candidate's rows: the metrics of that column are not judged to pass."""
    second = side(seed=2)
    values = list(second["q90"])
    values[::20], values[1::20] = [None] * len(values[::20]), [float("nan")] * len(values[1::20])
    observation = read(side(), second | {"q90": pa.array(values, from_pandas=False)}, policy())
    assert observation.facts.pairs
    assert observation.facts.pairs.expression_nulls["pinball-90"].candidate == N // 10
    results = outcomes(judge_observations([observation], policy()))
    assert results["regression-pinball-90"] is Outcome.INCONCLUSIVE
    assert results["regression-pinball-10"] is not Outcome.INCONCLUSIVE


def test_a_slice_whose_interval_is_too_narrow_is_named(read: Read) -> None:
    """One of eight values of a declared column."""
    device = np.array([f"d{i % 8}" for i in range(N)])
    first, second = side() | {"device": device}, side(seed=2) | {"device": device}
    for name, (_, z) in LEVELS.items():
        second[name] = np.where(device == "d3", CENTRE + 0.3 * z, second[name])
    judgement = judged(read, first, second, ", slices: [device]")
    slices = {f.slice["device"] for f in judgement.findings if f.id.startswith("slice-") and f.slice}
    assert slices == {"d3"}


def test_each_column_must_be_a_number_on_both_sides(read: Read) -> None:
    """A text, and a column that one side does not have."""
    with pytest.raises(DataError, match="q90"):
        read(side(), side() | {"q90": ["x"] * N}, policy())
    with pytest.raises(DataError, match="q90"):
        read({name: v for name, v in side().items() if name != "q90"}, side(), policy())
