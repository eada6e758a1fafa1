"""The comparison with libraries runs, and ours agrees with them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "scripts" / "bench" / "libraries"


def test_ours_agrees_with_the_libraries() -> None:
    """Percentiles equal those of the reference within its resolution of three digits, p-values those of sampling."""
    command = [sys.executable, str(BENCH), "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (difference,) = re.findall(r"percentiles differ by (\S+)", done.stdout)
    (p_values,) = re.findall(r"p (\S+) and (\S+)", done.stdout)
    assert float(difference) < 1e-3
    assert float(p_values[0]) == pytest.approx(float(p_values[1]), abs=0.003)
