"""Numbers as people read them. Everything returned is made of digits, signs and this project's own words.

A finding's `unit` is that of its `change` and `margin`. Its values are in the same unit, but for a *relative* change
(unit `ratio`, and the estimate is not simply candidate - baseline): there the values have the metric's own unit.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Direction

if TYPE_CHECKING:
    from ghmlops.core.model import Finding

GAP = "\u00a0"
"""Between a number and its unit: never broken across lines."""
MINUS = "\u2212"
MISSING = "\u2013"
"""A dash where there is no number."""
_UNIT = re.compile(r"[A-Za-z][A-Za-z/ ]{0,15}")
_QUANTILE = re.compile(r"p\d{1,2}([.-]\d{1,3})?")
LARGEST = 1e15


class Scale(NamedTuple):
    """How a kind of number is written: multiplied by `factor`, followed by `unit`; `digits` significant ones."""

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
    """Write `value`: thousands separated, a true minus sign, at least `scale.digits` significant digits.

    Returns:
        For example `1,234 ms`, `+3.10 %`, `0.8123`; a dash where there is no value.
    """
    if value is None:
        return MISSING
    shown = _digits(_float(value) * scale.factor, scale.digits, signed=signed)
    return f"{shown}{GAP}{scale.unit}" if unit and scale.unit else shown


def count(value: int | None) -> str:
    """Write a whole number with separated thousands."""
    if value is None:
        return MISSING
    return f"{value:,}" if abs(value) < LARGEST else _digits(_float(value), 4, signed=False)


def plain(value: float) -> str:
    """Write a number that stands for itself, such as a setting: four significant digits, six above 1,000."""
    return _short(value, PLAIN, signed=False)


def probability(value: float | None) -> str:
    """Write a probability: three digits, and below 0.001 in powers of ten."""
    if value is None:
        return MISSING
    return _mended(f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.1e}" if value else "0")


def duration(seconds: float | None) -> str:
    """Write a time span: `0.8 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
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
    """Return how numbers of `unit` (untrusted) are written; an unknown unit is kept where it is a plain word."""
    known = _SCALES.get(unit)
    if known is not None:
        return known
    return Scale(1.0, unit, 4) if _UNIT.fullmatch(unit) else PLAIN


def change_scale(finding: Finding) -> Scale:
    """Return how the change and the margin of `finding` are written."""
    scale = unit_scale(finding.unit)
    return POINTS if scale is PERCENT and _absolute(finding) else scale


def value_scale(finding: Finding) -> Scale:
    """Return how the baseline's and the candidate's value of `finding` are written."""
    scale = unit_scale(finding.unit)
    if scale.unit == "pt":
        return PERCENT if scale.factor == PERCENT.factor else Scale(1.0, "%", 3)
    if scale is not PERCENT or finding.change is None or _absolute(finding):
        return scale
    return MILLISECONDS if _QUANTILE.fullmatch(finding.metric) else PLAIN


def _absolute(finding: Finding) -> bool:
    """True where the change is candidate - baseline and not a fraction of the baseline.

    A rate that only the pair has (churn, flips) has no baseline value: its change is the rate itself. Evidence holds
    ten significant digits, hence the tolerance.
    """
    change, low, high = finding.change, finding.baseline, finding.candidate
    if change is None or change.estimate is None or high is None:
        return False
    if low is None:
        return not _QUANTILE.fullmatch(finding.metric)
    difference = _float(high) - _float(low)
    if difference == 0:  # then both readings agree; values within 0 and 1 are taken for shares
        return 0 <= low <= 1 and not _QUANTILE.fullmatch(finding.metric)
    nearly = 1e-8 * max(abs(_float(low)), abs(_float(high)))
    return math.isclose(_float(change.estimate), difference, rel_tol=1e-6, abs_tol=nearly)


def change(finding: Finding) -> str:
    """Write the change with its interval: `+3.1 % [+1.2, +5.0]`; an open end is said in words."""
    interval, scale = finding.change, change_scale(finding)
    if interval is None:
        return MISSING
    known = [abs(_float(v)) * scale.factor for v in (interval.estimate, interval.low, interval.high) if v is not None]
    places = _places(max(known, default=0.0))

    def at(value: float) -> str:
        return _fixed(_float(value) * scale.factor, places, signed=True)

    unit = f"{GAP}{scale.unit}" if scale.unit else ""
    head = f"{at(interval.estimate)}{unit}" if interval.estimate is not None else ""
    if interval.low is not None and interval.high is not None:
        tail = f"[{at(interval.low)},{GAP}{at(interval.high)}]"
        tail = tail if head else tail + unit
    elif interval.low is not None:
        tail = f"[at least {at(interval.low)}]"
    elif interval.high is not None:
        tail = f"[at most {at(interval.high)}]"
    else:
        tail = ""
    return f"{head} {tail}".strip() or MISSING


def limit(finding: Finding) -> str:
    """Write the limit of the judgement as a condition: `≤ +5 %`, `within ±1 pt`, `≤ 150 ms`."""
    if finding.margin is None:
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


def tendency(finding: Finding) -> str:
    """Say in words which way a change goes, as far as its interval shows it: better, worse, or not clear."""
    interval, direction = finding.change, finding.direction
    if interval is None or direction is None:
        return ""
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
    """Return a float of any number that JSON can hold; whole numbers may be longer than a float reaches."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _places(largest: float) -> int:
    """Return the decimal places at which a few numbers, the largest of this size, are compared."""
    if not 0 < largest < 100:
        return 0 if largest else 1
    return max(1, min(6, 1 - math.floor(math.log10(largest))))


def _digits(value: float, digits: int, *, signed: bool) -> str:
    if not abs(value) < LARGEST:
        return _mended(f"{value:+.3g}" if signed else f"{value:.3g}")
    if value != 0 and abs(value) < 1e-6:
        return _mended(f"{value:+.2g}" if signed else f"{value:.2g}")
    places = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    return _fixed(value, max(0, min(places, digits + 3)), signed=signed)


def _fixed(value: float, places: int, *, signed: bool) -> str:
    if not abs(value) < LARGEST:
        return _mended(f"{value:+.3g}" if signed else f"{value:.3g}")
    rounded = round(value, places) + 0.0  # adding zero turns -0.0 into 0.0
    return _mended(f"{rounded:+,.{places}f}" if signed and rounded else f"{rounded:,.{places}f}")


def _short(value: float, scale: Scale, *, signed: bool) -> str:
    """Write a limit, which a person typed: no more digits than it has."""
    scaled = _float(value) * scale.factor
    if not abs(scaled) < LARGEST or 0 < abs(scaled) < 1e-6:
        shown = f"{scaled:.3g}"
    else:
        digits = 6 if abs(scaled) >= 1000 else 4
        shown = f"{float(f'{scaled:.{digits}g}'):,.10f}".rstrip("0").rstrip(".")
    sign = "+" if signed and scaled > 0 else ""
    return _mended(sign + shown) + (f"{GAP}{scale.unit}" if scale.unit else "")


def _mended(text: str) -> str:
    return text.replace("-", MINUS).replace("inf", "∞")


def finite(value: object) -> float | None:
    """Return a number that can be drawn; `None` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < 1e300 else None
