"""One quantile over the pairs of blocks, and the e-processes with their limits: SVG without scripts, inline styles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.report.charts import arm_chart
from ghmlops.report.charts.arm_chart import HEIGHT, LEFT, RIGHT
from ghmlops.report.charts.axis import Axis
from ghmlops.report.charts.log_axis import LogAxis
from ghmlops.report.text import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.report.text.blocks import PairEvidence

RATIO_TOP, RATIO_BOTTOM, E_TOP, E_BOTTOM = 30, 130, 158, 258
MIN_LOG10_E, MAX_LOG10_E = -4.0, 6.0
"""Ends of the axis of the e-processes, as powers of ten; values beyond are drawn at its border."""
MAX_RATIO = 100.0
"""Ratios beyond this factor are drawn at the border."""
_PROCESSES = {"fail": "slower", "pass": "not slower"}
"""The two e-processes in the order of their values: class and name."""


def figure(pairs: PairEvidence) -> Iterator[str]:
    """Draw the ratio candidate / baseline of each pair above both e-processes.

    Dashed lines are the margin and the values at which the e-processes decide; the vertical line is the decision.
    Yields nothing without a pair.
    """
    if not pairs.ratios:
        return
    x_axis = Axis(0.0, len(pairs.ratios) + 1.0, LEFT, RIGHT)
    ratios = [min(max(ratio, 1 / MAX_RATIO), MAX_RATIO) for ratio in pairs.ratios]
    reach = max(1.02, *(max(ratio, 1 / ratio) for ratio in (*ratios, min(pairs.margin, MAX_RATIO)))) * 1.02
    parts = [
        *_decision(pairs, x_axis),
        *_ratios(pairs, ratios, x_axis, LogAxis(1 / reach, reach, RATIO_BOTTOM, RATIO_TOP)),
        *_evidence(pairs, x_axis),
        *_pair_numbers(x_axis),
    ]
    yield from arm_chart.figure(parts, _summary(pairs), _caption(pairs))


def _ratios(pairs: PairEvidence, ratios: Sequence[float], x_axis: Axis, y_axis: LogAxis) -> Iterator[str]:
    yield from _rows(y_axis.ticks(), y_axis)
    yield _line("axis", y_axis(1.0))
    if pairs.margin < y_axis.max_value:
        yield _line("limit", y_axis(pairs.margin))
    for number, ratio in enumerate(ratios, start=1):
        yield f'<circle class="candidate" cx="{x_axis(number)}" cy="{y_axis(ratio)}" r="2.5"/>'
    yield f'<text class="name" x="{LEFT}" y="{RATIO_TOP - 12}">{pairs.quantile} of the candidate / baseline</text>'


def _evidence(pairs: PairEvidence, x_axis: Axis) -> Iterator[str]:
    """Draw both e-processes on a common logarithmic axis that contains their limits."""
    limits = [_log10(limit) for limit in pairs.log_limits]
    values = [_log10(value) for row in pairs.log_e for value in row]
    axis = Axis(min(-0.5, *values, 0.0), max(*limits, *values, 0.0) + 0.3, E_BOTTOM, E_TOP)
    step = max(1, math.ceil((axis.max_value - axis.min_value) / 5))
    for power in range(math.ceil(axis.min_value / step) * step, math.floor(axis.max_value) + 1, step):
        yield _line("grid", axis(power))
        y = float(axis(power)) + 4
        yield f'<text class="row" x="{LEFT - 8}" y="{y:.1f}">{_power(power)}</text>'
    for index, (tone, name) in enumerate(_PROCESSES.items()):
        points = [(0.0, 0.0), *((float(n), _log10(row[index])) for n, row in enumerate(pairs.log_e, start=1))]
        path = "L".join(f"{x_axis(number)} {axis(value)}" for number, value in points)
        yield _line(f"threshold {tone}", axis(limits[index]))
        yield f'<path class="evidence {tone}" d="M{path}"/>'
        x = LEFT + 70 + index * 120
        yield f'<line class="evidence {tone}" x1="{x}" y1="{E_TOP - 10}" x2="{x + 26}" y2="{E_TOP - 10}"/>'
        yield f'<text class="name" x="{x + 32}" y="{E_TOP - 6}">{name}</text>'
    yield f'<text class="name" x="{LEFT}" y="{E_TOP - 6}">e-value of</text>'


def _power(exponent: int) -> str:
    """Return a power of ten as text that fits beside the axis."""
    superscript = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return numbers.plain(10.0**exponent) if -3 <= exponent <= 3 else f"10{superscript}"


def _log10(log_value: float) -> float:
    return min(max(log_value / math.log(10), MIN_LOG10_E), MAX_LOG10_E)


def _decision(pairs: PairEvidence, x_axis: Axis) -> Iterator[str]:
    if _is_decided(pairs):
        x = x_axis(pairs.decided_at or 0)
        for top, bottom in ((RATIO_TOP, RATIO_BOTTOM), (E_TOP, E_BOTTOM)):
            yield f'<line class="edge" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>'


def _is_decided(pairs: PairEvidence) -> bool:
    return pairs.decided_at is not None and 1 <= pairs.decided_at <= len(pairs.ratios)


def _rows(ticks: Sequence[float], axis: LogAxis) -> Iterator[str]:
    """Draw at most five of the ticks."""
    for value in ticks[:: -(-len(ticks) // 5)]:
        yield _line("grid", axis(value))
        yield f'<text class="row" x="{LEFT - 8}" y="{float(axis(value)) + 4:.1f}">{numbers.plain(value)}</text>'


def _line(name: str, y: str) -> str:
    return f'<line class="{name}" x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}"/>'


def _pair_numbers(x_axis: Axis) -> Iterator[str]:
    for value in x_axis.ticks():
        if value == round(value) and 1 <= value < x_axis.max_value:
            yield f'<text x="{x_axis(value)}" y="{E_BOTTOM + 16}">{numbers.plain(value)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{E_BOTTOM}" x2="{RIGHT}" y2="{E_BOTTOM}"/>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}">pair of blocks</text>'


def _summary(pairs: PairEvidence) -> str:
    """Describe the chart for screen readers."""
    ordered = sorted(pairs.ratios)
    middle = numbers.plain(ordered[len(ordered) // 2])
    spread = f"from {numbers.plain(ordered[0])} to {numbers.plain(ordered[-1])}, median {middle}"
    result = f"decided after pair {numbers.count(pairs.decided_at)}" if _is_decided(pairs) else "undecided"
    return (
        f"{pairs.quantile} of the candidate divided by that of the baseline in {numbers.count(len(ordered))} pairs of "
        f"blocks: {spread}. {_reached(pairs)} The run was {result}."
    )


def _reached(pairs: PairEvidence) -> str:
    """Return the largest value of each e-process beside its limit."""
    sentences = []
    for index, name in enumerate(_PROCESSES.values()):
        largest = max((row[index] for row in pairs.log_e), default=0.0)
        limit = numbers.plain(round(math.exp(pairs.log_limits[index]), 6))
        sentences.append(f'e-value of "{name}": at most {_e_value(largest)}, limit {limit}.')
    return " ".join(sentences).replace('"', "&quot;")


def _e_value(log_value: float) -> str:
    if log_value > math.log(10) * MAX_LOG10_E:
        return f"more than {numbers.count(int(10**MAX_LOG10_E))}"
    return numbers.rounded(math.exp(log_value), 3)


def _caption(pairs: PairEvidence) -> str:
    margin, safe = (numbers.plain(value) for value in (pairs.margin, pairs.safe))
    decision = f" The vertical line marks the decision, after pair {pairs.decided_at}." if _is_decided(pairs) else ""
    return (
        f"Above: {pairs.quantile} of each pair; the dashed line is the failing margin ({margin}). Below: evidence that "
        f"the candidate is slower than this margin, and that it is not slower than the safe limit ({safe}). The dashed "
        f"lines there are the values at which each decides.{decision}"
    )
