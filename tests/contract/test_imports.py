"""A command starts without the packages that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ghmlops.commands import COMMANDS

HEAVY = ("numpy", "scipy", "pandas", "pyarrow", "duckdb", "github", "requests", "uvloop", "httptools", "psutil")
PROGRAM = """
import json, sys
from ghmlops.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""
LINES = [["--help"], ["--version"], *([c.name, "--help"] for c in COMMANDS)]


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_help_is_light(line: list[str]) -> None:
    """`--help`, of ghmlops and of every command, loads none of the heavy packages, and prints to standard output."""
    command = [sys.executable, "-I", "-c", PROGRAM, *line]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    code, loaded = json.loads(done.stderr)
    assert code in (0, None)
    assert [name for name in HEAVY if name in loaded] == []
    assert done.stdout


def test_policy_check_is_light(tmp_path: object) -> None:
    """Checking a policy needs the policy's reader only."""
    command = [sys.executable, "-I", "-c", PROGRAM]
    for task in ("init", "check"):
        done = subprocess.run(
            [*command, "policy", task], cwd=str(tmp_path), capture_output=True, text=True, check=True, timeout=60
        )
        code, loaded = json.loads(done.stderr.splitlines()[-1])
        assert code == 0
        assert [name for name in HEAVY if name in loaded] == []
