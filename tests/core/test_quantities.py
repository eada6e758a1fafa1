"""Durations, rates, ratios, counts and sizes as people write them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core import quantities

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (quantities.duration, "150ms", 0.15),
        (quantities.duration, "60s", 60.0),
        (quantities.duration, "1.5 m", 90.0),
        (quantities.duration, "250us", 0.00025),
        (quantities.duration, "7d", 604800.0),
        (quantities.rate, "200/s", 200.0),
        (quantities.rate, "30/m", 0.5),
        (quantities.rate, " 3600 / h ", 1.0),
        (quantities.ratio, "0.5%", 0.005),
        (quantities.ratio, "0.005", 0.005),
        (quantities.ratio, "0", 0.0),
        (quantities.ratio, "100%", 1.0),
        (quantities.number, "-2.5", -2.5),
        (quantities.count, "200", 200),
        (quantities.size, "512MB", 512_000_000),
        (quantities.size, "1.5GiB", 1_610_612_736),
        (quantities.size, "1048576", 1_048_576),
    ],
)
def test_reads_what_people_write(read: Callable[[str], float], text: str, expected: float) -> None:
    """Each spelling of the design document is read as its value in base units."""
    assert read(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (quantities.duration, "fast"),
        (quantities.duration, "150"),
        (quantities.duration, "0s"),
        (quantities.duration, "-1s"),
        (quantities.duration, "1e3s"),
        (quantities.duration, "150ms; rm"),
        (quantities.duration, "9" * 400 + "d"),
        (quantities.rate, "200"),
        (quantities.rate, "0/s"),
        (quantities.ratio, "101%"),
        (quantities.ratio, "-1%"),
        (quantities.ratio, "nan"),
        (quantities.number, "inf"),
        (quantities.number, "abc"),
        (quantities.count, "1.5"),
        (quantities.count, "-1"),
        (quantities.size, "much"),
        (quantities.size, "0"),
        (quantities.size, "0.5B"),
        (quantities.size, "9" * 400),
    ],
)
def test_refuses_everything_else(read: Callable[[str], float], text: str) -> None:
    """What has no unit, is out of range or is not finite is refused, and the sentence repeats it."""
    with pytest.raises(ValueError, match="expected"):
        read(text)


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_a_formatted_duration_parses_back(seconds: float) -> None:
    """`format_duration` writes what `duration` reads, to the digits it shows."""
    assert math.isclose(quantities.duration(quantities.format_duration(seconds)), seconds, rel_tol=1e-3)


def test_every_reader_has_an_example() -> None:
    """The hint of each reader shows a spelling which that reader accepts."""
    for name, text in quantities.EXAMPLES.items():
        read = getattr(quantities, name)
        examples = text.split("`")[1::2]
        assert examples
        assert all(read(example) >= 0 for example in examples)
