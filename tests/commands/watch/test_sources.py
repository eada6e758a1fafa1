"""Sources of metrics: a real Prometheus with a backfilled past, and the history."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ghmlops.cli import main
from ghmlops.core.history.record import Effect
from ghmlops.core.model import Outcome
from ghmlops.core.policy.promote import Prometheus
from ghmlops.measure.telemetry.prometheus import PrometheusSource
from history_records import deployment
from prometheus_server import backfill, needs_prometheus, running_prometheus
from watched_series import HOUR, hours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watched_service import WatchedService

DAYS = 13
END = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
NOW = datetime.fromtimestamp(END, UTC).isoformat()
POLICY = """\
version: 1
service: scorer
watch:
  prometheus: URL
  metrics:
    - {name: p95, prometheus: "QUERY"}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Prometheus with a gauge that doubled, and counters whose process restarted."""
    folder = tmp_path_factory.mktemp("prometheus")
    logs = hours(24 * DAYS)
    logs[-5:] += np.log(2.0)
    start = END - len(logs) * HOUR
    gauge = {start + (index + 1) * HOUR: float(np.exp(value)) for index, value in enumerate(logs)}
    total: dict[int, float] = {}
    failed: dict[int, float] = {}
    for index, time in enumerate(range(END - 4 * 86_400, END + 1, 60)):
        after_restart = index if index < 3000 else index - 3000
        total[time] = 20.0 * after_restart
        failed[time] = max(0.0, (time - (END - 3600)) / 60.0)  # one in twenty fails in the last hour
    minutes = {END - n * 60: float(n) for n in range(11_999, -1, -1)}
    series = {"p95": gauge, "total": total, "failed": failed, "minutes": minutes}
    series |= {f'several{{server="{name}"}}': {END: 1.0} for name in "ab"}
    backfill(folder, series)
    with running_prometheus(folder) as address:
        yield address


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, *flags: str) -> tuple[int, list[str]]:
    """Return the exit code and the ids of the findings."""
    (folder / "policy.yml").write_text(text)
    monkeypatch.chdir(folder)
    for name in ("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_SHA", "GHMLOPS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    code = main(["watch", "--policy", "policy.yml", "--branch", "", "--now", NOW, *flags])
    file = folder / "evidence/watch.json"
    return code, [finding["id"] for finding in json.loads(file.read_text())["findings"]] if file.exists() else []


@needs_prometheus
def test_a_metric_of_prometheus_is_replayed(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is found at the end, and not six hours before."""
    text = POLICY.replace("URL", url).replace("QUERY", "p95")
    assert run(tmp_path, monkeypatch, text) == (0, ["watch-step"])
    past = datetime.fromtimestamp(END - 6 * HOUR, UTC).isoformat()
    assert run(tmp_path, monkeypatch, text, "--now", past) == (0, ["watch-steady"])


INSTANT = POLICY.replace('"QUERY"', '"QUERY", query: instant')


@needs_prometheus
@pytest.mark.parametrize("query", ["p95[20d]", "max_over_time(p95[59m])[13d:1h]"])
def test_the_samples_of_an_instant_query(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    """The samples themselves, whose times no range query meets, and those of a subquery."""
    text = INSTANT.replace("URL", url).replace("QUERY", query)
    assert run(tmp_path, monkeypatch, text) == (0, ["watch-step"])
    past = datetime.fromtimestamp(END - 6 * HOUR, UTC).isoformat()
    assert run(tmp_path, monkeypatch, text, "--now", past) == (0, ["watch-steady"])


@needs_prometheus
def test_samples_of_anything_else(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A metric that was renamed has none; one number is no range, and several series are not one metric."""
    renamed = INSTANT.replace("URL", url).replace("QUERY", "renamed[20d]")
    assert run(tmp_path, monkeypatch, renamed) == (0, ["watch-no-data"])
    for query in ("p95", "several[20d]"):
        text = INSTANT.replace("URL", url).replace("QUERY", query)
        assert run(tmp_path, monkeypatch, text) == (2, ["watch-not-judged"])
    assert "Traceback" not in capsys.readouterr().err


@needs_prometheus
def test_an_error_budget_of_prometheus(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of the process sets the counters back, and is no negative rate."""
    metric = (
        '{name: errors, prometheus: "sum(increase(total[5m]))", failed: "sum(increase(failed[5m]))", every: 5m, '
        "burn: {objective: 99.9%}}"
    )
    text = POLICY.replace("URL", url).replace('{name: p95, prometheus: "QUERY"}', metric)
    code, findings = run(tmp_path, monkeypatch, text)
    assert code == 0
    assert set(findings) == {"watch-burn"}


@needs_prometheus
def test_more_points_than_one_answer_has(url: str) -> None:
    """11,000 are the most that Prometheus answers with; the range is read in parts."""
    source = PrometheusSource(Prometheus(url=url), {})
    content = source.query_range("minutes", start=END - 11_999 * 60, end=END, step=60)
    assert [value for _, value in content.points] == [float(n) for n in range(11_999, -1, -1)]


@needs_prometheus
@pytest.mark.parametrize(
    ("query", "code", "findings"),
    [
        ("renamed", 0, ["watch-no-data"]),
        ("p95 * NaN", 0, ["watch-no-data"]),
        ("several", 2, ["watch-not-judged"]),
        ("p95[", 2, ["watch-not-judged"]),
    ],
)
def test_a_query_without_one_value(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, code: int, findings: list[str]
) -> None:
    """Renamed and NaN are inconclusive; several series and a malformed query are errors of the policy."""
    text = POLICY.replace("URL", url).replace("QUERY", query)
    assert run(tmp_path, monkeypatch, text) == (code, findings)


def test_a_prometheus_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the key of the policy."""
    text = POLICY.replace("URL", "http://127.0.0.1:9").replace("QUERY", "p95")
    assert run(tmp_path, monkeypatch, text)[0] == 2
    error = capsys.readouterr().err
    assert "watch.prometheus" in error
    assert "Traceback" not in error


def test_the_past_of_values_that_are_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten days that came later leave the older half of the rows as it was, so that enough days are judged."""
    text = """\
version: 1
service: scorer
watch: {metrics: [{name: fresh, log: {files: rows.csv, time: t, value: kind, statistic: unseen, every: 1d}}]}
"""
    past = END - 10 * 86_400
    times = range(END - 40 * 86_400, END, HOUR)
    rows = [f"{time},{'new' if past - 4 * 86_400 <= time < past and time % 7200 else 'usual'}" for time in times]
    (tmp_path / "rows.csv").write_text("\n".join(["t,kind", *rows]))
    assert run(tmp_path, monkeypatch, text, "--now", datetime.fromtimestamp(past, UTC).isoformat()) == (
        0,
        ["watch-step"],
    )


def effect(value: float) -> Effect:
    """Return a measured metric."""
    return Effect(metric="auc", candidate=value, estimate=0.0, outcome=Outcome.PASS)


def test_a_metric_of_the_evidence(service: WatchedService) -> None:
    """What the gate measured at each deployment is a series with one point per day."""
    policy = """\
version: 1
service: shop
watch:
  metrics: [{name: quality, evidence: {metric: auc}, every: 1d, direction: higher, change: 10%}]
"""
    (service.here / ".github/ghmlops.yml").write_text(policy)
    values = 0.9 + 0.002 * np.random.default_rng(1).normal(size=28) - 0.3 * (np.arange(28) < 3)
    records: list[Any] = [
        deployment(service.ago(24 * day), commit=f"{day:040x}", effects=(effect(float(values[day])),))
        for day in range(27, -1, -1)
    ]
    service.append(*records)
    assert service.run() == 0
    (finding,) = service.evidence()["findings"]
    assert (finding["id"], finding["metric"]) == ("watch-step", "quality")


def dated(service: WatchedService, hour: float, sha: str, seconds: float | None) -> dict[str, Any]:
    """Return a deployment of GitHub some hours before the end, which was live after some seconds, or failed."""
    created = service.end - timedelta(hours=hour)
    service.api.seed(deployments=[{"sha": sha, "statuses": [{"state": "failure" if seconds is None else "success"}]}])
    row, status = service.api.state.deployments[-1], service.api.state.deployment_statuses[-1]
    row["created_at"] = created.isoformat()
    status["created_at"] = (created + timedelta(seconds=seconds or 0.0)).isoformat()
    return row


@pytest.mark.parametrize("statistic", ["failed", "seconds"])
def test_a_metric_of_the_deployments_of_github(service: WatchedService, statistic: str) -> None:
    """They fail, or take longer, for three days; that warns, and nothing is undone for it."""
    policy = f"""\
version: 1
service: shop
watch: {{metrics: [{{name: releases, deployments: {statistic}, every: 1d}}], on: {{alarm: confirm}},
  workflows: {{confirm: confirm.yml}}}}
"""
    (service.here / ".github/ghmlops.yml").write_text(policy)
    noise = np.random.default_rng(1).normal(size=28)
    slow = statistic == "seconds"
    for day in range(27, -1, -1):
        usual = 60.0 + 2.0 * float(noise[day])
        dated(service, 24 * day + 1, f"{day:040x}", usual if day >= 3 else 300.0 if slow else None)
    service.append(*service.deployments())
    assert service.run("--respond") == 0
    (finding,) = service.evidence()["findings"]
    assert (finding["id"], finding["metric"]) == ("watch-step", "releases")
    assert (service.states(), service.api.state.runs) == ([], [])
    requests = [request["path"] for request in service.api.state.requests]
    assert len(requests) == len(set(requests))


def test_deployments_of_github_without_a_token(service: WatchedService) -> None:
    """The metric was not measured, and that is no pass."""
    policy = "version: 1\nservice: shop\nwatch: {metrics: [{name: releases, deployments: failed, every: 1d}]}\n"
    (service.here / ".github/ghmlops.yml").write_text(policy)
    service.patch.delenv("GHMLOPS_TOKEN")
    assert service.run() == 2
