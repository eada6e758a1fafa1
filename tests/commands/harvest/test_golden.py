"""The golden set changes by a pull request only, which is opened once."""

from __future__ import annotations

import json
import re
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


def write_answers(place: Path, arm: str, answers: list[dict[str, Any]]) -> None:
    """Write the answers of one model as Parquet."""
    source = str(write_log(place / f"{arm}.jsonl", answers))
    with duckdb.connect() as engine:
        engine.read_json(source).write_parquet(str(place / f"{arm}.parquet"))


ANSWERS = "disagreements: {baseline: baseline.parquet, candidate: candidate.parquet, value: answer.label}"
DISPUTED = POLICY.replace("rows: 60,", f"rows: 60, add: [disagreements, random], {ANSWERS},")


def test_requests_to_which_two_models_answer_differently_are_offered(place: Path, api: Any) -> None:
    """The farthest first, in turn with any others; every identifier is counted once, with what became of it."""
    ids = [json.loads(line)["request_id"] for line in (place / "logs/a.jsonl").read_text().splitlines()]
    base: list[dict[str, Any]] = [{"request_id": name, "answer": {"label": 0.25}} for name in ids[20:60]]
    other = [{**row, "answer": {"label": 0.25 + n / 8 if n < 5 else 0.25}} for n, row in enumerate(base)]
    base += [{"request_id": ids[70], "answer": {"label": 1.0}}, {"request_id": ids[70], "answer": {"label": 2.0}}]
    other += [{"request_id": ids[70], "answer": {"label": 1.0}}, {"request_id": ids[71], "answer": {"label": 1.0}}]
    strangers = [{"request_id": name, "answer": {"label": 1.0}} for name in ("nobody", None)]
    write_answers(place, "baseline", base + strangers)
    write_answers(place, "candidate", other + strangers)
    (place / "policy.yml").write_text(DISPUTED.replace("answer.label", "answer.label, tolerance: 0.125"))
    # GitHub does not know the branch yet.
    assert run("--propose") == 2
    ((sha, branch),) = pushed(place)
    api.state.repositories["acme/shop"]["refs"][f"heads/{branch}"] = sha
    assert run("--propose") == 0
    finding = findings(place)["harvest-disagreements"]
    assert (finding["n"], finding["outcome"]) == (40, "warn")
    assert [int(word) for word in re.findall(r"\b\d+\b", finding["reason"])] == [40, 3, 3, 1, 1, 1, 2]
    git(place, "fetch", "--quiet", "origin", branch)
    git(place, "checkout", "--quiet", "FETCH_HEAD", "--", "data/golden.parquet")
    with duckdb.connect() as engine:
        rows = engine.read_parquet("data/golden.parquet").fetchall()
    assert [row[0] for row in rows if row[3] == "disagreements"] == [digest_key(ids[20 + n]) for n in (4, 3, 2)]
    assert len(rows) == 60


def test_answers_of_a_shadow_are_found_by_the_rows_of_its_recording(place: Path) -> None:
    """Their key is the number of the row, from 1; any difference of a text or a missing value is a disagreement."""
    ids = [json.loads(line)["request_id"] for line in (place / "logs/a.jsonl").read_text().splitlines()]
    write_answers(place, "recording", [{"request_id": name, "method": "GET", "path": "/"} for name in ids[30:40]])
    labels = [("yes", "no"), ("yes", None), ("no", "no")]
    for arm, number in (("baseline", 0), ("candidate", 1)):
        answers = [{"request": n + 5, "label": pair[number]} for n, pair in enumerate(labels)]
        write_answers(place, arm, [*answers, {"request": 99, "label": "yes"}])
    (place / "policy.yml").write_text(DISPUTED.replace("answer.label", "label, recording: recording.parquet"))
    assert run() == 0
    reason = findings(place)["harvest-disagreements"]["reason"]
    assert [int(word) for word in re.findall(r"\b\d+\b", reason)] == [3, 2, 2, 0, 0, 0, 2]


def test_answers_to_other_requests_are_no_agreement(place: Path) -> None:
    """Nothing was compared, so nothing is known."""
    for arm in ("baseline", "candidate"):
        write_answers(place, arm, [{"request_id": "other", "answer": {"label": 1}}])
    (place / "policy.yml").write_text(DISPUTED)
    assert run() == 0
    assert findings(place)["harvest-disagreements"]["outcome"] == "inconclusive"


@pytest.mark.parametrize(
    ("columns", "word"),
    [({"request_id": "x", "answer": 1}, "answer.label"), ({"answer": {"label": 1}}, "request_id"), ({}, "candidate")],
)
def test_answers_that_cannot_be_compared_are_an_error(
    place: Path, columns: dict[str, Any], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file, and the column that it lacks, are named."""
    write_answers(place, "baseline", [{"request_id": "x", "answer": {"label": 1}}])
    if columns:
        write_answers(place, "candidate", [columns])
    (place / "policy.yml").write_text(DISPUTED)
    assert run() == 2
    error = capsys.readouterr().err
    assert word in error
    assert "candidate.parquet" in error
    assert "Traceback" not in error


def test_answers_outside_the_folder_are_not_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link out of it is refused."""
    for arm in ("baseline", "candidate"):
        write_answers(place, arm, [{"request_id": "x", "answer": {"label": 1}}])
    (place / "candidate.parquet").rename(place.parent / "elsewhere.parquet")
    (place / "candidate.parquet").symlink_to(place.parent / "elsewhere.parquet")
    (place / "policy.yml").write_text(DISPUTED)
    assert run() == 2
    assert "golden.disagreements.candidate" in capsys.readouterr().err
