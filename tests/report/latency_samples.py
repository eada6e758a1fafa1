"""Evidence of a latency run with its histogram log and its pairs of blocks, as the command writes them."""

from __future__ import annotations

import msgspec
import numpy as np

from ghmlops.core.details.latency import DuetDetails, LatencyDetails
from ghmlops.core.details.over_time import ArmCounts, OverTime
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import LogInterval, write_log
from ghmlops.core.latency.constants import BLOCK_SIZE
from ghmlops.core.latency.duet import Duet, compare_blocks
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS
from report import samples

BEGAN = 1_772_625_600.0


def log(times_ms: dict[str, list[float]]) -> bytes:
    """Return a histogram log of one second with the response times of each arm."""
    intervals = [LogInterval(arm, 0.0, 1.0, Histogram.of(np.array(times) * 1e6)) for arm, times in times_ms.items()]
    return write_log(intervals, BEGAN).encode()


def with_course(file: Loaded, seconds: int = 20) -> Loaded:
    """Return evidence whose log has 200 requests per second, of which some of the candidate failed in the middle."""
    generator = np.random.default_rng(6)
    intervals = [
        LogInterval(arm, float(second), 1.0, Histogram.of(generator.gamma(2.0, 2e7, 200)))
        for second in range(seconds)
        for arm in ("baseline", "candidate")
    ]
    failed = [3 if second == seconds // 2 else 0 for second in range(seconds)]
    arms = {
        "baseline": ArmCounts(requests=[200] * seconds, failed=[0] * seconds),
        "candidate": ArmCounts(requests=[200] * seconds, failed=failed),
    }
    assert file.evidence
    assert isinstance(file.evidence.details, LatencyDetails)
    details = msgspec.structs.replace(file.evidence.details, over_time=OverTime(start_s=0, width_s=1, arms=arms))
    return file._replace(
        evidence=msgspec.structs.replace(file.evidence, details=details), log=write_log(intervals, BEGAN).encode()
    )


def latency(*, ratio: float = 1.0, pairs: int = 16, leg: str = "", with_baseline: bool = True) -> Loaded:
    """Return the evidence of a run in which the candidate takes `ratio` times as long, with its log."""
    generator = np.random.default_rng(5)
    duet = Duet(DEFAULT_LATENCY_MARGINS)
    arms: dict[str, list[float]] = {"baseline": [], "candidate": []}
    for block in range(1, pairs + 1):
        load = 40.0 * np.exp(0.1 * np.sin(block))
        baseline, candidate = (load * (0.4 + generator.gamma(2.0, 0.35, BLOCK_SIZE)) for _ in range(2))
        candidate = candidate * ratio
        duet.feed(compare_blocks(baseline / 1e3, candidate / 1e3), block)
        arms["baseline"] += baseline.tolist()
        arms["candidate"] += candidate.tolist()
    details = msgspec.structs.replace(
        samples.latency_details(),
        settings=msgspec.structs.replace(samples.latency_details().settings, margins=dict(DEFAULT_LATENCY_MARGINS)),
        duet=DuetDetails(
            decision=duet.decision or "undecided",
            pairs=duet.pairs,
            decided_at_pair=duet.decided_at or None,
            extended=False,
            blocks_without_enough_answers=0,
            blocks=duet.windows,
            lasting_noise=duet.persistence,
            log_ratios={**duet.log_ratios, **duet.other_statistics},
            spread_of_log_ratios={},
            log_e={},
        )
        if with_baseline
        else None,
    )
    evidence = msgspec.structs.replace(samples.latency(slow=ratio > 1, leg=leg), details=details)
    if not with_baseline:
        del arms["baseline"]
    name = f"latency-{leg}.json" if leg else "latency.json"
    return Loaded(name, "00" * 32, evidence, "", log=log(arms))
