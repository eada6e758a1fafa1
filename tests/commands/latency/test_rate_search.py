"""`rate: auto` and saturation with real services of known capacity, and what `policy check` says about a plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import queueing_service

HEAD = "version: 1\nservice: queue\nlatency:\n  request: {method: GET, path: /, timeout: 10s}\n  connections: 512\n"


def ghmlops(folder: Path, arrivals: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "policy.yml").write_text(f"{HEAD}  arrivals: {{{arrivals}}}\n", encoding="utf-8")
    command = [sys.executable, "-m", "ghmlops", *arguments, "--policy", "policy.yml"]
    environ = {**os.environ, "GITHUB_SHA": "0" * 40}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=200, check=False)


def measured(folder: Path, arrivals: str) -> dict[str, Any]:
    """Load two equal services with a capacity of 200/s; return the evidence."""
    with ExitStack() as stack:
        urls = [
            stack.enter_context(queueing_service.started("--workers", "2", "--mean", "0.01", "--seed", s)) for s in "12"
        ]
        result = ghmlops(folder, arrivals, "latency", "--url", urls[0], "--baseline-url", urls[1])
    file = folder / "evidence" / "latency.json"
    assert file.exists(), result.stderr
    evidence: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return evidence


def test_a_rate_beyond_the_capacity_is_saturation(tmp_path: Path) -> None:
    """At 280/s of 200/s the outcome is inconclusive with the code `saturation`, and about 100/s is advised."""
    evidence = measured(tmp_path, "poisson: 280/s, duration: 10s, warmup: 1s")
    outcomes = {finding["id"]: finding["outcome"] for finding in evidence["findings"]}
    assert outcomes["saturation"] == "inconclusive"
    # On a busy machine the generator may be late as well, which its guard says first.
    late = outcomes["guard-lateness"] == "error"
    assert evidence["reason_code"] == ("guard-lateness" if late else "saturation")
    assert evidence["outcome"] == ("error" if late else "inconclusive")
    assert not any(f["outcome"] in ("pass", "fail") for f in evidence["findings"] if f["id"].startswith("latency-"))


def test_the_ramp_finds_about_half_of_the_capacity(tmp_path: Path) -> None:
    """With `auto` the run sends 40/s to 130/s to services of 200/s, and the evidence contains the ramp."""
    evidence = measured(tmp_path, "poisson: auto, duration: 12s, warmup: 1s")
    search = evidence["details"]["rate_search"]
    assert 40 <= search["rate"] == evidence["details"]["settings"]["arrivals"]["rate"] <= 130
    assert [step["rate"] for step in search["steps"][:3]] == [5.0, 5.0, 10.0]
    assert evidence["reason_code"] != "saturation"


@pytest.mark.parametrize(("arrivals", "words"), [("poisson: 12/s", ["105s"]), ("poisson: 50/s", ["p50", "p95", "p99"])])
def test_policy_check_says_what_the_plan_can_decide(tmp_path: Path, arrivals: str, words: list[str]) -> None:
    """A plan that is too short names a duration; a longer one the changes that it detects."""
    result = ghmlops(tmp_path, f"{arrivals}, duration: 60s", "policy", "check")
    lines = [line for line in result.stdout.splitlines() if "latency plan" in line]
    assert result.returncode == 0
    assert all(word in lines[0] for word in words)


def test_shards_cannot_determine_a_rate(tmp_path: Path) -> None:
    """`auto` with a shard is an error of the policy, before anything is sent."""
    arguments = ("--url", "http://127.0.0.1:9/", "--baseline-url", "http://127.0.0.1:10/", "--shard", "1/1")
    result = ghmlops(tmp_path, "poisson: auto, duration: 60s", "latency", *arguments)
    assert result.returncode == 2
    assert "latency.arrivals" in result.stderr
