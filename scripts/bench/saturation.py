"""The tables of verdict_latency on queues: false alarms and regressions at every utilisation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from tabulate import tabulate

from bench.noise import Noise
from bench.queues import Queues, paired_response_times
from ghmlops.core.latency.constants import BLOCK_SIZE, MAX_PAIRS, MIN_PAIRS_TO_FAIL
from ghmlops.core.latency.duet import WIDE, Duet, compare_blocks
from ghmlops.core.latency.saturated_runs.finding import saturation_of
from ghmlops.core.latency.saturation.persistence import noise_between_blocks
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS, Arrivals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.latency.saturated_runs.finding import Saturation

UTILISATIONS = (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.2, 1.5)
BUSY = (0.5, 0.8, 0.9, 0.95, 1.0, 1.05, 1.2)
CALM = Noise(level=0.1, neighbour=0.1)
ALIKE: dict[str, tuple[Queues, tuple[float, ...]]] = {
    "two queues, independent service times (CV 1)": (Queues(utilisation=1), UTILISATIONS),
    "the same with 4 servers": (Queues(utilisation=1, servers=4), (0.5, 0.8, 0.95, 1.0, 1.05)),
    "shared noise as without queues": (Queues(utilisation=1, service="shared"), UTILISATIONS),
    "shared noise of a calm machine": (Queues(utilisation=1, service="shared", noise=CALM), UTILISATIONS),
}
SLOWER = {
    "shared noise, 0.5, +10 %": Queues(utilisation=0.5, service="shared", factor=1.1),
    "shared noise, 0.6, +10 %": Queues(utilisation=0.6, service="shared", factor=1.1),
    "shared noise, 0.6, x 1.5": Queues(utilisation=0.6, service="shared", factor=1.5),
    "independent, 0.3, +20 %": Queues(utilisation=0.3, factor=1.2),
    "independent, 0.6, x 1.5 (candidate at 0.9)": Queues(utilisation=0.6, factor=1.5),
    "independent, 0.7, x 1.36 (candidate at 0.95)": Queues(utilisation=0.7, factor=1.357),
    "independent, 0.6, x 2 (candidate at 1.2)": Queues(utilisation=0.6, factor=2.0),
    "independent, 0.8, x 1.5 (candidate at 1.2)": Queues(utilisation=0.8, factor=1.5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Outcome of one run, its requests per arm, and the outcome without the rules on saturation."""

    outcome: str
    requests: int
    saturated: bool
    undiluted: str


def run(queues: Queues, rng: np.random.Generator) -> Result:
    """Run one verdict as `Judge` does: to its decision, or to the end of the plan and its extension."""
    arrivals = Arrivals(rate=queues.rate)
    duet, plain = Duet(DEFAULT_LATENCY_MARGINS), Duet(DEFAULT_LATENCY_MARGINS, dilute=False)
    baseline, candidate = paired_response_times(queues, 2 * MAX_PAIRS, rng)
    requests, saturation = 0, saturation_of(duet, arrivals)
    for start in range(0, len(baseline), BLOCK_SIZE):
        statistics = compare_blocks(baseline[start : start + BLOCK_SIZE], candidate[start : start + BLOCK_SIZE])
        if not plain.decision:
            plain.feed(statistics)
        if not requests:
            duet.feed(statistics)
            saturation = saturation_of(duet, arrivals)
            if _stops(duet, saturation):
                requests = start + BLOCK_SIZE
        if requests and plain.decision:
            break
    outcome = duet.decision if duet.decision and not saturation.is_saturated else "inconclusive"
    return Result(
        outcome=outcome,
        requests=requests or len(baseline),
        saturated=saturation.is_saturated,
        undiluted=plain.decision or "inconclusive",
    )


def _stops(duet: Duet, saturation: Saturation) -> bool:
    """Return whether a run with a plan of `MAX_PAIRS` pairs stops here; the rule of `Judge`."""
    if not any(saturation.growth.values()):
        return bool(duet.decision)
    if not saturation.baseline_overloaded and duet.decision != "pass":
        return bool(duet.decision)
    return duet.pairs >= MAX_PAIRS


def summary(results: Sequence[Result]) -> dict[str, float]:
    """Return the share of each outcome, before and after the rules on saturation."""
    n = len(results)
    shares = {name: sum(r.outcome == name for r in results) / n for name in ("fail", "pass", "inconclusive")}
    return {
        **shares,
        "saturated": sum(r.saturated for r in results) / n,
        "undiluted fail": sum(r.undiluted == "fail" for r in results) / n,
        "undiluted pass": sum(r.undiluted == "pass" for r in results) / n,
        "median": float(np.median([r.requests for r in results])),
        "by 6,000": sum(r.outcome != "inconclusive" and r.requests <= 6000 for r in results) / n,
        "by 12,000": sum(r.outcome != "inconclusive" and r.requests <= 12_000 for r in results) / n,
        "by 18,000": sum(r.outcome != "inconclusive" and r.requests <= 18_000 for r in results) / n,
    }


def _cells(row: Mapping[str, float]) -> list[str]:
    shares = ("fail", "pass", "inconclusive", "saturated", "undiluted fail", "undiluted pass")
    decided = ("by 6,000", "by 12,000", "by 18,000")
    return [
        *(f"{100 * row[name]:.1f} %" for name in shares),
        f"{row['median']:.0f}",
        " / ".join(f"{100 * row[name]:.0f}" for name in decided),
    ]


HEAD = ["fail", "pass", "inconclusive", "saturated", "fail before", "pass before", "median", "decided % by 6/12/18k"]


def saturation_tables(
    runs: int, seed: int, row: tuple[str, float] | None = None
) -> dict[str, dict[str, dict[str, float]]]:
    """Print and return the tables: no change at every utilisation, and regressions.

    Args:
        runs: Simulated runs per row.
        seed: Seed of the simulation.
        row: Title of a table in `ALIKE` and a utilisation: only this row, to measure a rare event by many runs.
    """
    figures: dict[str, dict[str, dict[str, float]]] = {}

    def results_of(queues: Queues) -> dict[str, float]:
        return summary([run(queues, np.random.default_rng([seed, 13, number])) for number in range(runs)])

    def print_table(title: str, rows: Mapping[str, dict[str, float]]) -> None:
        table = [[name, *_cells(row)] for name, row in rows.items()]
        print(f"\n{tabulate(table, headers=[title, *HEAD], disable_numparse=True)}", flush=True)

    alike = ALIKE if row is None else {row[0]: (ALIKE[row[0]][0], row[1:])}
    for title, (queues, utilisations) in alike.items():
        figures[title] = {
            f"{at:g}": results_of(
                Queues(utilisation=at, servers=queues.servers, service=queues.service, noise=queues.noise)
            )
            for at in utilisations
        }
        print_table(f"A/A, {title}", figures[title])
    if row is not None:
        return figures
    figures["slower"] = {name: results_of(queues) for name, queues in SLOWER.items()}
    print_table("slower", figures["slower"])
    return figures


def multiple_of_noise(queues: Queues, rng: np.random.Generator) -> float:
    """Return the largest multiple of the noise between blocks that one plan of two equal queues keeps.

    It is the multiple that every block so far exceeds, after as many pairs as a failure needs, of any quantile and
    whichever arm is slower. Beyond `OUTWEIGHED`, noise that lasts dilutes the evidence less.
    """
    baseline, candidate = paired_response_times(queues, MAX_PAIRS, rng)
    starts = range(0, len(baseline), BLOCK_SIZE)
    rows = [compare_blocks(baseline[s : s + BLOCK_SIZE], candidate[s : s + BLOCK_SIZE]) for s in starts]
    columns = [np.array([row[name] for row in rows]) for name in ("p50", "p95")]
    columns.append(np.array([(row["p99"] + row[WIDE]) / 2 for row in rows]))
    multiples = [np.minimum.accumulate(sign * d) / noise_between_blocks(d) for d in columns for sign in (1, -1)]
    return float(max(each[MIN_PAIRS_TO_FAIL - 1 :].max() for each in multiples))


def multiple_tables(runs: int, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Print and return the largest multiples of the noise that equal queues keep, in `runs` plans per row."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for title, (queues, _) in ALIKE.items():
        figures[title] = {}
        for at in BUSY:
            each = [
                multiple_of_noise(replace(queues, utilisation=at), np.random.default_rng([seed, 17, number]))
                for number in range(runs)
            ]
            figures[title][f"{at:g}"] = {"median": float(np.median(each)), "largest": max(each)}
        table = [[name, *(f"{value:.1f}" for value in row.values())] for name, row in figures[title].items()]
        print(f"\n{tabulate(table, headers=[title, 'median', 'largest'], disable_numparse=True)}", flush=True)
    return figures
