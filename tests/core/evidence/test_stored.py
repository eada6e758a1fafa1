"""Paths of evidence on a branch."""

from __future__ import annotations

import pytest

from ghmlops.core.evidence.stored import StoredFile, parse_path, stored_path, superseded_runs


def test_a_path_names_run_attempt_folder_and_file() -> None:
    """Both directions agree."""
    assert parse_path(stored_path(42, 2, "latency.json")) == StoredFile(42, 2, "", "latency.json")
    assert parse_path(stored_path(42, 2, "eu/latency-eu.json")) == StoredFile(42, 2, "eu", "latency-eu.json")


@pytest.mark.parametrize(
    "path",
    [
        "latency.json",
        "runs/0/1/latency.json",
        "runs/42/0/latency.json",
        "runs/42/1/a/b/latency.json",
        "runs/42/1/../latency.json",
        "runs/42/1/.x.json",
        "runs/42/1/x.hlog",
        "runs/42/1/a\nb.json",
        "runs/42/1/-x/latency.json",
        "runs/" + "9" * 19 + "/1/x.json",
    ],
)
def test_other_paths_are_no_evidence(path: str) -> None:
    """Folders above, hidden files, other endings and numbers that no run has."""
    assert parse_path(path) is None


def test_the_oldest_runs_are_superseded() -> None:
    """By their id, and paths that are no evidence stay."""
    paths = [stored_path(run, 1, "latency.json") for run in (9, 10, 100)]
    assert superseded_runs([*paths, "README.md"], limit=2) == ["runs/9/1/latency.json"]
    assert superseded_runs(paths) == []
