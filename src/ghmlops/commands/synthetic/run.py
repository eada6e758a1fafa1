"""Runs a synthetic job: asks all endpoints and saved cases, decides every relation, shrinks and saves the failures."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.commands.shared.load.load_source import reach
from ghmlops.commands.synthetic.asking import EndpointRun, ask_saved
from ghmlops.commands.synthetic.reask import Decider
from ghmlops.commands.synthetic.results import Case, RelationResult, SyntheticRun
from ghmlops.commands.synthetic.saving import save
from ghmlops.commands.synthetic.session import Session
from ghmlops.commands.synthetic.shrinking import shrink
from ghmlops.core.load.allowed_hosts import is_loopback
from ghmlops.core.model import Outcome
from ghmlops.core.synthetic.constants import REPLAY_REQUESTS
from ghmlops.core.synthetic.judge import levels
from ghmlops.core.synthetic.relations.saved import SAVED_CASES, saved_questions
from ghmlops.core.synthetic.relations.table import RELATIONS
from ghmlops.core.synthetic.rows.stream import Stream
from ghmlops.core.synthetic.schemathesis.verdict import MAX_CHECKS

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.synthetic.job import Job
    from ghmlops.core.synthetic.noise import Noise
    from ghmlops.core.synthetic.relations.base import Relation

INPUT_OF_ARM = {"candidate": "url", "baseline": "baseline-url"}
_REASK_STREAM = 4
_MORE_SECONDS = 60.0
"""Time for re-asking, and for shrinking and saving, beside the budget of the policy."""
_SHRINK_SECONDS = 40.0
"""Part of it for shrinking, in equal shares of the failures; the rest remains for replaying what is saved."""


def measure(job: Job, services: Services) -> SyntheticRun:
    """Contact the arms and ask everything.

    Raises:
        InputError: An address leads to a host that may not be loaded.
        ServiceError: An address cannot be reached.
    """
    targets = {arm: reach(target, INPUT_OF_ARM[arm], job.hosts) for arm, target in job.targets.items()}
    session = Session(targets, job.latency.endpoints, job.policy.connections, job.policy.budget)
    try:
        run = _run(job, session, services)
    finally:
        session.close()
    return replace(run, quotes=not job.private and all(is_loopback(target.address) for target in targets.values()))


def _run(job: Job, session: Session, services: Services) -> SyntheticRun:
    started = time.monotonic()
    cases: dict[str, list[Case]] = defaultdict(list)
    noise: dict[str, Noise] = {}
    rows = 0
    for number, plan in enumerate(job.plans, start=1):
        deadline = started + job.policy.budget * number / len(job.plans)
        endpoint_cases = EndpointRun(plan, job.policy, session, job.seed, deadline).ask_all()
        services.console.note(f"synthetic: {plan.name}: {endpoint_cases.rows} of {len(plan.rows)} rows")
        noise[plan.name] = endpoint_cases.noise
        rows += endpoint_cases.rows
        for name, more in endpoint_cases.cases.items():
            cases[name] += more
    if job.cases:
        cases[SAVED_CASES.id] = ask_saved(session, saved_questions(job.cases))
    session.extend(_MORE_SECONDS)
    decider = _decider(job, session)
    results = [decider.decide(relation, cases.get(relation.id, [])) for relation in _relations(job)]
    sent = session.sent
    results = _save_all(job, session, decider, results, cases)
    return SyntheticRun(
        results=results,
        noise=noise,
        sent=sent,
        shrinking=session.sent - sent,
        rows=rows,
        planned=sum(len(plan.rows) for plan in job.plans),
        kinds=session.kinds,
        examples=session.examples,
        repetitions=decider.repetitions,
    )


def _relations(job: Job) -> list[Relation]:
    return [relation for relation in (*RELATIONS, SAVED_CASES) if _runs(job, relation.id)]


def _decider(job: Job, session: Session) -> Decider:
    family = len(_relations(job)) + len(job.cases) + (MAX_CHECKS if job.policy.schemathesis else 0)
    limits, requests = levels(family), job.policy.requests
    if job.replayed:
        requests = session.sent + REPLAY_REQUESTS * len(job.cases)
    return Decider(session, limits, Stream(job.seed, _REASK_STREAM), requests, replays=bool(job.replayed))


def _runs(job: Job, name: str) -> bool:
    if name == SAVED_CASES.id:
        return bool(job.cases)
    return any(relation.id == name for plan in job.plans for relation in plan.relations)


def _save_all(
    job: Job, session: Session, decider: Decider, results: list[RelationResult], cases: dict[str, list[Case]]
) -> list[RelationResult]:
    """Shrink every failure as long as there is time, then save each in the form that fails again."""
    started, shrunk, number = time.monotonic(), [], 0
    failures = sum(result.outcome is Outcome.FAIL for result in results)
    for result in results:
        number += result.outcome is Outcome.FAIL
        session.extend(started + _SHRINK_SECONDS * number / max(1, failures) - time.monotonic())
        shrunk.append(_shrunk(job, session, result, cases[result.relation.id]))
    session.extend(started + _MORE_SECONDS - time.monotonic())
    return [_saved(session, decider, result, cases[result.relation.id]) for result in shrunk]


def _shrunk(job: Job, session: Session, result: RelationResult, cases: list[Case]) -> RelationResult:
    if result.outcome is not Outcome.FAIL or result.example is None or session.late:
        return result
    return replace(result, shrunk=shrink(session, result.relation, result.example, cases, job.policy.private))


def _saved(session: Session, decider: Decider, result: RelationResult, cases: list[Case]) -> RelationResult:
    if result.outcome is not Outcome.FAIL or result.example is None:
        return result
    saved = save(session, decider, result, cases)
    return replace(result, saved=saved.case, replays=saved.replays)
