"""Promotions that are judged by counters of a real Prometheus alone: requests and failures, no response times."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.targets import open_target, read_shares
from ghmlops.cli import main
from ghmlops.core.policy.promote import Prometheus
from ghmlops.core.policy.target import DryRunTarget
from ghmlops.core.promotion.weights import BASELINE_ONLY, Shares
from ghmlops.measure.telemetry.prometheus import PrometheusSource
from prometheus_server import ERRORS, TOTAL, ShopCounters, needs_prometheus, running_prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = needs_prometheus
POLICY = """\
version: 1
service: shop
promote:
  target: {dry-run: {}}
  ladder: [25%, 100%]
  rung: {min-requests: 20, max-duration: 30s, settle: 30s, bake: 0s}
  judge: {errors: 1%}
  watch: 0s
  observe: {prometheus: "URL", total: 'TOTAL', errors: 'ERRORS', interval: 0.8s}
"""
NAMES = {"candidate": "candidate", "twin": "twin", "pool": "baseline"}
RATE = 800
"""Requests per second."""


@dataclass(slots=True, kw_only=True)
class Shop:
    """A service whose requests follow the weights of the rehearsed target.

    Attributes:
        folder: Folder with the policy and the weights.
        url: Address of Prometheus.
        counters: What it exports.
        errors: Share of the candidate's requests that fail.
        disturb: Called once the candidate has traffic for a second.
    """

    folder: Path
    url: str
    counters: ShopCounters = field(default_factory=ShopCounters)
    errors: float = 0.0
    disturb: Callable[[], object] = lambda: None

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Count requests by the weights."""
        stop, target = threading.Event(), open_target(DryRunTarget(), self.folder)
        owed = dict.fromkeys((*NAMES, "failed"), 0.0)

        def serve() -> None:
            since = None
            while not stop.is_set():
                shares = read_shares(target)
                for arm, name in NAMES.items():
                    owed[arm] += RATE * 0.02 * shares.share(arm)
                    whole = int(owed[arm])
                    owed[arm] -= whole
                    self.counters.total[name] += whole
                    if arm == "candidate":
                        owed["failed"] += whole * self.errors
                        self.counters.errors[name] += int(owed["failed"])
                        owed["failed"] %= 1.0
                since = since or (time.monotonic() if shares.candidate else None)
                if since and time.monotonic() > since + 1.0:
                    self.disturb()
                    self.disturb = lambda: None
                time.sleep(0.02)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def promote(self, *arguments: str, total: str = TOTAL) -> tuple[int, dict[str, Any]]:
        """Run the command under traffic; return the exit code and the record."""
        text = POLICY.replace("URL", self.url).replace("TOTAL", total).replace("ERRORS", ERRORS)
        (self.folder / "policy.yml").write_text(text)
        with self.serving():
            code = main(["promote", "--policy", "policy.yml", "--commit", "a" * 40, *arguments])
        path = self.folder / "evidence" / "promotion.json"
        return code, json.loads(path.read_text()) if path.exists() else {}

    def shares(self) -> Shares:
        """Return the shares of the target."""
        return read_shares(open_target(DryRunTarget(), self.folder))


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ShopCounters]]:
    """Return the address of a Prometheus, and the counters that it scrapes."""
    counters = ShopCounters()
    with counters.served(), running_prometheus(tmp_path_factory.mktemp("prometheus"), counters.address) as url:
        yield url, counters


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scraped: tuple[str, ShopCounters]) -> Shop:
    """Return a service that is scraped, in the working directory of the command."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    url, counters = scraped
    counters.hidden.clear()
    source, deadline = PrometheusSource(Prometheus(url=url), {}), time.monotonic() + 30
    while source.query('count(shop_errors{server=~"candidate|twin|baseline"})') != 3.0:
        assert time.monotonic() < deadline, "nothing was scraped"
        time.sleep(0.05)
    return Shop(folder=tmp_path, url=url, counters=counters)


def test_a_good_candidate_is_promoted(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """By its counts alone; that latency was not measured is in the record and in the output."""
    code, record = shop.promote()
    assert (code, record["decision"]) == (0, "complete")
    assert shop.shares() == Shares(candidate=1.0)
    assert all(rung["passed"] and rung["requests"]["candidate"] >= 20 for rung in record["rungs"])
    assert len(record["not_measured"]) == 1
    assert record["not_measured"][0] in capsys.readouterr().out


def test_a_candidate_that_fails_is_rolled_back(shop: Shop) -> None:
    """One of five of its requests fails."""
    shop.errors = 0.2
    code, record = shop.promote()
    assert (code, record["decision"], record["reason_code"]) == (1, "rollback", "errors-above-objective")
    assert shop.shares() == BASELINE_ONLY
    assert record["rungs"][0]["errors"]["candidate"] > 0


@pytest.mark.parametrize("arm", ["candidate", "twin", "baseline"])
def test_series_that_disappear_are_not_healthy(shop: Shop, arm: str) -> None:
    """Hold: without the counters of one arm, no arm is judged."""
    shop.errors = 0.0
    shop.disturb = lambda: shop.counters.hidden.add(arm)
    code, record = shop.promote()
    assert (code, record["decision"], record["reason_code"]) == (1, "hold", "no-telemetry")
    assert [rung["passed"] for rung in record["rungs"]][-1] is False or record["shares"]["candidate"] < 1.0


def test_a_restarted_service_is_no_failure(shop: Shop) -> None:
    """Its counters begin anew: what they counted in between is lost, and the promotion goes on."""

    def restart() -> None:
        shop.counters.total.update(dict.fromkeys(shop.counters.total, 0.0))
        shop.counters.errors.update(dict.fromkeys(shop.counters.errors, 0.0))

    shop.disturb = restart
    code, record = shop.promote()
    assert (code, record["decision"]) == (0, "complete")


@pytest.mark.parametrize(
    "query", ['sum(shop_none{server=~"{arm}"})', f"0 * {TOTAL} / 0", f"{TOTAL} + 0.5", f"-1 - {TOTAL}"]
)
def test_a_counter_without_a_count_changes_nothing(shop: Shop, query: str) -> None:
    """No series, NaN, a fraction and a negative number are refused before the first weight."""
    assert shop.promote(total=query) == (2, {})
    assert shop.shares() == BASELINE_ONLY


def test_the_plan_shows_the_counts(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` reads them, and changes nothing."""
    assert shop.promote("--dry-run") == (0, {})
    assert "requests of the candidate" in capsys.readouterr().out
