"""Findings about a plan: what changes, what the limits withhold, and which demand does not count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.scale.constants import MIN_GAIN
from ghmlops.core.scale.demand import Problem
from ghmlops.core.scale.plan import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.scale.plan import Need, Plan, Supply

_DOCS = "actions/scale/README.md"
PLAN, DATA = f"{_DOCS}#the-plan", f"{_DOCS}#data-that-does-not-count"
_WORDS = {
    Problem.MISSING: "has no data",
    Problem.STALE: "is too old",
    Problem.HOLES: "has holes",
    Problem.NOT_A_NUMBER: "has values that are no numbers",
    Problem.NEGATIVE: "has negative values",
    Problem.FUTURE: "has values of the future",
    Problem.FOREIGN: "is that of something else",
    Problem.COLLAPSED: "collapsed, as in an incident upstream",
}


def plan_findings(plan: Plan, needs: Sequence[Need], supply: Supply, present: int | None) -> list[Finding]:
    """Return the findings of a plan; a demand that does not count first.

    Args:
        plan: the plan.
        needs: what each demand needs.
        supply: what serves them.
        present: replicas that should run now; `None` if it is not known.
    """
    findings = [_problem(need, plan, present) for need in needs if need.problem is not None]
    if plan.useless:
        findings.append(_useless(plan, supply))
    elif plan.limited:
        reason = f"The demand needs {plan.required:,} replicas, and `limits.max` allows {supply.limits.max:,}."
        findings.append(_finding("scale-limit", Outcome.WARN, reason, present, plan.required))
    elif plan.step is not Step.FALLBACK or not findings:
        findings.append(_step(plan, present))
    return findings


def _problem(need: Need, plan: Plan, present: int | None) -> Finding:
    problem = need.problem or Problem.MISSING
    action = "No replica is removed" if present is not None else "No replica should be removed"
    added = ""
    if plan.step is Step.FALLBACK and plan.replicas is not None:
        added = f", and at least {plan.replicas:,} run"
    reason = f"`{need.name}` {_WORDS[problem]} ({need.detail}). {action}{added}."
    return Finding(id=f"scale-{problem}", metric=need.name, outcome=Outcome.INCONCLUSIVE, reason=reason, docs=DATA)


def _useless(plan: Plan, supply: Supply) -> Finding:
    peak = supply.curve.peak
    most = supply.curve.capacity(peak or 1) * (1.0 - supply.headroom)
    where = f"beyond {peak or 0:,} replica{'' if peak == 1 else 's'} capacity does not grow"
    if peak is not None and supply.curve.gain(peak + 1) > 0.0:
        where = f"each one beyond {peak:,} adds less than {MIN_GAIN:.0%} of what the first carries"
    reason = f"More replicas do not help: {where}, at {most:.4g}/s with headroom, and the demand is higher."
    return _finding("scale-retrograde", Outcome.FAIL, reason, None, plan.required)


def _step(plan: Plan, present: int | None) -> Finding:
    if plan.step is Step.PAUSED and present is None:
        # Without a target; the switch is on all the same, and a passed finding would hide it.
        needed = "" if plan.required is None else f" The demand needs {plan.required:,} replicas."
        reason = f"No replica is added or removed: {plan.reason}.{needed}"
        return _finding("scale-paused", Outcome.WARN, reason, None, plan.required)
    if plan.replicas is None or present is None:
        needed = "an unknown number of" if plan.replicas is None else f"{plan.replicas:,}"
        return _finding("scale-plan", Outcome.PASS, f"The demand needs {needed} replicas.", present, plan.replicas)
    stay = f"{present:,} replicas stay: {plan.reason}."
    change = f"{present:,} to {plan.replicas:,} replicas: {plan.reason}."
    match plan.step:
        case Step.UP | Step.FALLBACK:
            return _finding("scale-up", Outcome.WARN, change, present, plan.replicas)
        case Step.DOWN:
            return _finding("scale-down", Outcome.PASS, change, present, plan.replicas)
        case Step.PAUSED:
            return _finding("scale-paused", Outcome.WARN, stay, present, present)
        case _:
            return _finding("scale-steady", Outcome.PASS, stay, present, present)


def _finding(code: str, outcome: Outcome, reason: str, present: int | None, replicas: int | None) -> Finding:
    return Finding(
        id=code,
        metric="replicas",
        outcome=outcome,
        reason=reason,
        docs=PLAN,
        unit="replicas",
        baseline=None if present is None else float(present),
        candidate=None if replicas is None else float(replicas),
    )
