"""The benchmarks of the latency verdict run, and their simulated noise has the documented properties."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghmlops.core.latency.constants import BLOCK_SIZE
from thoroughness import thorough

BENCH = Path(__file__).resolve().parents[2] / "scripts" / "bench"


@pytest.fixture(scope="module")
def noise() -> Any:
    """Return the noise model, loaded from its file, because the scripts are not a package."""
    spec = importlib.util.spec_from_file_location("bench_noise", BENCH / "noise.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def bench(name: str, *arguments: str) -> str:
    command = [sys.executable, str(BENCH / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_simulation_is_reproducible(tmp_path: Path) -> None:
    """Three runs per scenario: no false alarm, +20 % fails, the shares of a row sum to one; equal for an equal seed."""
    figures: list[dict[str, Any]] = []
    for name in ("first.json", "again.json"):
        arguments = ("--only", "noise", "--runs", "3", "--seed", "11", "--json", str(tmp_path / name))
        text = bench("verdict_latency", *arguments)
        figures.append(json.loads((tmp_path / name).read_text(encoding="utf-8")))
        assert "p99 alone against 5 %, by 18,000" in text
    first, again = figures
    assert first == again
    assert (first["duet"]["A/A"]["fail"], first["duet"]["+20 %"]["fail"]) == (0.0, 1.0)
    rows = [row for table in ("duet", "interleaved", "p99_alone") for row in first[table].values()]
    assert [1.0] * len(rows) == pytest.approx([row["fail"] + row["pass"] + row["inconclusive"] for row in rows])
    assert {"back to back", "interleaved", "duet"} == set(first["known_judges"]["Welch t, p < .05"])


@thorough
def test_queues_at_every_utilisation(tmp_path: Path) -> None:
    """One run per scenario: equal queues never fail; independent ones beyond their capacity end saturated."""
    bench("verdict_latency", "--only", "queues", "--runs", "1", "--seed", "5", "--json", str(tmp_path / "queues.json"))
    tables = json.loads((tmp_path / "queues.json").read_text(encoding="utf-8"))["queues"]
    slower = tables.pop("slower")
    assert [row["fail"] for table in tables.values() for row in table.values()] == [0.0] * 41
    independent = next(iter(tables.values()))
    assert [independent[name]["saturated"] for name in ("0.1", "1.2", "1.5")] == [0.0, 1.0, 1.0]
    assert slower["independent, 0.6, x 2 (candidate at 1.2)"]["fail"] == 1.0


@pytest.mark.parametrize("design", ["duet", "interleaved", "back to back"])
def test_both_arms_do_the_same_work(noise: Any, design: str) -> None:
    """In each design the arms share the payloads, and each arm uses each position of the time line at most once."""
    rng = np.random.default_rng(3)
    first, second = noise.positions(6, design, rng)
    assert (len(set(first.tolist())), len(set(second.tolist()))) == (6 * BLOCK_SIZE, 6 * BLOCK_SIZE)
    assert (design == "duet") == bool((first == second).all())
    baseline, candidate = noise.arms(40, design, noise.Noise(), rng)
    assert 0.5 < float(np.corrcoef(baseline.cost, candidate.cost)[0, 1]) < 0.7
    assert float(np.median(candidate.times / baseline.times)) == pytest.approx(1.0, abs=0.5)


def test_interleaved_arms_take_turns(noise: Any) -> None:
    """The blocks of a pair are adjacent, and each arm is first about as often."""
    first, second = noise.positions(200, "interleaved", np.random.default_rng(1))
    turns = first[::BLOCK_SIZE] // BLOCK_SIZE - second[::BLOCK_SIZE] // BLOCK_SIZE
    assert {-1, 1} == set(turns.tolist())
    assert abs(int(turns.sum())) < 60


def test_real_run_of_one_block() -> None:
    """Two real services and the real command: one pair of blocks is too few to decide, which the table shows."""
    text = bench("verdict_real", "--runs", "1", "--seconds", "2", "--changes", "1.5")
    line = next(line for line in text.splitlines()[1:] if line.startswith("x 1.5"))
    fail, passed, inconclusive, error = map(int, line.split()[2:6])
    assert (fail, passed, inconclusive + error) == (0, 0, 1)
