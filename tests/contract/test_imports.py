"""A command starts without the packages that it does not need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import scoring_service
from ghmlops.commands import COMMANDS

HEAVY = ("numpy", "scipy", "pandas", "pyarrow", "duckdb", "requests", "uvloop", "httptools", "psutil")
PLANNING = ("numpy", "scipy")
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
    """Checking a policy needs the policy's reader only; numpy and scipy add what its load can detect."""
    command = [sys.executable, "-I", "-c", PROGRAM]
    for line in (["init", "--starter"], ["policy", "check"]):
        done = subprocess.run(
            [*command, *line], cwd=str(tmp_path), capture_output=True, text=True, check=True, timeout=60
        )
        code, loaded = json.loads(done.stderr.splitlines()[-1])
        assert code == 0
        # What a load can detect is computed from its plan.
        assert [name for name in HEAVY if name in loaded and name not in PLANNING] == []
    bare = [sys.executable, "-c", BLOCKED, ",".join(HEAVY), "policy", "check"]
    subprocess.run(bare, cwd=str(tmp_path), capture_output=True, check=True, timeout=60)


BLOCKED = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None
from ghmlops.cli import main
raise SystemExit(main(sys.argv[1:]))
"""
NOT_INSTALLED = {
    "preview": "github,requests,numpy,scipy,duckdb,uvloop,h2,httptools,pandas,pyarrow,pyspark,grpc",
    "check": "github,requests,pandas,pyarrow,pyspark,grpc",
    "regression": "github,requests,psutil,uvloop,h2,httptools,pandas,pyarrow,pyspark,grpc",
    "report": "github,requests,duckdb,psutil,uvloop,h2,httptools,pandas,pyarrow,pyspark,grpc",
    "gate": "github,requests,duckdb,psutil,uvloop,h2,httptools,pandas,pyarrow,pyspark,grpc",
}
"""Packages that a command must do without: its action does not install them, or only talking to GitHub needs them."""


def test_commands_need_only_what_their_action_installs(tmp_path: Path) -> None:
    """Each command reaches a verdict although the packages of other commands cannot be imported."""
    section = "regression: {task: regression, key: [id], label: y, prediction: v,"
    section += " artifacts: {baseline: a.parquet, candidate: b.parquet}}\n"
    (tmp_path / "policy.yml").write_text(f"version: 1\nservice: s\n{section}")
    rng = np.random.default_rng(1)
    label = rng.normal(size=2000)
    values = {"id": np.arange(2000), "y": label, "v": label + rng.normal(scale=0.1, size=2000)}
    for name in ("a", "b"):
        pq.write_table(pa.table(values), tmp_path / f"{name}.parquet")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, timeout=30)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_"))}
    with scoring_service.started() as url:
        inputs = {"report": ["--comment", "off"], "preview": ["--url", f"{url}/predict"]}
        for command, packages in NOT_INSTALLED.items():
            line = [sys.executable, "-c", BLOCKED, packages, command, "--policy", "policy.yml"]
            line += inputs.get(command, [])
            done = subprocess.run(
                line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
            )
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
