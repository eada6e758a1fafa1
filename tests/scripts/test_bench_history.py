"""The benchmark of the history runs, and writers at the same time lose nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "scripts" / "bench" / "history"


def test_four_writers_lose_nothing() -> None:
    """Four writers with six records each, in two pushes each."""
    command = [sys.executable, str(BENCH), "--writers", "4", "--records", "6", "--per-push", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "24 of 24; doubled: 0; skipped: 0" in done.stdout
    assert "commits: 8;" in done.stdout
