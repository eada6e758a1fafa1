"""Which response times and pairs are drawn, and what becomes of malformed ones."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.core.details.latency import LatencyDetails
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import LogInterval, write_log
from ghmlops.report.content.latency import latency_charts as module
from ghmlops.report.content.latency.latency_charts import latency_charts
from ghmlops.report.formats import html
from report import latency_samples, samples

if TYPE_CHECKING:
    from ghmlops.report.text.blocks import LatencyCharts


def with_duet(**fields: Any) -> Loaded:
    """Return the sample evidence with other fields of the pairs of blocks, and without a log."""
    file = latency_samples.latency()
    assert file.evidence
    assert isinstance(file.evidence.details, LatencyDetails)
    assert file.evidence.details.duet
    details = msgspec.structs.replace(
        file.evidence.details, duet=msgspec.structs.replace(file.evidence.details.duet, **fields)
    )
    return file._replace(evidence=msgspec.structs.replace(file.evidence, details=details), log=b"")


def drawn(file: Loaded) -> LatencyCharts:
    """Return the charts of one file."""
    (charts,) = latency_charts([file])
    return charts


def test_quantiles_are_those_of_the_log() -> None:
    """Each arm has the quantiles of its requests, as far as ten requests are beyond them, and its maximum."""
    log = latency_samples.log({"baseline": [5.0] * 40, "candidate": [float(v) for v in range(1, 1001)]})
    charts = drawn(latency_samples.latency()._replace(log=log))
    assert charts.requests == {"baseline": 40, "candidate": 1000}
    assert charts.quantiles["baseline"] == pytest.approx({"p50": 5.0, "max": 5.0}, rel=1e-3)
    expected = {"p50": 500.0, "p90": 900.0, "p95": 950.0, "p99": 990.0, "max": 1000.0}
    assert charts.quantiles["candidate"] == pytest.approx(expected, rel=1e-3)
    assert [sum(charts.counts[arm]) for arm in charts.counts] == [40, 1000]


def test_the_e_process_is_the_one_of_the_verdict() -> None:
    """Recomputed from the evidence, the e-process first reaches its limit at the pair of the decision."""
    p50, p95 = drawn(latency_samples.latency(ratio=1.3)).pairs
    assert (p50.quantile, p95.quantile) == ("p50", "p95")
    assert p50.decided_at == len(p50.log_e)
    tops = [max(row[0] for row in pairs.log_e) for pairs in (p50, p95)]
    assert max(tops) >= math.log(300)
    earlier = [row[0] for pairs in (p50, p95) for row in pairs.log_e[:-1]]
    assert max(earlier) < math.log(300)
    assert sum(p50.ratios) / len(p50.ratios) == pytest.approx(1.3, rel=0.1)


def test_arms_that_were_not_measured_are_absent() -> None:
    """Without a baseline only the candidate is drawn, and no pairs."""
    charts = drawn(latency_samples.latency(with_baseline=False))
    assert list(charts.curves) == list(charts.counts) == ["candidate"]
    assert charts.pairs == []


def test_evidence_without_numbers_has_no_charts() -> None:
    """Evidence of other commands, unreadable files, and latency evidence without log and pairs are left out."""
    plain = Loaded("latency.json", "", samples.latency(), "")
    predictions = Loaded("regression.json", "", samples.regression(), "", log=b"garbage")
    assert latency_charts([plain, predictions, samples.unreadable()]) == []


@pytest.mark.parametrize(
    "log",
    [
        b"garbage",
        b"\xff\xfe",
        b"Tag=baseline,0.000,1.000,5.000,AAAA\n",
        b"0.0,1.0,1.0,HISTFAAA\n" * 3,
        write_log([LogInterval("candidate", 0.0, 1.0, Histogram.empty())], 0.0, unit="ms").encode(),
    ],
)
def test_malformed_logs_are_named_and_left_out(log: bytes) -> None:
    """The file name is in the message; the pairs, which do not depend on the log, are drawn."""
    charts = drawn(latency_samples.latency(leg="cpu")._replace(log=log))
    assert charts.problem.startswith("latency-cpu.hlog: ")
    assert charts.curves == {}
    assert len(charts.pairs) == 2


def test_logs_with_too_many_intervals_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding stops at the limit, and the log is named."""
    monkeypatch.setattr(module, "MAX_LOG_INTERVALS", 1)
    assert drawn(latency_samples.latency()).problem.startswith("latency.hlog: ")


def test_logs_that_could_not_be_read_are_named() -> None:
    """The problem of reading the file is the one on the page."""
    charts = drawn(latency_samples.latency()._replace(log=b"", log_problem="it is a link"))
    assert charts.problem == "latency.hlog: it is a link"


@pytest.mark.parametrize(
    "fields",
    [
        {"blocks": []},
        {"blocks": [1, 2]},
        {"blocks": list(range(1, module.MAX_PAIRS + 2))},
        {"blocks": [-1] * 16},
        {"log_ratios": {}},
        {"log_ratios": {"p50": [0.1] * 16}},
        {"log_ratios": dict.fromkeys(("p50", "p95"), [1e300] * 16)},
    ],
)
def test_pairs_that_do_not_fit_together_are_not_drawn(fields: dict[str, Any]) -> None:
    """Columns of different lengths, too many pairs, and numbers beyond those of a run have no chart."""
    assert latency_charts([with_duet(**fields)]) == []


def test_extreme_statistics_are_drawn_without_an_error() -> None:
    """Numbers at the bounds of what the reader accepts yield finite positions."""
    columns = drawn_columns(64.0)
    charts = drawn(with_duet(log_ratios=columns))
    report = dataclasses.replace(samples.report(samples.latency()), latency=[charts])
    assert "nan" not in html.page(report).split("<body>")[1].lower().replace("financ", "")


def drawn_columns(value: float) -> dict[str, list[float]]:
    """Return all statistics of 16 pairs with one value."""
    from ghmlops.core.latency.duet import PAIR_STATISTICS

    return {name: [value] * 16 for name in PAIR_STATISTICS}


def test_many_files_are_bounded() -> None:
    """A page has the charts of at most `MAX_FILES` evidence files."""
    file = latency_samples.latency(pairs=1)
    assert len(latency_charts([file] * (module.MAX_FILES + 3))) == module.MAX_FILES


def test_hostile_names_stay_text() -> None:
    """Neither the leg nor the name of a malformed log can add an element to the page."""
    hostile = "<img src=x onerror=alert(1)>"
    file = latency_samples.latency(leg=hostile)._replace(file=f"latency-{hostile}.json", log=b"garbage")
    report = dataclasses.replace(samples.report(samples.latency()), latency=latency_charts([file]))
    page = html.page(report)
    assert "<img" not in page
    assert "&lt;img" in page
