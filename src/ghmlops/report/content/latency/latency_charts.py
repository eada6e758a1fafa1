"""The response times of each latency evidence as numbers to draw, from its histogram log and its pairs of blocks.

Log and pairs are untrusted: a log that cannot be read is named on the page, and pairs whose numbers do not fit together
are left out. Nothing is drawn that was not measured.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.details.latency import LatencyCommon
from ghmlops.core.errors import DataError
from ghmlops.report.content.latency.over_time import ARMS, run_over_time
from ghmlops.report.content.placed_findings import evidence_label
from ghmlops.report.text.blocks import LatencyCharts, PairEvidence
from ghmlops.report.text.numbers import finite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.core.details.latency import DuetDetails
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.evidence.loaded import Loaded
    from ghmlops.core.histograms.histogram import Histogram
    from ghmlops.core.histograms.hlog import LogInterval
    from ghmlops.core.policy.latency import LatencyMargin

MAX_FILES = 12
"""Evidence files that are drawn; a page with more of them is too long to read."""
MAX_PAIRS = 1000
"""Pairs of blocks that are drawn; a plan and its extension have at most 144 per shard."""
MAX_LOG_INTERVALS, MAX_LOG_BUCKETS, MAX_COUNT_BYTES = 16_000, 2_000_000, 32 * 1024 * 1024
"""Limits of decoding all logs of a page, shared equally among them: two hours of two arms take four CPU seconds."""
BINS = 40
DRAWN_PAIRS = ("p50", "p95")
NANOSECONDS_PER_MILLISECOND = 1e6


def latency_charts(files: Iterable[Loaded]) -> list[LatencyCharts]:
    """Return the charts of each evidence file of a latency measurement, in the order of the folder.

    Args:
        files: The files of the evidence folder, with the bytes of their logs.
    """
    measured = [(file, file.evidence) for file in files if file.evidence]
    drawable = [pair for pair in measured if isinstance(pair[1].details, LatencyCommon)][:MAX_FILES]
    share = max(1, sum(bool(file.log) for file, _ in drawable))
    charts = [_charts(file, evidence, share) for file, evidence in drawable]
    return [chart for chart in charts if chart.curves or chart.pairs or chart.problem or chart.over_time]


def _charts(file: Loaded, evidence: Evidence, share: int) -> LatencyCharts:
    lines, problem = _log_lines(file, share)
    try:
        histograms = _response_times(lines)
    except DataError as error:
        lines, histograms, problem = [], {}, f"{_log_name(file)}: {error.message}"
    counts_over_time = evidence.details.over_time if isinstance(evidence.details, LatencyCommon) else None
    edges, counts = _bins(histograms)
    return LatencyCharts(
        title=evidence_label(evidence.command, evidence.leg),
        requests={arm: histogram.total for arm, histogram in histograms.items()},
        curves={arm: _curve(histogram) for arm, histogram in histograms.items()},
        quantiles={arm: _quantiles(histogram) for arm, histogram in histograms.items()},
        edges=edges,
        counts=counts,
        pairs=_pairs(evidence),
        problem=problem,
        over_time=run_over_time(lines, counts_over_time),
    )


def _log_name(file: Loaded) -> str:
    return f"{file.file.removesuffix('.json')}.hlog"


def _log_lines(file: Loaded, share: int) -> tuple[list[LogInterval], str]:
    """Return the lines of the log of a file in nanoseconds, and why it was left out.

    The log may use one `share`-th of the limits.
    """
    if file.log_problem or not file.log:
        return [], f"{_log_name(file)}: {file.log_problem}" if file.log_problem else ""
    from ghmlops.core.histograms.hlog import LogLimits, log_unit, read_log

    limits = LogLimits(
        intervals=MAX_LOG_INTERVALS // share, buckets=MAX_LOG_BUCKETS // share, count_bytes=MAX_COUNT_BYTES // share
    )
    text = file.log.decode("ascii", errors="replace")
    if log_unit(text) not in ("", "ns"):
        return [], f"{_log_name(file)}: its values are not in nanoseconds"
    try:
        return [line for line in read_log(text, limits) if line.tag in ARMS], ""
    except DataError as error:
        return [], f"{_log_name(file)}: {error.message}"


def _response_times(lines: Sequence[LogInterval]) -> dict[str, Histogram]:
    """Return the histogram of each arm with requests.

    Raises:
        DataError: Its lines cannot be added.
    """
    if not lines:
        return {}
    from ghmlops.core.histograms.histogram import Histogram

    groups: dict[str, list[Histogram]] = {}
    for line in lines:
        groups.setdefault(line.tag, []).append(line.histogram)
    sums = {arm: Histogram.summed(groups[arm]) for arm in ARMS if arm in groups}
    return {arm: histogram for arm, histogram in sums.items() if histogram.total}


def _curve(histogram: Histogram) -> list[tuple[float, float]]:
    from ghmlops.core.histograms.curve import percentile_curve

    return [(x, max(value, 1.0) / NANOSECONDS_PER_MILLISECOND) for x, value in percentile_curve(histogram)]


def _quantiles(histogram: Histogram) -> dict[str, float]:
    """Return the quantiles that the number of requests supports: at least ten are beyond each one, and the maximum."""
    names = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
    supported = {name: q for name, q in names.items() if histogram.total * (1 - q) >= 10 or name == "p50"}
    values = {name: histogram.quantile(q) for name, q in supported.items()} | {"max": histogram.maximum}
    return {name: value / NANOSECONDS_PER_MILLISECOND for name, value in values.items()}


def _bins(histograms: dict[str, Histogram]) -> tuple[list[float], dict[str, list[int]]]:
    if not histograms:
        return [], {}
    from ghmlops.core.histograms.curve import logarithmic_bins

    edges, counts = logarithmic_bins(list(histograms.values()), BINS)
    return [edge / NANOSECONDS_PER_MILLISECOND for edge in edges], dict(zip(histograms, counts, strict=True))


def _pairs(evidence: Evidence) -> list[PairEvidence]:
    """Return the ratios of the pairs and the e-processes computed from them again; empty if the numbers do not fit."""
    details = evidence.details
    duet = details.duet if isinstance(details, LatencyCommon) else None
    if not isinstance(details, LatencyCommon) or duet is None or not 0 < len(duet.blocks) <= MAX_PAIRS:
        return []
    from ghmlops.core.latency.constants import FAIL_E, MAX_LOG_RATIO, PASS_E
    from ghmlops.core.latency.duet import PAIR_STATISTICS

    margins = details.settings.margins
    columns = {name: [finite(value) for value in duet.log_ratios.get(name, [])] for name in PAIR_STATISTICS}
    fits = all(
        len(column) == len(duet.blocks) and all(v is not None and abs(v) <= MAX_LOG_RATIO for v in column)
        for column in columns.values()
    )
    if not fits or not _usable(margins, duet):
        return []
    log_e = _e_processes(duet, margins)
    return [
        PairEvidence(
            quantile=name,
            ratios=[math.exp(value) for value in duet.log_ratios[name]],
            margin=1.0 + margins[name].fail,
            safe=1.0 + margins[name].safe,
            log_e=[values[name] for values in log_e],
            log_limits=(math.log(FAIL_E), math.log(PASS_E)),
            decided_at=duet.decided_at_pair,
        )
        for name in DRAWN_PAIRS
    ]


def _usable(margins: dict[str, LatencyMargin], duet: DuetDetails) -> bool:
    """Return whether the margins and the numbers of the blocks can belong to a run."""
    from ghmlops.core.policy.latency import QUANTILES

    ends = [end for name in QUANTILES if name in margins for end in (margins[name].fail, margins[name].safe)]
    in_range = all((value := finite(end)) is not None and 0 <= value < 100 for end in ends)
    return len(ends) == 2 * len(QUANTILES) and in_range and all(0 < block < 2**31 for block in duet.blocks)


def _e_processes(duet: DuetDetails, margins: dict[str, LatencyMargin]) -> list[dict[str, tuple[float, float]]]:
    """Return the logarithms of the e-processes after each pair up to a failure, by quantile.

    They do not depend on whether a pass ends the run, so all pairs are fed as in a patient one; the chart marks the
    decision.
    """
    from ghmlops.core.latency.duet import PAIR_STATISTICS, Duet

    process = Duet(margins, patient=True)
    values = []
    for index, block in enumerate(duet.blocks):
        decision = process.feed({name: duet.log_ratios[name][index] for name in PAIR_STATISTICS}, block)
        values.append(process.log_e)
        if decision == "fail":
            break
    return values
