"""Values of rows and their sums, read from files and compared with NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace

from ghmlops.core.metrics import metrics_of
from ghmlops.measure.predictions.sql.row_values.sums import kinds_of
from prediction_artifacts import BINARY, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 600


def test_each_kind_of_value_is_summed_once() -> None:
    """Several metrics may need the same values."""
    metrics = metrics_of(BINARY)
    kinds = kinds_of([*metrics, *metrics])
    assert len(kinds) == len(set(kinds)) > 0
    assert {row for row, _ in kinds} == {row for metric in metrics for row in (metric.row, *metric.rows) if row}


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_are_those_of_numpy(read: Read, weighted: bool) -> None:
    """The squared error of each device, of rows with a label that both sides have; also weighted."""
    weight = np.random.default_rng(3).integers(1, 5, N + 1).astype(np.float64)
    sides = [rows(N, seed, shift=seed) for seed in (1, 2)]
    for side, shift in zip(sides, (0, 1), strict=True):
        side["y"] = [None if index % 7 == 0 else int(y) for index, y in enumerate(side["y"], shift)]
        side["device"] = [("phone", "desktop")[index % 2] for index in range(shift, N + shift)]
        if weighted:
            side["w"] = weight[shift : N + shift]
    policy = replace(BINARY, slices=(("device",),), minimum_rows=1, weight="w" if weighted else "")
    table = read(*sides, policy).tables["device",]
    paired = range(1, N)  # the index of the rows that both sides have, in the first one
    label = np.array([np.nan if sides[0]["y"][i] is None else sides[0]["y"][i] for i in paired])
    other = np.array([np.nan if sides[1]["y"][i - 1] is None else sides[1]["y"][i - 1] for i in paired])
    first, second = (np.array([sides[s]["s"][i - s] for i in paired]) for s in (0, 1))
    agreed = np.where(label == other, label, np.nan)
    factor = weight[1:N] / 4.0 if weighted else np.ones(N - 1)  # weights are divided by a power of 2, the largest one
    (sums,) = [cells for (row, _), cells in table.sums.items() if row == "({s} - {y}) * ({s} - {y})"]
    for index, (device,) in enumerate(table.keys):
        selection = np.array([sides[0]["device"][i] == device for i in paired]) & np.isfinite(agreed)
        before = (first[selection] - agreed[selection]) ** 2
        change = (second[selection] - agreed[selection]) ** 2 - before
        assert sums.n[index] == selection.sum()
        assert sums.a[index] == pytest.approx(factor[selection] @ before)
        assert sums.d[index] == pytest.approx(factor[selection] @ change)
        assert sums.dd[index] == pytest.approx(factor[selection] @ change**2)
