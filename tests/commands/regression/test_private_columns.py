"""`private` of the policy on real files: no output of any command contains a value of a private column."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts

POLICY = """
version: 1
service: scorer
latency: {request: {path: /}, arrivals: {poisson: 50/s, duration: 2s}, slo: {p99: 1s}}
regression:
  task: binary
  key: [person]
  label: y
  score: s
  slices: [email, [email, device], device]
  features: [income, town]
  group: household
  private: [person, email, income, town, household, note]
  metrics: {cost: {sql: "abs(score - label) * income", direction: lower, margin: 1000000}}
  changed-rows: {rows: 20, show: [email, note, device], hash: [note]}
  artifacts: {baseline: baseline.parquet, candidate: candidate.parquet, noise: noise.parquet}
"""
TEXT = b"zq8"
"""Part of all private texts."""
NUMBERS = ((7.769e6, 7.7805e6), (888_700_000.0, 888_900_000.0), (777_776.0, 777_778.0))
"""Ranges that contain the absolute values of all private numbers, and no other number of an output."""


def rows(seed: int, n: int = 3500) -> dict[str, Any]:
    """Return rows with values that the test can recognise; the candidate is worse for one person."""
    columns = artifacts.rows(n, seed)
    generator = np.random.default_rng(5)
    columns["person"] = [f"zq8-{number:05}" for number in range(n)]
    columns["email"] = [f"zq8{number % 7}@acme.example" for number in range(n)]
    columns["town"] = [f"Zq8 {number}" for number in generator.integers(0, 30, n)]
    columns["income"] = 7_770_000.0 + generator.integers(0, 9_000, n)
    columns["income"][::20] = -777_777.0
    columns["household"] = 888_800_000 + np.arange(n) // 3
    columns["note"] = [f"zq8 note {number}" for number in range(n)]
    if seed == 2:
        worse = np.arange(n) % 7 == 3
        columns["s"] = np.where(worse, generator.random(n), columns["s"])
        columns["income"] = np.where(columns["income"] < 0, columns["income"], columns["income"] + 0.5)
        columns["town"] = ["Zq8 new" if worse[i] else town for i, town in enumerate(columns["town"])]
    return columns


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The folder of a repository with predictions of people."""
    (tmp_path / "policy.yml").write_text(POLICY, encoding="utf-8")
    for seed, name in enumerate(("baseline", "candidate", "noise"), 1):
        artifacts.write(tmp_path / f"{name}.parquet", rows(seed))
    return tmp_path


def ghmlops(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of an Actions job whose summary and outputs are files of the folder."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_"))}
    environ |= {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "a" * 40, "GITHUB_REPOSITORY": "acme/scorer"}
    environ |= {"GITHUB_STEP_SUMMARY": str(place / "summary.md"), "GITHUB_OUTPUT": str(place / "outputs")}
    command = [sys.executable, "-m", "ghmlops", *arguments]
    return subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, timeout=120, check=False)


def leaks(place: Path, *texts: str) -> list[str]:
    """Return every output that contains a private value: texts, and files that the commands wrote."""
    inputs = {"policy.yml", "baseline.parquet", "candidate.parquet", "noise.parquet"}
    outputs = {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    outputs = {name: data for name, data in outputs.items() if name not in inputs}
    outputs |= {f"text {number}": text.encode() for number, text in enumerate(texts)}
    results = [name for name, data in outputs.items() if TEXT in data.lower()]
    for name, data in outputs.items():
        numbers = re.findall(rb"\d[\d,]*\.?\d*(?:e[+-]?\d+)?", data)
        values = (abs(float(number.replace(b",", b""))) for number in numbers)
        results += [f"{name}: {value}" for value in values if any(low < value < high for low, high in NUMBERS)]
    return results


def test_no_output_contains_a_private_value(place: Path) -> None:
    """The failing slice is named by its label; evidence, comment, page, JUnit, summary and logs contain no value."""
    done = ghmlops(place, "regression", "--policy", "policy.yml", "--predictions-dir", "copies", "--json")
    assert done.returncode == 1, done.stderr
    reported = ghmlops(
        place,
        "report",
        "--policy",
        "policy.yml",
        "--markdown",
        "comment.md",
        "--html",
        "page.html",
        "--junit",
        "junit.xml",
    )
    assert reported.returncode in (0, 1), reported.stderr
    evidence, page = (place / "evidence" / "regression.json").read_text(), (place / "page.html").read_text()
    assert "email=private " in (place / "comment.md").read_text()
    assert all(f"private {number}" in evidence for number in range(1, 8))
    assert all(part in evidence for part in ('"changed_rows"', '"private bin 1"', '"drift-sentinel"', '"cost"'))
    assert "private " in page
    assert "evidence-inconsistent" not in (place / "evidence" / "verdict.json").read_text()
    assert (place / "summary.md").is_file()
    assert not (place / "copies").exists()
    assert not leaks(place, done.stdout, done.stderr, reported.stdout, reported.stderr)


def test_the_check_of_leaks_finds_them(place: Path) -> None:
    """The same run without `private` leaks in every kind of output, so that the test above can fail."""
    policy = (place / "policy.yml").read_text()
    (place / "policy.yml").write_text("".join(line for line in policy.splitlines(True) if "private:" not in line))
    done = ghmlops(place, "regression", "--policy", "policy.yml", "--predictions-dir", "copies")
    ghmlops(
        place,
        "report",
        "--policy",
        "policy.yml",
        "--markdown",
        "comment.md",
        "--html",
        "page.html",
        "--junit",
        "junit.xml",
    )
    named = {leak.split(":")[0] for leak in leaks(place, done.stdout, done.stderr)}
    assert {"evidence/regression.json", "comment.md", "page.html", "summary.md", "copies/candidate.parquet"} <= named


def test_a_replay_quotes_no_private_value(place: Path) -> None:
    """Evidence from before a column became private is not replayed: the comparison would quote its values."""
    policy = (place / "policy.yml").read_text()
    (place / "policy.yml").write_text("".join(line for line in policy.splitlines(True) if "private:" not in line))
    ghmlops(place, "regression", "--policy", "policy.yml", "--evidence-dir", "old")
    (place / "policy.yml").write_text(policy)
    done = ghmlops(place, "regression", "--policy", "policy.yml", "--replay", "old/regression.json")
    assert done.returncode == 2
    assert "another policy" in done.stderr
    (place / "old" / "regression.json").unlink()
    (place / "summary.md").unlink(missing_ok=True)
    assert not leaks(place, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("private", "part"),
    [("[emial]", "did you mean `email`"), ("[y]", "`y`"), ("[s]", "`s`")],
)
def test_a_private_column_is_checked(place: Path, private: str, part: str) -> None:
    """A typing error would show the column, and a column that is judged cannot be private: both are bad policies."""
    text = (place / "policy.yml").read_text().replace("[person, email, income, town, household, note]", private)
    (place / "policy.yml").write_text(text)
    done = ghmlops(place, "regression", "--policy", "policy.yml")
    assert done.returncode == 2
    assert part in done.stderr


def test_an_error_quotes_no_private_value(place: Path) -> None:
    """A value that a metric cannot convert is not quoted, and a private column cannot be a folder."""
    text = (place / "policy.yml").read_text().replace("* income", "* CAST(note AS DOUBLE)")
    (place / "policy.yml").write_text(text)
    done = ghmlops(place, "regression", "--policy", "policy.yml")
    assert done.returncode == 2
    assert "a value cannot be used" in done.stderr
    assert leaks(place, done.stdout, done.stderr) == []

    (place / "policy.yml").write_text(POLICY.replace("baseline: baseline.parquet", "baseline: parts"))
    folder = place / "parts" / "email=zq81@acme.example"
    folder.mkdir(parents=True)
    columns = rows(1)
    del columns["email"]
    artifacts.write(folder / "part.parquet", columns)
    done = ghmlops(place, "regression", "--policy", "policy.yml")
    assert done.returncode == 2
    assert '"email" is private' in done.stderr
    assert "zq8" not in (done.stdout + done.stderr).lower()
    (folder / "part.parquet").write_bytes(b"no Parquet")
    done = ghmlops(place, "regression", "--policy", "policy.yml")
    assert done.returncode == 2
    assert "zq8" not in (done.stdout + done.stderr).lower()


def test_the_library_quotes_no_private_value(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ghmlops.compare` masks as the command does, and its errors quote no value of a table."""
    import ghmlops
    from ghmlops.core.errors import DataError

    monkeypatch.chdir(place)
    keys: dict[str, Any] = {"task": "binary", "key": "id", "label": "y", "score": "s", "slices": ["email"]}
    first, second = (pa.table(rows(seed)) for seed in (1, 2))
    result = ghmlops.compare(first, second, private=["email"], **keys)
    assert any(str(finding.slice.get("email", "")).startswith("private ") for finding in result.findings)
    assert not any("zq8" in str(finding).lower() for finding in result.findings)
    with pytest.raises(DataError) as caught:
        ghmlops.compare(
            first,
            second,
            private=["email"],
            metrics={"x": {"sql": "CAST(email AS DOUBLE)", "direction": "lower"}},
            **keys,
        )
    assert "zq8" not in str(caught.value).lower()
