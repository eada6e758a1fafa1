"""Quantile forecasts in several columns: checks the keys and derives the metrics that compare them.

`prediction: [q10, q50, q90]` with `quantiles: [0.1, 0.5, 0.9]` gives the pinball loss of each quantile, the coverage of
each central interval whose two ends are among the quantiles, and the share of rows whose quantiles cross.

Sources: Koenker and Bassett (1978), Econometrica 46, 33-50 (pinball loss); Christoffersen (1998), International
Economic Review 39, 841-862 (coverage of interval forecasts).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from ghmlops.core.metrics import MEDIAN
from ghmlops.core.model import Direction
from ghmlops.core.policy.regression import CustomMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.policyfile.yaml_reader import Located

PINBALL_MARGIN = 0.01
"""Share of the baseline's loss: the margin of the metric `pinball`."""
COVERAGE_MARGIN = 0.01
"""Growth of the distance from the nominal coverage: one point, as for other proportions of all rows."""
CROSSING_MARGIN = 0.005
"""Half a point: the margin of accuracy, because such a row has no usable interval."""
_ROLE_NAMES = ("score", "prediction", "label")


def read_quantiles(values: dict[str, Any], keys: dict[str, Located]) -> dict[str, Any]:
    """Return the fields of the section for the values of `prediction` and `quantiles`.

    Args:
        values: the values of the keys; `prediction` is a tuple of columns, `quantiles` a tuple of levels if present.
        keys: the keys with their places in the policy.

    Raises:
        PolicyError: the two lists do not fit each other.
    """
    columns, levels = values.get("prediction", ()), values.get("quantiles", ())
    if len(columns) < 2 and "quantiles" not in keys:
        return {"prediction": columns[0] if columns else ""}
    _check_lists(values, columns, levels, keys)
    in_order = sorted(zip(levels, columns, strict=True))
    level, primary = min(in_order, key=lambda item: (abs(item[0] - MEDIAN), item[0]))
    metrics = quantile_metrics([c for _, c in in_order], [q for q, _ in in_order], primary)
    names = {metric.name for metric in values.get("metrics", ())}
    if clash := next((metric.name for metric in metrics if metric.name in names), ""):
        raise keys["metrics"].error(f"`{clash}` is a metric of the quantiles", "give your metric another name")
    return {
        "prediction": primary,
        "predictions": tuple(c for _, c in in_order),
        "quantiles": tuple(q for q, _ in in_order),
        "quantile": level,
        "metrics": (*values.get("metrics", ()), *metrics),
    }


def _check_lists(
    values: dict[str, Any], columns: Sequence[str], levels: Sequence[float], keys: dict[str, Located]
) -> None:
    at = keys["prediction"] if "prediction" in keys else keys["quantiles"]
    if values.get("task") != "regression":
        raise at.error("several columns of predictions belong to task `regression`", "name one column")
    if "quantiles" not in keys:
        raise at.error("several columns of predictions need the key `quantiles`", "for example `[0.1, 0.5, 0.9]`")
    if len(columns) != len(levels):
        raise keys["quantiles"].error(
            f"{len(levels)} quantiles for {len(columns)} columns of predictions", "name one level per column"
        )
    for key, items in (("prediction", columns), ("quantiles", levels)):
        if len(set(items)) < len(items):
            raise keys[key].error(f"`{key}` names one twice", "name each once")
    if "quantile" in keys:
        raise keys["quantile"].error("`quantile` beside `quantiles` is not read", "remove it")
    if clash := next((column for column in columns if column in _ROLE_NAMES), ""):
        raise at.error(f"`{clash}` cannot name one of several columns", "rename the column: the word has a meaning")


def quantile_metrics(columns: Sequence[str], levels: Sequence[float], primary: str) -> list[CustomMetric]:
    """Return the metrics of quantiles in ascending order; the pinball loss of `primary` is the built-in metric."""
    names = dict(zip(columns, (_quoted(column) for column in columns), strict=True))
    metrics = [
        CustomMetric(
            name=f"pinball-{_percent(level)}",
            sql=_where_finite(
                [names[column], "label"],
                f"greatest({level!r} * (label - {names[column]}), {1.0 - level!r} * ({names[column]} - label))",
            ),
            direction=Direction.LOWER,
            margin=PINBALL_MARGIN,
            relative=True,
        )
        for column, level in zip(columns, levels, strict=True)
        if column != primary
    ]
    for (low, first), (high, last) in itertools.combinations(list(zip(columns, levels, strict=True)), 2):
        if abs(first + last - 1.0) < 1e-9:
            inside = f"CASE WHEN label BETWEEN {names[low]} AND {names[high]} THEN 1.0 ELSE 0.0 END"
            metrics.append(
                CustomMetric(
                    name=f"coverage-{_percent(last - first)}",
                    sql=_where_finite([names[low], names[high], "label"], inside),
                    direction=Direction.LOWER,
                    margin=COVERAGE_MARGIN,
                    unit="ratio",
                    target=round(last - first, 12),
                )
            )
    crossed = " OR ".join(f"{names[low]} > {names[high]}" for low, high in itertools.pairwise(columns))
    sql = _where_finite(list(names.values()), f"CASE WHEN {crossed} THEN 1.0 ELSE 0.0 END")
    crossing = CustomMetric(
        name="quantile-crossing", sql=sql, direction=Direction.LOWER, margin=CROSSING_MARGIN, unit="ratio"
    )
    return [*metrics, crossing]


def _where_finite(names: Sequence[str], value: str) -> str:
    """Return SQL for a value, null unless all numbers are finite: NaN is larger than every number in the engines."""
    return f"CASE WHEN {' AND '.join(f'abs({name}) < 1e308' for name in names)} THEN {value} END"


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _percent(share: float) -> str:
    """Return a share in percent as part of the name of a metric: 2.5 % is `2-5`."""
    return f"{100 * share:.6g}".replace(".", "-")
