"""What follows from an alarm: the default does nothing, and reactions that cannot be carried out are refused."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.production.watch import Reactions, Watch, WatchLimits, Workflows
from ghmlops.core.policyfile.document import read_policy

METRIC = "{name: p95, log: {files: a.csv, time: t, value: v}}"


def watch(section: str) -> Watch:
    """Return the section `watch` with these keys."""
    policy = read_policy(f"version: 1\nservice: s\nwatch: {{metrics: [{METRIC}], {section}}}\n").watch
    assert policy is not None
    return policy


def test_an_alarm_only_reports_by_default() -> None:
    """Nothing is measured, proposed or undone without a word of the policy."""
    policy = watch("stale: 2d")
    assert (policy.on.alarm, policy.on.confirmed, policy.dismiss) == ("issue", "propose", ())
    assert policy.limits == WatchLimits(actions=2, pace=900.0, freeze_file="")


def test_the_reactions_of_the_readme() -> None:
    """All keys."""
    policy = watch(
        "on: {alarm: confirm, confirmed: rollback-else-revert, unconfirmed: issue}, "
        "workflows: {confirm: confirm.yml, revert: revert.yaml}, "
        "limits: {actions: 3/day, pace: 30m, freeze-file: .github/freeze}, "
        'dismiss: [{metric: p95, onset: "2026-11-28T07:00:00", reason: "a load test"}]'
    )
    assert policy.on == Reactions(alarm="confirm", confirmed="rollback-else-revert")
    assert policy.workflows == Workflows(confirm="confirm.yml", revert="revert.yaml")
    assert policy.limits == WatchLimits(actions=3, pace=1800.0, freeze_file=".github/freeze")
    assert policy.dismiss[0].onset == "2026-11-28T07:00:00+00:00"


@pytest.mark.parametrize(
    "section",
    [
        "on: {alarm: panic}",
        "on: {alarm: confirm}",
        "on: {confirmed: rollback-else-revert}, workflows: {revert: r.yml}",
        "on: {alarm: confirm, confirmed: rollback-else-revert}, workflows: {confirm: c.yml}",
        "on: {alarm: confirm}, workflows: {confirm: ../c.yml}",
        "limits: {actions: often}",
        "limits: {freeze-file: /etc/passwd}",
        "dismiss: [{metric: p95, onset: soon, reason: x}]",
        'dismiss: [{metric: p95, onset: "0001-01-01T00:00:00+14:00", reason: x}]',
        'dismiss: [{metric: p95, onset: 2026-01-01, reason: "  "}]',
        "dismiss: [{metric: p95, onset: 2026-01-01}]",
        "dismiss: [{metric: p50, onset: 2026-01-01, reason: x}]",
    ],
)
def test_refused_values(section: str) -> None:
    """Each is an error of the policy."""
    with pytest.raises(PolicyError):
        watch(section)
