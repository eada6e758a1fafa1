"""The verdict on what Schemathesis reports about both services: what only the candidate fails, and fails again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.details.synthetic import FailureRow, RelationRow
from ghmlops.core.model import Direction, Finding, Outcome
from ghmlops.core.synthetic.constants import REASKED_CASES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.synthetic.schemathesis.report import Kind, Report

FINDING = "synthetic-schemathesis"
MAX_CHECKS = 20
"""Checks of Schemathesis 4 that share the error probability of a run with the relations; it has fewer."""
_DOCS = "actions/synthetic/README.md#schemathesis"
_MAX_LISTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What Schemathesis reports about both services.

    Attributes:
        candidate: report about the candidate.
        baseline: report about the baseline; `None` without one.
        proven: kinds that only the candidate fails, and whether asking their request again has proven that.
        repetitions: how often each request was asked again on each arm.
    """

    candidate: Report
    baseline: Report | None
    proven: Mapping[Kind, bool] = field(default_factory=dict)
    repetitions: int = 0

    @property
    def outcome(self) -> Outcome:
        """Fails on what is proven, warns on any other failure; without a check nothing passes."""
        if any(self.proven.values()):
            return Outcome.FAIL
        if not self.candidate.checked or not self.candidate.finished:
            return Outcome.INCONCLUSIVE
        if self.baseline is not None and not self.baseline.finished:
            return Outcome.INCONCLUSIVE
        return Outcome.WARN if self.candidate.kinds else Outcome.PASS


def kinds_to_ask(candidate: Report, baseline: Report | None) -> list[Kind]:
    """Return the kinds of failures that only the candidate has and whose request is known, a few per check."""
    result: list[Kind] = []
    for kind, failure in candidate.kinds.items():
        of_check = sum(other.check == kind.check for other in result)
        if baseline is not None and kind not in baseline.kinds and failure.method and of_check < REASKED_CASES:
            result.append(kind)
    return result


def finding(described: Described) -> Finding:
    """Return the finding."""
    report, baseline = described.candidate, described.baseline
    total, failed = report.checked.total(), report.failed.total()
    return Finding(
        id=FINDING,
        metric="schemathesis",
        outcome=described.outcome,
        reason=_reason(described, total),
        docs=_DOCS,
        description="The service conforms to its OpenAPI description as the baseline does.",
        direction=Direction.LOWER,
        baseline=_rate(baseline),
        candidate=failed / total if total else None,
        method=f"Schemathesis {report.version} on both services; what only the candidate fails is asked again",
        n=total,
    )


def _rate(report: Report | None) -> float | None:
    return None if report is None or not report.checked else report.failed.total() / report.checked.total()


def _reason(described: Described, total: int) -> str:
    report, baseline = described.candidate, described.baseline
    start = f"Schemathesis {report.version} made {total:,} checks of the candidate"
    if not total:
        return f"Schemathesis {report.version} made no check: the description has no operation that it could ask."
    complete = report.finished and (baseline is None or baseline.finished)
    unfinished = "" if complete else "; a run did not come to its end"
    if not report.kinds:
        return f"{start}, and none fails{unfinished}."
    proven = [kind for kind, is_proven in described.proven.items() if is_proven]
    if proven:
        times = f"{described.repetitions} of {described.repetitions} times, the baseline never"
        return f"{start}. Only the candidate fails {_listed(proven)}: asked again, {times}{unfinished}."
    if baseline is None:
        return f"{start}. It fails {_listed(list(report.kinds))}; there is no baseline to compare with{unfinished}."
    single = [kind for kind in report.kinds if kind not in baseline.kinds]
    if single:
        return f"{start}. Only the candidate fails {_listed(single)}, which did not repeat{unfinished}."
    return f"{start}. It fails {_listed(list(report.kinds))}, and so does the baseline{unfinished}."


def _listed(kinds: list[Kind]) -> str:
    names = [f"`{kind.check}` of {kind.operation} ({kind.title}, status {kind.status})" for kind in kinds[:_MAX_LISTED]]
    more = f" and {len(kinds) - _MAX_LISTED:,} more" if len(kinds) > _MAX_LISTED else ""
    return ", ".join(names) + more


def relation_rows(described: Described) -> list[RelationRow]:
    """Return one row per check that ran."""
    report, baseline = described.candidate, described.baseline
    rows = []
    for check, questions in report.checked.most_common(MAX_CHECKS):
        proven = any(is_proven for kind, is_proven in described.proven.items() if kind.check == check)
        failed = report.failed[check]
        outcome = Outcome.FAIL if proven else Outcome.WARN if failed else Outcome.PASS
        others = {kind for kind in report.kinds if kind.check == check and baseline and kind not in baseline.kinds}
        rows.append(
            RelationRow(
                relation=f"schemathesis {check}",
                outcome=outcome.value,
                questions=questions,
                candidate=failed,
                baseline=None if baseline is None else baseline.failed[check],
                only_candidate=len(others),
                unjudged=0,
                proof="re-asked" if proven else "",
                claim="A check of Schemathesis against the OpenAPI description passes.",
            )
        )
    return rows


def failure_rows(described: Described) -> list[FailureRow]:
    """Return the failures of the candidate, the proven ones first, without any value of a request or an answer."""
    kinds = sorted(described.candidate.kinds, key=lambda kind: not described.proven.get(kind, False))
    return [
        FailureRow(
            relation=f"schemathesis {kind.check}",
            endpoint=kind.operation,
            change="generated by Schemathesis",
            observed=f"{kind.title}, status {kind.status}" if kind.status else kind.title,
            answer="",
            answer_changed="",
            needs="",
            shrinking=None,
            minimal=None,
            case=None,
        )
        for kind in kinds[:MAX_CHECKS]
    ]
