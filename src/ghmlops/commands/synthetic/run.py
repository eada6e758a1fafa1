"""Runs a synthetic job: asks all endpoints and saved cases, decides every relation, shrinks the failures."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.commands.shared.load.load_source import reach
from ghmlops.commands.synthetic.asking import EndpointRun, ask_saved
from ghmlops.commands.synthetic.reask import Decider
from ghmlops.commands.synthetic.results import Case, RelationResult, SyntheticRun
from ghmlops.commands.synthetic.session import Session
from ghmlops.commands.synthetic.shrinking import shrink
from ghmlops.core.load.allowed_hosts import is_loopback
from ghmlops.core.model import Outcome
from ghmlops.core.synthetic.constants import REPLAY_REQUESTS
from ghmlops.core.synthetic.judge import levels
from ghmlops.core.synthetic.relations.saved import SAVED_CASES, saved_questions
from ghmlops.core.synthetic.relations.table import RELATIONS
from ghmlops.core.synthetic.rows.stream import Stream

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.synthetic.job import Job
    from ghmlops.core.synthetic.noise import Noise

INPUT_OF_ARM = {"candidate": "url", "baseline": "baseline-url"}
_REASK_STREAM = 4
_MORE_SECONDS = 60.0
"""Time for re-asking, and for shrinking, beside the budget of the policy."""


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
    results, repetitions = _decide(job, session, cases)
    sent = session.sent
    results = _shrink_all(job, session, results, cases)
    return SyntheticRun(
        results=results,
        noise=noise,
        sent=sent,
        shrinking=session.sent - sent,
        rows=rows,
        planned=sum(len(plan.rows) for plan in job.plans),
        kinds=session.kinds,
        examples=session.examples,
        repetitions=repetitions,
    )


def _decide(job: Job, session: Session, cases: dict[str, list[Case]]) -> tuple[list[RelationResult], int]:
    """Return the result of each relation, and how often a violation was asked again on each arm."""
    relations = [relation for relation in (*RELATIONS, SAVED_CASES) if _runs(job, relation.id)]
    limits, requests = levels(len(relations) + len(job.cases)), job.policy.requests
    if job.replayed:
        requests = session.sent + REPLAY_REQUESTS * len(job.cases)
    decider = Decider(session, limits, Stream(job.seed, _REASK_STREAM), requests, replays=bool(job.replayed))
    return [decider.decide(relation, cases.get(relation.id, [])) for relation in relations], limits.repetitions


def _runs(job: Job, name: str) -> bool:
    if name == SAVED_CASES.id:
        return bool(job.cases)
    return any(relation.id == name for plan in job.plans for relation in plan.relations)


def _shrink_all(
    job: Job, session: Session, results: list[RelationResult], cases: dict[str, list[Case]]
) -> list[RelationResult]:
    """Shrink every failure, as long as there is time."""
    session.extend(_MORE_SECONDS)
    shrunk = []
    for result in results:
        fails = result.outcome is Outcome.FAIL and result.example is not None
        if fails and result.example is not None and not session.late:
            case, others = result.example, cases[result.relation.id]
            result = replace(  # noqa: PLW2901  (the result with its smallest failure)
                result, shrunk=shrink(session, result.relation, case, others, job.policy.private)
            )
        shrunk.append(result)
    return shrunk
