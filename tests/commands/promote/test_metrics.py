"""Metrics of a promotion, from a real Prometheus: judged, shown only, and missing."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.targets import open_target, read_shares
from ghmlops.cli import main
from ghmlops.commands.promote.metrics import MetricReader
from ghmlops.core.model import Direction
from ghmlops.core.policy.promote import Metric
from ghmlops.core.policy.target import DryRunTarget
from ghmlops.core.promotion.metrics.judge import MetricJudge
from ghmlops.core.promotion.weights import BASELINE_ONLY
from prometheus_server import needs_prometheus, running_prometheus, values_by_arm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = """\
version: 1
service: shop
promote:
  target: {dry-run: {}}
  ladder: [25%, 100%]
  rung: {min-requests: 20, max-duration: 20s, settle: 20s, bake: 0s}
  judge:
    errors: 10%
    latency: "off"
    metrics: [METRICS]
  observe: {access-log: log.jsonl, format: jsonl, prometheus: "URL"}
  watch: 0s
"""
RATE = 400
"""Requests per second."""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Prometheus."""
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder whose log receives requests by the weights of the rehearsed target."""
    (tmp_path / "log.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    stop = threading.Event()

    def serve() -> None:
        target, owed = open_target(DryRunTarget(), tmp_path), dict.fromkeys(("candidate", "twin", "pool"), 0.0)
        while not stop.is_set():
            shares, lines = read_shares(target), []
            for arm in owed:
                owed[arm] += RATE * 0.02 * shares.share(arm)
                for _ in range(int(owed[arm])):
                    owed[arm] -= 1
                    lines.append(json.dumps({"at": time.time(), "arm": arm, "seconds": 0.01, "status": 200}) + "\n")
            with (tmp_path / "log.jsonl").open("a") as log:
                log.writelines(lines)
            time.sleep(0.02)

    thread = threading.Thread(target=serve)
    thread.start()
    yield tmp_path
    stop.set()
    thread.join()


def metric(candidate: str, twin: str = "1", more: str = "margin: 5%", name: str = "ctr") -> str:
    """Return a metric in the notation of the policy, whose arms have these values."""
    query = values_by_arm({"candidate": candidate, "twin": twin, "baseline": "1"})
    return f"{{name: {name}, prometheus: '{query}', direction: higher, interval: 0.1s, {more}}}"


def promote(folder: Path, url: str, *metrics: str, arguments: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
    """Run the command; return the exit code and the record."""
    text = POLICY.replace("METRICS", ", ".join(metrics)).replace("URL", url)
    (folder / "policy.yml").write_text(text)
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *arguments])
    path = folder / "evidence" / "promotion.json"
    return code, json.loads(path.read_text()) if path.exists() else {}


@needs_prometheus
def test_a_metric_beyond_its_margin_rolls_back(folder: Path, prometheus: str) -> None:
    """No request fails; the metric of every interval is half of the twin's."""
    code, record = promote(folder, prometheus, metric("0.5"))
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "metric-beyond-limit")
    (result,) = record["rungs"][0]["metrics"]
    assert (result["state"], result["judged"], result["candidate"], result["reference"]) == ("fail", True, 0.5, 1.0)
    assert read_shares(open_target(DryRunTarget(), folder)) == BASELINE_ONLY


@needs_prometheus
def test_metrics_within_their_limits_and_one_that_is_only_shown(
    folder: Path, prometheus: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promoted; the bad metric with `dry-run` is in the record and in the table, and decides nothing."""
    rehearsed = metric("0.1", more="margin: 1%, dry-run: true", name="new")
    code, record = promote(folder, prometheus, metric("0.97"), metric("3", more="limit: 2", name="lag"), rehearsed)
    assert (code, record["decision"]) == (0, "complete")
    states = {m["name"]: (m["state"], m["judged"], m["missing"]) for m in record["rungs"][0]["metrics"]}
    assert states["ctr"] == ("pass", True, 0)
    assert states["lag"] == ("pass", True, 0)
    assert states["new"][1:] == (False, 0)
    last = {m["name"]: m["values"] for m in record["rungs"][1]["metrics"]}
    assert last["ctr"] == 0  # nothing to compare with at full traffic
    assert last["lag"] >= 6
    assert "new" in capsys.readouterr().out


@needs_prometheus
def test_a_metric_without_values_holds(folder: Path, prometheus: str) -> None:
    """The candidate has no series: what was not measured does not pass."""
    text = POLICY.replace("20s", "3s")
    (folder / "policy.yml").write_text(text.replace("METRICS", metric("1 / 0")).replace("URL", prometheus))
    code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40])
    record = json.loads((folder / "evidence" / "promotion.json").read_text())
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "metric-undecided")
    assert record["rungs"][0]["metrics"][0]["missing"] > 0


@needs_prometheus
@pytest.mark.parametrize(
    ("name", "code"), [("sum({arm}", "bad-policy"), ("vector(1) or on(a) {arm}[1m]", "bad-policy")]
)
def test_a_query_that_cannot_be_used_changes_nothing(
    folder: Path, prometheus: str, capsys: pytest.CaptureFixture[str], name: str, code: str
) -> None:
    """It is refused before the first weight, with exit code 2."""
    bad = f"{{name: ctr, prometheus: '{name}', direction: higher, margin: 1%}}"
    assert promote(folder, prometheus, bad, arguments=("--json",)) == (2, {})
    assert json.loads(capsys.readouterr().out)["reason_code"] == code
    assert read_shares(open_target(DryRunTarget(), folder)) == BASELINE_ONLY


def test_a_source_that_is_not_there(folder: Path) -> None:
    """A judged metric is refused before the first weight; one that is only shown is a note."""
    url = "http://127.0.0.1:9"
    assert promote(folder, url, metric("1")) == (2, {})
    code, record = promote(folder, url, metric("1", more="margin: 5%, dry-run: true"))
    assert (code, record["decision"]) == (0, "complete")
    assert record["rungs"][0]["metrics"][0]["values"] == 0


@needs_prometheus
def test_the_plan_shows_the_values(folder: Path, prometheus: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` asks the arms that have traffic, and changes nothing."""
    assert promote(folder, prometheus, metric("0.5"), arguments=("--dry-run",)) == (0, {})
    assert "metric ctr: pool 1" in capsys.readouterr().out


def test_a_source_that_hangs_delays_nothing() -> None:
    """The reader asks in a thread of its own; values of the rung before do not count."""
    settings = Metric(name="m", prometheus="{arm}", direction=Direction.LOWER, limit=1.0, interval=1.0)
    released, queries = threading.Event(), []

    class Hanging:
        def query(self, text: str) -> float:
            queries.append(text)
            released.wait(60)
            return 0.5

    reader = MetricReader(
        metrics=(settings,), source=Hanging(), names={"candidate": "v2", "twin": "v1"}, note=lambda _text: None
    )
    judge = MetricJudge([settings], "twin")
    reader.start_rung(0.0)
    for moment in range(100):
        reader.feed(judge, float(moment), comparable=True)
    assert len(queries) <= 1
    reader.start_rung(100.0)
    released.set()
    deadline = time.monotonic() + 30
    while len(queries) < 4:
        assert time.monotonic() < deadline
        reader.feed(judge, 101.0, comparable=True)
        time.sleep(0.01)
    while judge.records()[0].values < 1:
        assert time.monotonic() < deadline
        reader.feed(judge, 101.5, comparable=True)
        time.sleep(0.01)
    assert (judge.records()[0].values, queries) == (1, ["v2", "v1"] * 2)
    reader.close()
