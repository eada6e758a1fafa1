"""Parses durations, rates, ratios, counts and sizes in human-readable notation: `150ms`, `200/s`, `0.5%`, `1GiB`."""

from __future__ import annotations

import math
import re

_NUMBER = r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_DURATION = re.compile(rf"{_NUMBER}\s*(us|ms|s|m|h|d)")
_RATE = re.compile(rf"{_NUMBER}\s*/\s*(s|m|h)")
_RATIO = re.compile(rf"{_NUMBER}\s*(%?)")
_SIZE = re.compile(rf"{_NUMBER}\s*(B|[kKMGT]i?B)?")
MAX_DURATION = 3653 * 86400.0
"""Upper bound in seconds (ten years); longer values are treated as typing errors."""
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "B": 1} | {
    f"{letter}{infix}B": base**power
    for power, letter in enumerate("KMGT", start=1)
    for infix, base in (("", 1000), ("i", 1024))
}


def duration(text: str) -> float:
    """Return the seconds of a duration: `150ms`, `60s`, `5m`, `1h`, `7d`.

    Raises:
        ValueError: `text` is not a positive duration of at most ten years with a unit.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not 0 < seconds <= MAX_DURATION:
        raise ValueError(f'expected a duration with a unit, got "{text}"')
    return seconds


def rate(text: str) -> float:
    """Return a rate in events per second: `200/s`, `30/m`.

    Raises:
        ValueError: `text` is not a positive rate with a unit.
    """
    match = _RATE.fullmatch(text.strip())
    value = float(match[1]) / _SECONDS[match[2]] if match else 0.0
    if not value > 0 or not math.isfinite(value):
        raise ValueError(f'expected a rate with a unit, got "{text}"')
    return value


def ratio(text: str) -> float:
    """Return a fraction between 0 and 1: `0.5%` or `0.005`.

    Raises:
        ValueError: `text` is not a ratio, or lies outside 0..1.
    """
    match = _RATIO.fullmatch(text.strip())
    value = (float(match[1]) / (100 if match[2] else 1)) if match else -1.0
    if not 0 <= value <= 1:
        raise ValueError(f'expected a ratio between 0 and 1, got "{text}"')
    return value


def number(text: str) -> float:
    """Return a finite number.

    Raises:
        ValueError: `text` is not a finite number.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f'expected a number, got "{text}"')
    return value


def count(text: str) -> int:
    """Return a whole number of at least 0.

    Raises:
        ValueError: `text` is not a whole number of at most 15 digits.
    """
    if not re.fullmatch(r"[0-9]{1,15}", text.strip()):
        raise ValueError(f'expected a whole number, got "{text}"')
    return int(text)


def size(text: str) -> int:
    """Return a size in bytes: `512MB`, `1.5GiB`, `1048576`.

    Raises:
        ValueError: `text` is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    value = float(match[1]) * _BYTES[(match[2] or "").replace("k", "K")] if match else 0.0
    if not 1 <= value < math.inf:
        raise ValueError(f'expected a size with a unit, got "{text}"')
    return int(value)


def format_duration(seconds: float) -> str:
    """Format seconds in the largest unit that fits: `0.15` becomes `150 ms`."""
    for unit, factor in (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0)):
        if seconds >= factor:
            return f"{seconds / factor:.4g} {unit}"
    return f"{seconds * 1e3:.4g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.4g} us"


EXAMPLES = {
    "duration": "`150ms`, `60s` or `5m`",
    "rate": "`200/s` or `30/m`",
    "ratio": "`0.5%` or `0.005`",
    "number": "`0.5`",
    "count": "`200`",
    "size": "`512MB` or `1.5GiB`",
}
"""Valid examples of each quantity, for the hints of error messages."""
