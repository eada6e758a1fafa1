"""Findings about a harvest: what was taken, what was set aside, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.harvest.demand import Fit

_DOCS = "actions/harvest/README.md"
_MAX_NAMED = 5


class Counts(NamedTuple):
    """Lines of the logs by what became of them, and requests of clients that are set aside."""

    lines: int
    broken: int
    without_id: int
    without_time: int
    future: int
    copies: int
    conflicting: int
    silenced: int
    requests: int


class SliceCount(NamedTuple):
    """A slice value: requests of the traffic and rows of the sample."""

    column: str
    value: str
    requests: int
    rows: int


def line_findings(counts: Counts, first_broken: str) -> list[Finding]:
    """Return the findings about lines that are no request, repeated identifiers, and clocks."""
    unreadable = counts.broken + counts.without_id + counts.without_time
    where = f", the first at {first_broken}" if first_broken else ""
    reason = (
        f"{counts.requests:,} requests in {counts.lines:,} lines; {counts.broken:,} lines are no JSON object{where}, "
        f"{counts.without_id:,} have no identifier, {counts.without_time:,} no readable time."
    )
    findings = [_finding("harvest-lines", "lines", reason, counts.lines, warn=unreadable > 0)]
    if counts.copies:
        reason = f"{counts.copies:,} lines repeat another one exactly; each request counts once."
        findings.append(_finding("harvest-copies", "lines", reason, counts.copies, warn=True))
    if counts.conflicting:
        reason = (
            f"{counts.conflicting:,} lines share an identifier with a line of another content; none of them is sampled."
        )
        findings.append(_finding("harvest-duplicates", "lines", reason, counts.conflicting, warn=True))
    if counts.future:
        reason = f"{counts.future:,} lines have a time in the future and do not count: a clock is wrong."
        findings.append(_finding("harvest-future", "lines", reason, counts.future, warn=True))
    return findings


def client_findings(clients: Sequence[tuple[int, str]], requests: int, share: float) -> list[Finding]:
    """Return one finding per client with more than its share: its requests, and the time of the first."""
    return [
        _finding(
            "harvest-client",
            "requests",
            f"One client sent {rows:,} of {requests:,} requests, more than {share:.4g} of them, the first at {first}; "
            "it is not sampled.",
            rows,
            warn=True,
        )
        for rows, first in clients
    ]


def sample_findings(
    slices: Sequence[SliceCount], quarantined: Mapping[tuple[str, str], int], *, rows: int, rare: int, population: int
) -> list[Finding]:
    """Return the findings about the sample.

    Args:
        slices: the values of all slice columns.
        quarantined: number of candidates by field and kind of what they contain.
        rows: size of the sample.
        rare: size of the sample of each slice value, if there are as many requests.
        population: number of requests from which the sample was drawn.
    """
    findings = []
    if quarantined:
        total = sum(quarantined.values())
        named = sorted(quarantined.items(), key=lambda item: -item[1])[:_MAX_NAMED]
        kinds = "; ".join(f"{count:,} with {kind} in `{field}`" for (field, kind), count in named)
        reason = f"{total:,} candidates of the sample are quarantined: {kinds}."
        findings.append(_finding("harvest-quarantine", "rows", reason, total, warn=True))
    short = [s for s in slices if s.rows < min(rare, s.requests)]
    sparse = [s for s in slices if s.requests < rare]
    if short:
        reason = f"{len(short):,} slices have fewer than {rare:,} rows, although they have more requests."
        findings.append(_finding("harvest-slices", "slices", reason, len(short), warn=True))
    complete = f", {len(slices):,} slices, {len(sparse):,} of them with fewer than {rare:,} requests" if slices else ""
    reason = f"{rows:,} of {population:,} requests are in the sample{complete}."
    empty = rows == 0
    findings.append(
        Finding(
            id="harvest-sample",
            metric="rows",
            outcome=Outcome.INCONCLUSIVE if empty else Outcome.PASS,
            reason="No request may be in the sample." if empty else reason,
            docs=f"{_DOCS}#the-sample",
            description="The sample represents the traffic.",
            n=rows,
        )
    )
    return findings


def demand_finding(fit: Fit) -> Finding:
    """Return the finding about the profile of the demand."""
    profile = fit.profile
    if profile is None:
        reason = (
            f"The log lacks {fit.missing:,} of the {fit.hours:,} hours of the period, so that no profile was "
            "written: harvest a longer log, or set a shorter `demand.period`."
        )
    else:
        gaps = "unknown, since all times are whole seconds" if profile.gap_cv is None else f"{profile.gap_cv:.3g}"
        reason = (
            f"{profile.requests:,} requests in whole hours: {min(profile.rates):.4g} to {max(profile.rates):.4g} per "
            f"second by hour, coefficient of variation of the gaps {gaps}, dispersion {profile.dispersion:.3g}; each "
            f"hour of the period was observed {profile.periods:,} times or more."
        )
    return Finding(
        id="harvest-demand",
        metric="requests",
        outcome=Outcome.PASS if profile else Outcome.INCONCLUSIVE,
        reason=reason,
        docs=f"{_DOCS}#the-demand",
        description="The profile covers every hour of the period.",
        n=profile.requests if profile else 0,
    )


def _finding(name: str, metric: str, reason: str, n: int, *, warn: bool) -> Finding:
    return Finding(
        id=name,
        metric=metric,
        outcome=Outcome.WARN if warn else Outcome.PASS,
        reason=reason,
        docs=f"{_DOCS}#what-does-not-count",
        description="Every line of the logs is one request.",
        n=n,
    )
