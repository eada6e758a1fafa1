"""The comparison of two checkouts finds no difference to itself, and finds a changed number."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "scripts" / "bench" / "equal_verdicts"


def compare(base: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH), str(base), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_a_checkout_equals_itself() -> None:
    """Every value of the compared case agrees, and there are some."""
    done = compare(ROOT, "--only", "import-oha")
    assert done.returncode == 0, done.stdout + done.stderr
    (values,) = re.findall(r"^1 cases, (\d+) values, 0 differ$", done.stdout, re.MULTILINE)
    assert int(values) > 20


def test_a_changed_number_is_found(tmp_path: Path) -> None:
    """A checkout that reports another number is found, and the number is named."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    oha = tmp_path / "src" / "ghmlops" / "measure" / "foreign" / "oha.py"
    text = oha.read_text(encoding="utf-8")
    assert "1e3" in text
    oha.write_text(text.replace("1e3", "1.001e3"), encoding="utf-8")
    done = compare(tmp_path, "--only", "import-oha")
    assert done.returncode == 1
    assert "response-time of candidate / p99: " in done.stdout


def test_no_case_is_no_success() -> None:
    """A selection without a case, or a folder that is no checkout, is not an agreement."""
    assert compare(ROOT, "--only", "no such case").returncode == 1
    assert compare(ROOT / "tests").returncode == 2
