"""Compares answers of live traffic with those of mirrored traffic, from logs. Nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ghmlops.commands.shadow.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.core.policy.before_traffic.shadow import Shadow


def measure_logs(policy: Shadow, inputs: Inputs, services: Services) -> EvidenceContent:
    """Join the logs, judge, and return the content of the evidence.

    Raises:
        DataError: A log is missing, unreadable, or contains no answer.
    """
    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.core.answers.constants import TEST_ALPHA
    from ghmlops.core.answers.places import judge_places
    from ghmlops.core.answers.rules import make_rules
    from ghmlops.core.shadow.comparison import Comparison
    from ghmlops.core.shadow.details import shadow_details
    from ghmlops.core.shadow.findings import findings, not_measured
    from ghmlops.core.shadow.joined import compare_logs
    from ghmlops.core.shadow.outcome import Run
    from ghmlops.core.shadow.recorded import parse_endpoint
    from ghmlops.core.shadow.times import measured_times
    from ghmlops.measure.shadow.live_logs import read_log

    logs = policy.access_logs
    assert logs is not None  # noqa: S101  (the caller has checked it)
    names = [logs.live, logs.candidate, *filter(None, (logs.twin,))]
    live, candidate, *twins = (read_log(services.cwd / name, name, logs.id) for name in names)
    compare = policy.compare
    comparison = Comparison(rules=make_rules(compare.ignore, compare.keys, compare.tolerance))
    declared = [parse_endpoint(text) for text in policy.safe]
    compare_logs(comparison, live, candidate, twins[0] if twins else None, declared)
    verdicts = judge_places(comparison.tallies, TEST_ALPHA)
    in_force = msgspec.structs.replace(policy, twin=bool(twins))
    run = Run(policy=in_force, comparison=comparison, verdicts=verdicts, quotes=True)
    truncated = any(log.truncated for log in (live, candidate, *twins))
    return EvidenceContent(
        findings=findings(run),
        measurements=measured_times(comparison),
        not_measured=not_measured(run, truncated=truncated),
        details=shadow_details(run, truncated=truncated, credentials=0, asked_again=0, confirms=""),
        seed=1 if inputs.seed is None else inputs.seed,
    )
