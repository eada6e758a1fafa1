"""Findings on the noise floor: does the candidate differ from the baseline by more than a second baseline does?"""

from __future__ import annotations

import math
from typing import Literal

from ghmlops.core.details.regression import NoiseRow
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.predictions.behaviour.noise_floor import Excess
from ghmlops.core.predictions.constants import ALPHA, MIN_JUDGED_ROWS, NOISE_CHURN_MARGIN, NOISE_SCORE_RATIO
from ghmlops.core.predictions.findings import DOCS, format_points
from ghmlops.core.predictions.ruling import evidence_number
from ghmlops.core.text.p_value import format_p

Quantity = Literal["churn", "score-difference"]
_IDS: dict[Quantity, str] = {"churn": "noise-churn", "score-difference": "noise-scores"}


def judge_noise(
    churn: Excess | None, scores: Excess | None = None, *, margin: float | None = None, dataset: str = ""
) -> tuple[list[Finding], list[NoiseRow]]:
    """Judge a data set against its noise floor.

    `noise-churn` fails if churn is significantly above the floor by more than the margin, and warns if it is
    significantly above the floor. `noise-scores` warns if the score difference is significantly above the floor and
    more than `NOISE_SCORE_RATIO` times as large. Both are inconclusive with fewer than `MIN_JUDGED_ROWS` rows.

    Args:
        churn: Excess of changed decisions; None for a task without decisions.
        scores: Excess of the mean absolute difference of scores or predicted values; None without scores.
        margin: The policy's `margins.churn`, which applies to the excess; None: `NOISE_CHURN_MARGIN`.
        dataset: Name of the data set.

    Returns:
        The findings, and a row of the table `noise` for each.
    """
    findings: list[Finding] = []
    rows: list[NoiseRow] = []
    if churn is not None:
        findings.append(_churn_finding(churn, NOISE_CHURN_MARGIN if margin is None else margin, dataset))
        rows.append(_row("churn", churn, findings[-1]))
    if scores is not None:
        findings.append(_score_finding(scores, dataset))
        rows.append(_row("score-difference", scores, findings[-1]))
    return findings, rows


def _churn_finding(churn: Excess, margin: float, dataset: str) -> Finding:
    text = (
        f"{_percent(churn.value)} of {churn.rows:,} decisions changed, against {_percent(churn.floor)} of "
        f"{churn.floor_rows:,} between two baselines of one recipe"
    )
    if _is_undecidable(churn):
        return _finding("churn", churn, Outcome.INCONCLUSIVE, f"{text}; {_TOO_FEW}.", (margin, "ratio", dataset))
    difference = (
        f"{100 * churn.excess:+.2f} points, at least {100 * churn.low:+.2f} with {100 * (1 - ALPHA):g} % confidence"
    )
    limit = f"the {format_points(margin)} allowed above the noise floor"
    if not churn.above_floor:
        outcome, conclusion = Outcome.PASS, "not significantly above the noise floor"
    elif churn.excess > margin:
        outcome, conclusion = Outcome.FAIL, f"more than {limit}"
    else:
        outcome, conclusion = Outcome.WARN, f"significant, but within {limit}"
    return _finding("churn", churn, outcome, f"{text} ({difference}), {conclusion}.", (margin, "ratio", dataset))


def _score_finding(scores: Excess, dataset: str) -> Finding:
    text = (
        f"Predictions differ by {scores.value:.4g} on average over {scores.rows:,} rows, against {scores.floor:.4g} "
        f"over {scores.floor_rows:,} rows between two baselines of one recipe"
    )
    margin = (NOISE_SCORE_RATIO - 1.0) * scores.floor
    if _is_undecidable(scores):
        reason = f"{text}; {_TOO_FEW}."
        return _finding("score-difference", scores, Outcome.INCONCLUSIVE, reason, (margin, "", dataset))
    limit = f"{NOISE_SCORE_RATIO:g} times the noise floor"
    if not scores.above_floor:
        outcome, conclusion = Outcome.PASS, "not significantly above the noise floor"
    elif scores.excess > margin:
        outcome, conclusion = Outcome.WARN, f"more than {limit}"
    else:
        outcome, conclusion = Outcome.PASS, f"above the noise floor, but within {limit}"
    reason = f"{text} ({format_p('p', scores.p)}), {conclusion}."
    return _finding("score-difference", scores, outcome, reason, (margin, "", dataset))


_TOO_FEW = f"too few rows or groups to judge, at least {MIN_JUDGED_ROWS} rows are needed in both"


def _finding(
    quantity: Quantity, excess: Excess, outcome: Outcome, reason: str, context: tuple[float, str, str]
) -> Finding:
    margin, unit, dataset = context
    return Finding(
        id=_IDS[quantity],
        metric=quantity,
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#behaviour",
        description="Do predictions change by more than another seed of the baseline changes them?",
        dataset=dataset,
        unit=unit,
        direction=Direction.LOWER,
        baseline=evidence_number(excess.floor),
        candidate=evidence_number(excess.value),
        change=Interval(
            estimate=evidence_number(excess.excess), low=evidence_number(excess.low), high=evidence_number(excess.high)
        ),
        method=excess.method,
        margin=evidence_number(margin),
        n=excess.rows,
    )


def _row(quantity: Quantity, excess: Excess, finding: Finding) -> NoiseRow:
    return NoiseRow(
        dataset=finding.dataset,
        quantity=quantity,
        value=evidence_number(excess.value),
        floor=evidence_number(excess.floor),
        rows=excess.rows,
        floor_rows=excess.floor_rows,
        low=evidence_number(excess.low),
        high=evidence_number(excess.high),
        outcome=finding.outcome,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if math.isfinite(share) else "an unknown share"


def _is_undecidable(excess: Excess) -> bool:
    return min(excess.rows, excess.floor_rows) < MIN_JUDGED_ROWS or not math.isfinite(excess.p)
