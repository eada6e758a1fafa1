"""The benchmark of the tolerance of a repetition runs, and the tolerance covers what it measures."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ghmlops.core.reproduce.remeasurement import RELATIVE_TOLERANCE

BENCH = Path(__file__).parents[2] / "scripts" / "bench" / "remeasure"


def test_instruction_sets_differ_by_less_than_the_tolerance() -> None:
    """Every setting has a result, and no number differs by a tenth of the tolerance."""
    command = [sys.executable, str(BENCH), "--rows", "20000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    largest = [float(value) for value in re.findall(r"\d\s+(\d\S*)$", done.stdout, flags=re.MULTILINE)]
    assert len(largest) == 5
    assert max(largest) < RELATIVE_TOLERANCE / 10
