"""Findings of a shadow run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.answers.constants import TEST_ALPHA
from ghmlops.core.answers.tally import CANDIDATE, TWIN
from ghmlops.core.answers.walk import Aspect, Place
from ghmlops.core.model import Direction, Finding, Interval, NotMeasured, Outcome, finite
from ghmlops.core.shadow.comparison import STATUS
from ghmlops.core.shadow.constants import MARGIN_TAIL
from ghmlops.core.shadow.latency import latency_finding
from ghmlops.core.stats import tango
from ghmlops.core.stats.binomial import mcnemar_exact_p

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.core.answers.places import PlaceVerdict
    from ghmlops.core.shadow.outcome import Run

_DOCS = "actions/shadow/README.md#the-verdict"
_TESTED = "exact odd-one-out test per place, Holm"
_REPEATED = "complete separation of repeated answers"
_MAX_LISTED = 3


def findings(run: Run) -> list[Finding]:
    """Return the findings of a run; with nothing compared, none of them passes."""
    errors = _errors_of_two_logs(run) if run.two_logs else _errors(run)
    result = [_coverage(run), errors, _shape(run), _values(run)]
    if run.policy.access_logs is None:
        result.append(_single(run))
    margins = run.policy.margins
    if margins.disagreement is not None:
        gained, lost = (sum(t.odd_rows[i] for t in run.comparison.tallies.values()) for i in range(2))
        result.append(_margin(run, "disagreement", (gained, lost), margins.disagreement))
    if margins.decisions is not None:
        result.append(_margin(run, "decisions", _decisions(run), margins.decisions))
    times = latency_finding(run)
    return result if times is None else [*result, times]


def not_measured(run: Run, *, truncated: bool) -> list[NotMeasured]:
    """Return what a reader could believe was compared, and was not."""
    comparison, result = run.comparison, []
    if comparison.refused:
        reasons = [f"{why} ({drop.requests:,}, first: {drop.example})" for why, drop in comparison.refusals.items()]
        result.append(
            NotMeasured(what=f"{comparison.refused:,} recorded requests", why="; ".join(reasons[:_MAX_LISTED]))
        )
    if truncated:
        result.append(NotMeasured(what="the rest of the recording", why="only its first rows were read"))
    if run.policy.access_logs is not None:
        why = "requests of a log are not sent again"
        result.append(NotMeasured(what="single changed answers", why=why))
    if comparison.orphans:
        why = "no live request has their id"
        result.append(NotMeasured(what=f"{comparison.orphans:,} mirrored requests", why=why))
    if run.two_logs:
        why = "there is no log of a second mirror (`access-logs.twin`), so that shape and values can only warn"
        result.append(NotMeasured(what="the noise of the live service", why=why))
    elif not run.policy.twin:
        why = "no second process of the baseline ran; it was asked twice"
        result.append(NotMeasured(what="noise that differs between two processes of the baseline", why=why))
    return result


def _coverage(run: Run) -> Finding:
    comparison, least = run.comparison, run.policy.coverage
    enough = comparison.compared > 0 and comparison.coverage >= least
    worst = sorted(comparison.losses.items(), key=lambda drop: -drop[1].requests)[:_MAX_LISTED]
    dropped = "; ".join(f"{reason}: {drop.requests:,} (first: {drop.example})" for reason, drop in worst)
    return Finding(
        id="shadow-coverage",
        metric="coverage",
        outcome=Outcome.PASS if enough else Outcome.INCONCLUSIVE,
        reason=f"{comparison.compared:,} of {comparison.sendable:,} requests that may be sent were compared"
        f" ({comparison.coverage:.1%}; at least {least:.1%} is required)"
        + (f"; not compared: {dropped}." if dropped else "."),
        docs="actions/shadow/README.md#coverage",
        description="Enough of the recorded requests were compared.",
        direction=Direction.HIGHER,
        candidate=comparison.coverage,
        margin=least,
        n=comparison.sendable,
    )


def _errors(run: Run) -> Finding:
    n = sum(t.n for t in run.comparison.tallies.values())
    rates = {arm: _failed(counts) / n if n else None for arm, counts in run.comparison.answers.items()}
    return _proven(
        run,
        "shadow-errors",
        "errors",
        lambda place: place == STATUS,
        n=n,
        subject="status",
        description="The candidate answers with the same statuses.",
        rates=(rates["baseline"], rates["candidate"]),
    )


def _errors_of_two_logs(run: Run) -> Finding:
    """Return the finding about statuses of two arms: with the same code, either arm is as likely to be the failed one.

    A request that the live service did not answer counts here, although its answer is not compared.
    """
    live, candidate = run.comparison.only_failed
    n = sum(t.n for t in run.comparison.tallies.values())
    p = mcnemar_exact_p(live, candidate)
    outcome = Outcome.PASS if n else Outcome.INCONCLUSIVE
    if n and p <= TEST_ALPHA:
        outcome = Outcome.FAIL
    reason = f"Of {n:,} requests, only the candidate failed {candidate:,}, only the live service {live:,}"
    return Finding(
        id="shadow-errors",
        metric="errors",
        outcome=outcome,
        reason=f"{reason} (p = {p:.2g})." if n else "No answer could be compared.",
        docs=_DOCS,
        description="The candidate does not fail more requests than the live service.",
        change=Interval(estimate=(candidate - live) / n) if n else None,
        method="McNemar's exact test",
        n=n,
    )


def _failed(counts: dict[str, int]) -> int:
    return sum(n for kind, n in counts.items() if not (kind.isdigit() and 200 <= int(kind) < 300))


def _shape(run: Run) -> Finding:
    return _proven(
        run,
        "shadow-shape",
        "shape",
        lambda place: place.aspect is Aspect.SHAPE and place != STATUS,
        n=run.comparison.bodies,
        subject="shape",
        description="Types, fields, list lengths and content type of the answers are the same.",
    )


def _values(run: Run) -> Finding:
    return _proven(
        run,
        "shadow-values",
        "values",
        lambda place: place.aspect is not Aspect.SHAPE,
        n=run.comparison.bodies,
        subject="value",
        description="The values of the answers are the same but for the noise of the baseline.",
    )


def _proven(  # noqa: PLR0913  (one finding, with all of its texts)
    run: Run,
    name: str,
    metric: str,
    belongs: Callable[[Place], bool],
    *,
    n: int,
    subject: str,
    description: str,
    rates: tuple[float | None, float | None] | None = None,
) -> Finding:
    """Return the finding about the places of one family that the test has judged."""
    places = [v for v in run.verdicts if belongs(v.place)]
    proven = [v for v in places if v.proven]
    blocking = [v for v in proven if run.blocks(v.endpoint, v.place)]
    outcome = Outcome.PASS if n else Outcome.INCONCLUSIVE
    if blocking:
        # Without a second process, noise that is constant within a process looks like a change of a value.
        certain = run.policy.twin or (metric != "values" and not run.two_logs)
        outcome = Outcome.FAIL if certain else Outcome.WARN
    if not n and not blocking:
        reason = "No answer could be compared."
    elif proven:
        permitted = (
            "" if blocking else " `expect` permits that." if run.places is None else " None of them failed before."
        )
        reason = f"The {subject} changed at {_listed(proven)}.{permitted}"
    else:
        noisy = f"; the noise of the baseline explains the differences at {len(places):,} places" if places else ""
        reason = f"No change of {subject} is proven on {n:,} rows{noisy}."
    worst = blocking[0] if blocking else proven[0] if proven else None
    return Finding(
        id=name,
        metric=metric,
        outcome=outcome,
        reason=reason,
        docs=_DOCS,
        description=description,
        baseline=finite(rates[0]) if rates else None,
        candidate=finite(rates[1]) if rates else None,
        change=Interval(estimate=worst.excess) if worst else None,
        method=_TESTED,
        n=n,
    )


def _listed(verdicts: Sequence[PlaceVerdict]) -> str:
    """Return the first places in words, with their rows."""
    items = [
        f"`{v.place.path}` of {v.endpoint} on {v.odd_candidate:,} of {v.n:,} rows "
        f"(baseline or twin alone: {v.odd_others:,}; Holm p = {v.adjusted:.2g})"
        for v in verdicts[:_MAX_LISTED]
    ]
    more = f", and at {len(verdicts) - _MAX_LISTED:,} more places" if len(verdicts) > _MAX_LISTED else ""
    return "; ".join(items) + more


def _single(run: Run) -> Finding:
    """Return the finding about single changes; noise that is constant within a process is recognised by a restart."""
    proven = [q for q in run.proven_rows if run.blocks(q.endpoint, q.place)]
    certain = run.repeatable or run.places is not None
    outcome = Outcome.PASS if run.comparison.bodies else Outcome.INCONCLUSIVE
    if proven:
        outcome = Outcome.FAIL if certain else Outcome.WARN
        first = proven[0]
        more = f" and {len(proven) - 1:,} more" if len(proven) > 1 else ""
        repeated = next(proof.repetitions for proof in run.proofs if proof.question == first)
        reason = (
            f"Row {first.row:,} of {first.endpoint}{more}: the answer at `{first.place.path}` changed, whenever it was "
            f"asked again ({repeated} times per arm)."
        )
    elif run.proofs:
        reason = f"None of {len(run.proofs):,} single differences that were asked again is proven."
    else:
        reason = "No single difference had to be asked again."
    return Finding(
        id="shadow-single-answers",
        metric="single answers",
        outcome=outcome,
        reason=reason,
        docs="actions/shadow/README.md#single-answers",
        description="No single answer changed.",
        method=_REPEATED,
        n=len(run.proofs),
    )


def _decisions(run: Run) -> tuple[int, int]:
    """Return the rows on which only the candidate, and only the twin, decides otherwise than the other arms."""
    place = Place(run.policy.compare.decision, Aspect.VALUE)
    counts = [tally.places[place] for tally in run.comparison.tallies.values() if place in tally.places]
    return sum(count.odd[CANDIDATE] for count in counts), sum(count.odd[TWIN] for count in counts)


def _margin(run: Run, metric: str, rows: tuple[int, int], margin: float) -> Finding:
    """Return the finding about the share of changed rows, beyond the noise of the baseline."""
    n, (gained, lost) = run.comparison.bodies, rows
    outcome, change = Outcome.INCONCLUSIVE, None
    reason = "No answer could be compared."
    if n:
        total, more, fewer = (np.array([float(value)]) for value in (n, gained, lost))
        low, high = (float(limit[0]) for limit in tango.interval(total, more, fewer, MARGIN_TAIL))
        estimate = (gained - lost) / n
        change = Interval(estimate=estimate, low=low, high=high)
        outcome = Outcome.PASS if high <= margin else Outcome.INCONCLUSIVE
        if estimate > margin and low > 0:
            outcome = Outcome.FAIL
        reason = (
            f"{metric.capitalize()}: {gained:,} of {n:,} rows changed, {lost:,} did by the noise of the baseline; "
            f"{estimate:.2%} beyond it (98 % interval {low:.2%} to {high:.2%}, limit {margin:.2%})."
        )
    return Finding(
        id=f"shadow-{metric}",
        metric=metric,
        outcome=outcome,
        reason=reason,
        docs=_DOCS,
        description="The share of changed rows is within its margin.",
        direction=Direction.LOWER,
        change=change,
        method="Tango's interval of paired proportions",
        margin=margin,
        n=n,
    )
