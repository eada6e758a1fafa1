"""`ghmlops harvest` on real logs: the sample, what is set aside, and what may not leave the logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from ghmlops.cli import main
from ghmlops.core.harvest.mentions import ORDINARY
from ghmlops.core.policy.latency import Trace
from ghmlops.measure.requests.trace import read_trace
from harvest_logs import POLICY, START, requests, write_log

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a policy and a log of 2,000 requests."""
    write_log(tmp_path / "logs/a.jsonl", requests(2_000))
    (tmp_path / "policy.yml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_SHA", "GHMLOPS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*args: str) -> int:
    """Run the command at a fixed time."""
    return main(["harvest", "--policy", "policy.yml", "--now", "2026-11-01", *args])


def evidence(place: Path) -> dict[str, Any]:
    """Return the evidence."""
    content: dict[str, Any] = json.loads((place / "evidence/harvest.json").read_text())
    return content


def rows(place: Path) -> list[tuple[str, float]]:
    """Return the rows of the sample."""
    with duckdb.connect() as engine:
        return engine.execute(
            "SELECT body, weight FROM read_parquet(?)", [str(place / "data/requests.parquet")]
        ).fetchall()


def test_the_sample_has_the_named_fields_and_rare_slices(place: Path) -> None:
    """Nothing else leaves the logs; all 20 requests of the rare device are there."""
    assert run() == 0
    assert evidence(place)["outcome"] == "pass"
    sample = rows(place)
    bodies = [json.loads(body) for body, _ in sample]
    assert {key for body in bodies for key in body} == {"device", "country", "features"}
    assert sum(body["device"] == "tv" for body in bodies) == 20
    assert sum(weight for _, weight in sample) == pytest.approx(2_000, rel=0.3)
    slices = {(s["column"], s["value"]): s for s in evidence(place)["details"]["slices"]}
    assert slices["device", "tv"]["requests"] == 20
    assert evidence(place)["details"]["files"][0]["rows"] == len(sample)


def test_the_same_log_gives_the_same_file(place: Path) -> None:
    """And another seed gives another one."""
    run()
    first = (place / "data/requests.parquet").read_bytes()
    run()
    assert (place / "data/requests.parquet").read_bytes() == first
    run("--seed", "1")
    assert (place / "data/requests.parquet").read_bytes() != first


def test_hostile_lines_are_counted_quarantined_and_named(place: Path) -> None:
    """Broken lines, copies, contradictions, secrets in bodies, and a client that sends a third of all requests."""
    lines: list[Any] = requests(2_000)
    lines[5]["request"]["features"] = ["ann@example.org"]
    lines[6]["request"]["device"] = {"owner": "ann"}
    for line in lines[300:950]:
        line["client"] = "poison-client"
    contradiction = {**lines[20], "ts": lines[20]["ts"] + 1}
    write_log(place / "logs/a.jsonl", [*lines[:9], "{oops", lines[1], contradiction, *lines[9:]])
    (place / "policy.yml").write_text(POLICY.replace("rows: 100", "rows: 5000"))
    assert run() == 0
    counts = {finding["id"]: finding["n"] for finding in evidence(place)["findings"]}
    assert counts == {
        "harvest-lines": 2_003,
        "harvest-copies": 1,
        "harvest-duplicates": 2,
        "harvest-client": 650,
        "harvest-quarantine": 2,
        "harvest-sample": 1_347,
    }
    text = (place / "evidence/harvest.json").read_text()
    assert "logs/a.jsonl:10" in text
    assert not [word for word in ("ann@", "poison-client", "oops") if word in text]
    assert evidence(place)["details"]["quarantined"] == {
        "device: unnamed object": 1,
        "features: e-mail address": 1,
    }


def test_one_request_does_not_stop_the_harvest(place: Path) -> None:
    """NaN, deep nesting, an identifier that is an ordinary value or a word of the outputs, and a reference."""
    lines: list[Any] = requests(2_000)
    lines[5]["request"]["features"] = [1.0, float("nan")]
    lines[6]["request"]["device"] = float("nan")
    deep: list[Any] = []
    for _ in range(400):
        deep = [deep]
    lines[7]["request"]["features"] = deep
    lines[8]["request_id"] = "tablet"
    lines[9]["request_id"] = "weight"
    lines[10]["request_id"] = "harvest"
    for line in lines[100:200]:
        line["request"]["device"] = "tablet"
    lines[11]["request"]["device"], lines[12]["request_id"] = "see order-0012", "order-0012"
    lines[13]["request"]["device"] = "client-0001"
    write_log(place / "logs/a.jsonl", lines)
    (place / "policy.yml").write_text(POLICY.replace("rows: 100", "rows: 5000"))
    assert run() == 0
    assert evidence(place)["details"]["quarantined"] == {
        "device: no JSON": 1,
        "device: request identifier": 2,
        f"device: {ORDINARY}": 1,
        "features: deep nesting": 1,
        "features: no JSON": 1,
    }
    bodies = [json.loads(body) for body, _ in rows(place)]
    assert len(bodies) == 1_994
    assert sum(body["device"] == "tablet" for body in bodies) == 100


def test_a_hit_in_any_output_leaves_no_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Here the name of a log file is an address, which the finding about a broken line would show."""
    write_log(place / "logs/ann@example.org.jsonl", ["{oops"])
    assert run() == 2
    output = "".join(capsys.readouterr())
    assert "ann@" not in output
    assert "Traceback" not in output
    assert not (place / "data").exists()
    assert evidence(place)["outcome"] == "error"
    assert "ann@" not in (place / "evidence/harvest.json").read_text()


def test_a_dry_run_writes_nothing(place: Path) -> None:
    """Neither evidence nor data."""
    assert run("--dry-run") == 0
    assert not (place / "evidence").exists()
    assert not (place / "data").exists()


@pytest.mark.parametrize(
    "policy",
    ["version: 1\nservice: s\n", POLICY.replace("logs/", "none/"), POLICY.replace("id: request_id", "id: rid")],
)
def test_bad_input_is_one_line(place: Path, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be harvested exits with 2 and no traceback."""
    (place / "policy.yml").write_text(policy)
    assert run() == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_demand_is_written_and_replayed(place: Path) -> None:
    """A log of two days gives a profile of a day; one hour less, and there is none."""
    lines: list[dict[str, Any]] = [{**line, "ts": START + i * 173.0} for i, line in enumerate(requests(1_000))]
    write_log(place / "logs/a.jsonl", lines)
    (place / "policy.yml").write_text(POLICY + "  demand: {period: 1d}\n")
    assert run() == 0
    trace = read_trace(place / "data/demand.json", "demand.json", Trace(file="data/demand.json", speed=100.0))
    assert len(trace.times) == pytest.approx(86_400 / 173, rel=0.03)
    write_log(place / "logs/a.jsonl", [line for line in lines if line["ts"] < START + 23 * 3600])
    (place / "data/demand.json").unlink()
    assert run("--fail-on", "inconclusive") == 1
    assert evidence(place)["reason_code"] == "harvest-demand"
    assert not (place / "data/demand.json").exists()


def test_values_of_a_slice_column_beyond_the_most_frequent_are_named(place: Path) -> None:
    """They are in the sample like any other, and no slices."""
    lines: list[dict[str, Any]] = requests(1_500)
    for number, line in enumerate(lines):
        line["request"] |= {"country": f"land{number % 1_003}", "device": None if number % 2 else "phone"}
    write_log(place / "logs/a.jsonl", lines)
    assert run() == 0
    named = [row["what"] for row in evidence(place)["not_measured"] if "country" in row["what"]]
    assert [int(what.split()[0]) for what in named] == [3]
