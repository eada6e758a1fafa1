"""Columns are located by the policy, checked by type, and compared between the sides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.errors import DataError
from ghmlops.core.model import Outcome
from ghmlops.core.policy.regression import Changed, Regression
from ghmlops.core.predictions.judgement import judge_observations
from prediction_artifacts import BINARY, contract_outcomes, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 400


def test_text_key_is_not_cast_to_a_number(read: Read) -> None:
    """A text key and an integer key are an error whose reason has both types."""
    result = read(rows(N, 1), rows(N, 2) | {"id": [str(i) for i in range(N)]})
    (finding,) = judge_observations([result], BINARY).findings
    assert (finding.id, finding.outcome) == ("contract-key-type", Outcome.ERROR)
    assert re.search("BIGINT in the baseline .* VARCHAR", finding.reason)


def test_single_and_double_precision_scores_are_compared_at_single_precision(read: Read) -> None:
    """The same scores as float32 and float64 have no churn and pass `intent: unchanged`; the reason mentions it."""
    first = rows(N, 1)
    first["s"] = np.round(first["s"], 2)
    policy = replace(BINARY, intent="unchanged", threshold=0.7)
    result = read(first, first | {"s": first["s"].astype(np.float32)}, policy)
    judged = judge_observations([result], policy)
    outcomes = {f.id: f.outcome for f in judged.findings}
    assert Outcome.PASS is outcomes["predictions-changed"]
    assert next(m for m in judged.measurements if m.id == "churn").values["value"] == 0.0
    assert "single precision" in next(f.reason for f in judged.findings if f.id == "contract-rows")


def test_text_and_numeric_labels_are_an_error(read: Read) -> None:
    """Labels that are text on one side and numbers on the other are not cast."""
    policy = replace(BINARY, classes=("0", "1"))
    result = read(rows(N, 1), rows(N, 2) | {"y": [str(v) for v in rows(N, 2)["y"]]}, policy)
    assert contract_outcomes(result, policy) == {"contract-label-type": Outcome.ERROR}


def test_unused_columns_are_counted_not_listed(read: Read) -> None:
    """The reason lists a few of 1,000 unused columns and the number of the others."""
    wide = {f"f{i}": [0] * N for i in range(1000)}
    result = read(rows(N, 1) | wide, rows(N, 2))
    assert "and 995 more" in next(
        f.reason for f in judge_observations([result], BINARY).findings if f.id == "contract-rows"
    )


def test_missing_column_is_reported_with_its_side_and_the_nearest_name(read: Read) -> None:
    """The error has the side, the column and a suggestion; with 1,000 columns the hint stays short."""
    second = rows(N, 2)
    second["scor"] = second.pop("s")
    with pytest.raises(DataError, match=r'the candidate .* no column "score"') as excinfo:
        read(rows(N, 1) | {"score": rows(N, 1)["s"]}, second, replace(BINARY, score="score"))
    assert "did you mean `scor`" in excinfo.value.hint
    with pytest.raises(DataError, match=r'the baseline .* no column "nope"'):
        read(rows(N, 1), rows(N, 2), replace(BINARY, slices=(("nope",),)))
    indexed = rows(N, 1) | {"__index_level_0__": list(range(N))}
    with pytest.raises(DataError) as excinfo:
        read(indexed, rows(N, 2), replace(BINARY, key=("row",)))
    assert "pandas" in excinfo.value.hint
    assert "`__index_level_0__`" in excinfo.value.hint
    with pytest.raises(DataError, match='labels has no column "y"'):
        read(rows(N, 1), rows(N, 2), BINARY, {"id": [1]})
    wide = {f"f{i}": [0] * N for i in range(1000)}
    with pytest.raises(DataError) as excinfo:
        read(rows(N, 1) | wide, rows(N, 2), replace(BINARY, label="f17x"))
    assert len(excinfo.value.hint) < 400


@pytest.mark.parametrize(
    ("change", "policy", "message"),
    [
        ({"s": ["high"] * N}, BINARY, 'column "s" of type VARCHAR cannot be a score'),
        ({"id": [[i] for i in range(N)]}, BINARY, "cannot be a key"),
        ({"id": np.arange(N) / 3}, BINARY, "type DOUBLE cannot be a key"),
        ({"t": ["2025-03-01"] * N}, replace(BINARY, time="t"), "cannot be the time"),
        ({"y": [[0]] * N}, BINARY, "cannot be a label"),
    ],
)
def test_columns_of_unusable_types_are_errors(
    change: dict[str, Any], policy: Regression, message: str, read: Read
) -> None:
    """The error has the column, its type and the use that the type prevents."""
    with pytest.raises(DataError, match=message):
        read(rows(N, 1) | change, rows(N, 2) | change, policy)


def test_unknown_column_to_redact_is_an_error(read: Read) -> None:
    """A typing error in `mask` would reveal the column, so it is an error with the nearest name."""
    from ghmlops.core.errors import DataError, PolicyError

    policy = replace(BINARY, changed=Changed(rows=3, show=("device",), mask=("devices",)))
    with pytest.raises(PolicyError, match='"devices", which is not among') as excinfo:
        read(rows(N, 1), rows(N, 2), policy)
    assert "device" in excinfo.value.hint
    with pytest.raises(DataError, match='no column "nope"'):
        read(rows(N, 1), rows(N, 2), replace(BINARY, changed=Changed(rows=3, show=("nope",))))
