"""The golden set changes by a pull request only, which is opened once."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from ghmlops.core.harvest.golden import digest_key
from github_api.server import running
from harvest_logs import requests, run_at, write_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = """\
version: 1
service: scorer
harvest:
  traffic: {files: "logs/*.jsonl", id: request_id, time: ts, body: request, client: client, score: score}
  keep: {fields: [device, country, features], slices: [device], rows: 50, rare: 5}
  outcomes: {file: outcomes.jsonl, key: request_id, label: clicked, mature: 1d}
  golden: {rows: 60, training: train.parquet}
"""


def git(place: Path, *args: str) -> str:
    """Run git in a folder."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    return subprocess.run(
        ["git", *identity, *args], cwd=place, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a clone with logs, outcomes, and training data of ten requests."""
    root = tmp_path / "clone"
    root.mkdir()
    lines: list[dict[str, Any]] = [{**line, "score": 0.9} for line in requests(300)]
    write_log(root / "logs/a.jsonl", lines)
    write_log(
        root / "outcomes.jsonl", [{"request_id": r["request_id"], "clicked": n % 3 == 0} for n, r in enumerate(lines)]
    )
    source = str(write_log(tmp_path / "train.jsonl", [{"request_id": r["request_id"], "x": 1} for r in lines[:10]]))
    with duckdb.connect() as engine:
        engine.read_json(source).write_parquet(str(root / "train.parquet"))
    (root / "policy.yml").write_text(POLICY)
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "policy.yml")
    git(root, "commit", "--quiet", "-m", "start")
    git(root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(root, "push", "--quiet", "origin", "main")
    monkeypatch.chdir(root)
    for name in ("GITHUB_ACTIONS", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield an API for pull requests, which does not know the branches that are pushed to the remote."""
    with running({"repositories": {"acme/shop": {"refs": {"heads/main": "a" * 40}}}}) as server:
        variables = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": server.url, "GHMLOPS_TOKEN": "t"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield server


def run(*args: str) -> int:
    """Run the command some days after the log."""
    return run_at("2026-06-10", "--branch", "", *args)


def findings(place: Path) -> dict[str, Any]:
    """Return the findings of the evidence by id."""
    content = json.loads((place / "evidence/harvest.json").read_text())
    return {finding["id"]: finding for finding in content["findings"]}


def pushed(place: Path) -> list[tuple[str, str]]:
    """Return commit and name of each branch with a set."""
    lines = git(place, "ls-remote", "origin", "refs/heads/ghmlops-*").splitlines()
    return [(line.split("\t")[0], line.split("refs/heads/")[1]) for line in lines]


def test_without_the_input_additions_are_counted_only(place: Path) -> None:
    """The work tree has no set, and the remote no branch."""
    assert run() == 0
    assert findings(place)["harvest-golden"]["n"] == 60
    assert not (place / "data/golden.parquet").exists()
    assert pushed(place) == []


def test_training_data_that_does_not_exist_is_an_error(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named; a leakage of zero would be a lie."""
    (place / "train.parquet").unlink()
    assert run() == 2
    error = capsys.readouterr().err
    assert "train.parquet" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("select", ["CAST(features AS FLOAT[]) AS features, * EXCLUDE (features)", "body"])
def test_content_of_the_training_data_is_found_under_other_identifiers(place: Path, select: str) -> None:
    """Among label, other columns and 32-bit numbers; an absent field is null there."""
    lines = [json.loads(line) for line in (place / "logs/a.jsonl").read_text().splitlines()]
    for line in lines[:150]:
        del line["request"]["country"]
    write_log(place / "logs/a.jsonl", lines)
    rows = [
        {**line["request"], "request_id": f"train-{n}", "clicked": 1, "body": json.dumps(line["request"])}
        for n, line in enumerate(lines)
    ]
    fields = select if select != "body" else "request_id, body"
    source = str(write_log(place / "more.jsonl", rows))
    without = "" if select == "body" else "EXCLUDE (body)"
    with duckdb.connect() as engine:
        relation = f"(SELECT * {without} FROM read_json('{source}'))"  # noqa: S608  (ours)
        engine.execute(f"COPY (SELECT {fields} FROM {relation}) TO 'train.parquet' (FORMAT parquet)")  # noqa: S608
    assert run() == 0
    assert findings(place)["harvest-golden"]["n"] == 0
    assert "leakage" not in (place / "evidence/harvest.json").read_text()


def test_training_data_without_the_fields_is_not_compared_by_content(place: Path) -> None:
    """The evidence says so."""
    assert run() == 0
    content = json.loads((place / "evidence/harvest.json").read_text())
    assert any("device" in row["why"] for row in content["not_measured"])


def test_a_case_that_names_another_request_is_left_out(place: Path) -> None:
    """The others are offered."""
    lines = [json.loads(line) for line in (place / "logs/a.jsonl").read_text().splitlines()]
    outcomes = [{"request_id": line["request_id"], "clicked": False} for line in lines]
    lines[50]["request"]["device"], lines[51]["request_id"] = "see order-0051", "order-0051"
    write_log(place / "logs/a.jsonl", lines)
    write_log(place / "outcomes.jsonl", outcomes)
    (place / "policy.yml").write_text(POLICY.replace("rows: 50,", "rows: 500,"))
    assert run() == 0
    assert findings(place)["harvest-golden"]["n"] == 60


def test_an_offer_that_was_interrupted_is_completed_once(place: Path, api: Any) -> None:
    """The pull request fails after the push; the next runs complete it. Then a case that is trained on fails."""
    assert run("--propose") == 2
    ((sha, branch),) = pushed(place)
    api.state.repositories["acme/shop"]["refs"][f"heads/{branch}"] = sha
    for _ in range(2):
        assert run("--propose") == 0
    assert pushed(place) == [(sha, branch)]
    assert [pull["head_ref"] for pull in api.state.pull_requests] == [branch]
    assert not (place / "data/golden.parquet").exists()
    assert git(place, "rev-list", "--count", sha) == "2"

    git(place, "fetch", "--quiet", "origin", branch)
    git(place, "checkout", "--quiet", "FETCH_HEAD", "--", "data/golden.parquet")
    lines = [json.loads(line) for line in (place / "logs/a.jsonl").read_text().splitlines()]
    with duckdb.connect() as engine:
        rows = engine.read_parquet("data/golden.parquet").fetchall()
        source = str(write_log(place / "more.jsonl", [{"request_id": line["request_id"]} for line in lines]))
        engine.read_json(source).write_parquet("train.parquet")
    assert len(rows) == 60
    assert {row[3] for row in rows} == {"errors", "rare", "random"}
    assert not {row[0] for row in rows} & {digest_key(line["request_id"]) for line in lines[:10]}
    assert run() == 1
    assert findings(place)["harvest-leakage"]["n"] == 60
    fingerprints = json.loads((place / "evidence/harvest.json").read_text())["provenance"]["fingerprints"]
    assert len(fingerprints["golden"]) == 71
