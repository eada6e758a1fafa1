"""Human-readable numbers with units. Results contain digits, signs and trusted words only, hence need no escaping.

The `unit` of a finding is that of its `change` and `margin`. The values of baseline and candidate are in the same unit,
except for a *relative* change (unit `ratio`, estimate different from candidate - baseline), whose values are in the
unit of the metric.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Direction, Outcome

if TYPE_CHECKING:
    from ghmlops.core.model import Finding

GAP = "\u00a0"
"""No-break space between a number and its unit."""
MINUS = "\u2212"
MISSING = "\u2013"
"""Shown if there is no number."""
_UNIT = re.compile(r"[A-Za-z][A-Za-z/ ]{0,15}")
_QUANTILE = re.compile(r"p\d{1,2}([.-]\d{1,3})?")
MIN_PROBABILITY = 0.0001
"""Smaller probabilities are written as `< 0.0001`: nothing depends on how small they are."""
MAX_FIXED = 1e15
"""Numbers of at least this size are written with an exponent."""


class Scale(NamedTuple):
    """Format of a kind of number: multiplied by `factor`, at least `digits` significant digits, followed by `unit`."""

    factor: float = 1.0
    unit: str = ""
    digits: int = 4


PERCENT = Scale(100.0, "%", 3)
POINTS = Scale(100.0, "pt", 3)
MILLISECONDS = Scale(1.0, "ms", 3)
PLAIN = Scale()
_SCALES = {
    "ratio": PERCENT,
    "share": PERCENT,
    "%": Scale(1.0, "%", 3),
    "pt": Scale(1.0, "pt", 3),
    "ms": MILLISECONDS,
    "s": Scale(1.0, "s", 3),
    "1/s": Scale(1.0, "/s", 4),
    "": PLAIN,
}


def number(value: float | None, scale: Scale = PLAIN, *, signed: bool = False, unit: bool = True) -> str:
    """Format `value` with separated thousands and at least `scale.digits` significant digits.

    Returns:
        For example `1,234 ms`, `+3.10 %` or `0.8123`; a dash for None.
    """
    if value is None:
        return MISSING
    digits = _digits(_float(value) * scale.factor, scale.digits, signed=signed)
    return f"{digits}{GAP}{scale.unit}" if unit and scale.unit else digits


def count(value: int | None) -> str:
    """Format an integer with separated thousands; a dash for None."""
    if value is None:
        return MISSING
    return f"{value:,}" if abs(value) < MAX_FIXED else _digits(_float(value), 4, signed=False)


def plain(value: float) -> str:
    """Format a number without a unit, such as a setting: four significant digits, six from 1,000."""
    return _short(value, PLAIN, signed=False)


def probability(value: float | None) -> str:
    """Format a probability with the digits that carry meaning: at most three, and `< 0.0001` for a smaller one."""
    if value is None:
        return MISSING
    if abs(value) < MIN_PROBABILITY:
        return f"< {MIN_PROBABILITY:.4f}"
    return _typographic(f"{value:.3g}")


def ratio(value: float | None, reference: float | None) -> float | None:
    """Return value / reference; None if either is missing, or unless both are above zero and finite."""
    if value is None or reference is None or not (0 < _float(reference) < math.inf and 0 < _float(value) < math.inf):
        return None
    return _float(value) / _float(reference)


def rounded(value: float, digits: int, scale: Scale = PLAIN, *, signed: bool = False) -> str:
    """Format `value` with `digits` significant digits: `3.1`, `+18 %`."""
    text = _digits(_float(value) * scale.factor, digits, signed=signed)
    return f"{text}{GAP}{scale.unit}" if scale.unit else text


def duration(seconds: float | None) -> str:
    """Format a time span given in seconds: `0.800 s`, `42.0 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return MISSING
    if not abs(_float(seconds)) < 1e9:
        return number(seconds, _SCALES["s"])
    if seconds < 60:
        return number(seconds, _SCALES["s"])
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def unit_scale(unit: str) -> Scale:
    """Return the format of numbers in `unit` (untrusted); an unknown unit is omitted unless it is a plain word."""
    if unit in _SCALES:
        return _SCALES[unit]
    return Scale(1.0, unit, 4) if _UNIT.fullmatch(unit) else PLAIN


def change_scale(finding: Finding) -> Scale:
    """Return the format of the change and the margin of a finding."""
    scale = unit_scale(finding.unit)
    return POINTS if scale is PERCENT and _absolute(finding) else scale


def value_scale(finding: Finding) -> Scale:
    """Return the format of the values of baseline and candidate of a finding."""
    scale = unit_scale(finding.unit)
    if scale.unit == "pt":
        return PERCENT if scale.factor == PERCENT.factor else Scale(1.0, "%", 3)
    if scale is not PERCENT or finding.change is None or _absolute(finding):
        return scale
    return quantile_scale(finding.metric)


def quantile_scale(metric: str) -> Scale:
    """Return the format of the values of a metric whose change is relative: only quantiles of times have a unit."""
    return MILLISECONDS if _QUANTILE.fullmatch(metric) else PLAIN


def _absolute(finding: Finding) -> bool:
    """Return whether the change is candidate - baseline, as opposed to a fraction of the baseline.

    A rate of pairs (churn, flips) has no value of the baseline; its change is the rate itself. The tolerance is needed
    because evidence contains ten significant digits.
    """
    change, low, high = finding.change, finding.baseline, finding.candidate
    if change is None or change.estimate is None or high is None:
        return False
    if low is None:
        return not _QUANTILE.fullmatch(finding.metric)
    difference = _float(high) - _float(low)
    if difference == 0:  # both interpretations agree; values from 0 to 1 are taken as shares
        return 0 <= low <= 1 and not _QUANTILE.fullmatch(finding.metric)
    tolerance = 1e-8 * max(abs(_float(low)), abs(_float(high)))
    return math.isclose(_float(change.estimate), difference, rel_tol=1e-6, abs_tol=tolerance)


def change(finding: Finding) -> str:
    """Format the change with its interval: `+3.1 % [+1.2, +5.0]`; `[at least +1.2]` if one bound is missing."""
    interval, scale = finding.loss or finding.change, change_scale(finding)
    if interval is None:
        return MISSING
    numbers = (interval.estimate, interval.low, interval.high)
    values = [None if number is None else _float(number) * scale.factor for number in numbers]
    places = _places(max([abs(value) for value in values if value is not None], default=0.0))
    estimate, low, high = ["" if value is None else _fixed(value, places, signed=True) for value in values]
    unit = f"{GAP}{scale.unit}" if scale.unit else ""
    head = f"{estimate}{unit}" if estimate else ""
    if low and high:
        tail = f"[{low},{GAP}{high}]"
        tail = tail if head else tail + unit
    elif low:
        tail = f"[at least {low}]"
    else:
        tail = f"[at most {high}]" if high else ""
    text = f"{head} {tail}".strip()
    if finding.loss and text:
        return f"distance {text}"
    return text or MISSING


def limit(finding: Finding) -> str:
    """Format the limit of a finding as a condition: `≤ +5 %`, `within ±1 pt`, `≤ 150 ms`."""
    if finding.margin is None or exceeds_by_noise(finding):
        return MISSING
    if finding.change is None:
        sign = "≥ " if finding.direction is Direction.HIGHER else "≤ "
        return sign + _short(finding.margin, value_scale(finding), signed=False)
    size, scale = abs(_float(finding.margin)), change_scale(finding)
    if finding.direction is Direction.TARGET:
        return "within ±" + _short(size, scale, signed=False)
    if finding.direction is Direction.HIGHER:
        return "≥ " + _short(-size, scale, signed=True)
    return "≤ " + _short(size, scale, signed=True)


def exceeds_by_noise(finding: Finding) -> bool:
    """Return whether a finding passed although its estimate exceeds the limit, because the loss is not significant.

    The limit of such a test is not one of the estimate, so it is not shown beside it.
    """
    interval = finding.loss or finding.change
    if finding.outcome is not Outcome.PASS or finding.margin is None or interval is None or interval.estimate is None:
        return False
    estimate, size = _float(interval.estimate), abs(_float(finding.margin))
    if finding.direction is Direction.TARGET:
        return abs(estimate) > size
    if finding.direction is Direction.HIGHER:
        return -estimate > size
    return finding.direction is Direction.LOWER and estimate > size


def tendency(finding: Finding) -> str:
    """Return in words whether a change is better, worse or not clear, as far as its interval shows."""
    interval, direction = finding.loss or finding.change, finding.direction
    if interval is None or direction is None:
        return ""
    if exceeds_by_noise(finding):
        return "→ not significant"
    up = interval.low is not None and interval.low > 0
    down = interval.high is not None and interval.high < 0
    if not up and not down:
        both = interval.low is not None and interval.high is not None
        return "→ no clear change" if both else ""
    arrow = "↑" if up else "↓"
    if direction is Direction.TARGET:
        return f"{arrow} moved"
    return f"{arrow} {'better' if up == (direction is Direction.HIGHER) else 'worse'}"


def _float(value: float) -> float:
    """Convert any number of a JSON document to a float; integers beyond the range of a float become infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _places(largest: float) -> int:
    """Return the number of decimal places for a group of numbers of which `largest` is the greatest in size."""
    if not 0 < largest < 100:
        return 0 if largest else 1
    return max(1, min(6, 1 - math.floor(math.log10(largest))))


def _digits(value: float, digits: int, *, signed: bool) -> str:
    if not abs(value) < MAX_FIXED:
        return _typographic(f"{value:+.3g}" if signed else f"{value:.3g}")
    if value != 0 and abs(value) < 1e-6:
        return _typographic(f"{value:+.2g}" if signed else f"{value:.2g}")
    places = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    return _fixed(value, max(0, min(places, digits + 3)), signed=signed)


def _fixed(value: float, places: int, *, signed: bool) -> str:
    if not abs(value) < MAX_FIXED:
        return _typographic(f"{value:+.3g}" if signed else f"{value:.3g}")
    rounded = round(value, places) + 0.0  # adding zero converts -0.0 to 0.0
    return _typographic(f"{rounded:+,.{places}f}" if signed and rounded else f"{rounded:,.{places}f}")


def _short(value: float, scale: Scale, *, signed: bool) -> str:
    """Format a number that a person typed without adding digits."""
    scaled = _float(value) * scale.factor
    if not abs(scaled) < MAX_FIXED or 0 < abs(scaled) < 1e-6:
        text = f"{scaled:.3g}"
    else:
        digits = 6 if abs(scaled) >= 1000 else 4
        text = f"{float(f'{scaled:.{digits}g}'):,.10f}".rstrip("0").rstrip(".")
    sign = "+" if signed and scaled > 0 else ""
    return _typographic(sign + text) + (f"{GAP}{scale.unit}" if scale.unit else "")


def _typographic(text: str) -> str:
    """Replace the ASCII minus sign and the word for infinity."""
    return text.replace("-", MINUS).replace("inf", "∞")


def finite(value: object) -> float | None:
    """Return `value` as a float that can be drawn; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < 1e300 else None
