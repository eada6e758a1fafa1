"""`latency` replays the profile of a demand; a damaged or hostile profile is refused in one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.policy.latency import Trace
from ghmlops.measure.requests.trace import read_trace

if TYPE_CHECKING:
    from pathlib import Path

PROFILE: dict[str, Any] = {
    "schema": "ghmlops/demand/v1",
    "start": "2026-06-01T00:00:00Z",
    "period": 7200,
    "rates": [0.5, 2.0],
    "gap_cv": 1.0,
    "dispersion": 1.0,
    "gap_shape": 1.0,
    "modulation": 0.1,
    "requests": 9000,
    "periods": 1,
    "seed": 0,
}


def read(path: Path, content: object, **settings: Any) -> Any:
    """Write the profile, and read it as a recording."""
    duration = settings.pop("duration", 0.0)
    path.write_text(json.dumps(content, indent=1))
    return read_trace(path, path.name, Trace(file=path.name, **settings), duration)


def test_the_format_is_detected_and_the_clock_compressed(tmp_path: Path) -> None:
    """60 s at speed 60 are the first hour."""
    path = tmp_path / "demand.json"
    assert len(read(path, PROFILE, speed=60.0).times) == 9_000
    first = read(path, PROFILE, speed=60.0, duration=60.0)
    assert len(first.times) in range(1_795, 1_806)
    assert (first.skipped, first.first[:13]) == ({}, "2026-06-01T00")
    assert len(read(path, PROFILE, share=0.1).times) == 900
    assert len(read(path, PROFILE, format="demand", share=0.1).times) == 900


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"rates": [0.5]}, "period"),
        ({"rates": [0.5, -1]}, "rate"),
        ({"rates": [0.5, 1e9]}, "rate"),
        ({"rates": [900.0, 900.0]}, "requests"),
        ({"rates": [0.0, 0.0]}, "two requests"),
        ({"rates": "fast"}, "rates"),
        ({"gap_shape": 1e9}, "gap_shape"),
        ({"start": "Monday"}, "isoformat"),
        ({"more": 1}, "more"),
    ],
)
def test_what_is_no_profile_is_refused(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    """The error names the file and the problem."""
    with pytest.raises(DataError) as error:
        read(tmp_path / "demand.json", PROFILE | change)
    assert word in error.value.message
    assert "demand.json" in error.value.message
