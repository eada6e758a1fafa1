"""The section `watch`: defaults, and values that are refused."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy

LOG = "log: {files: a.csv, time: t, value: v}"


def policy(section: str) -> str:
    """Return a policy with a section `watch`."""
    return f"version: 1\nservice: s\nwatch: {section}\n"


def test_defaults() -> None:
    """An hourly mean, lower is better, and a season of a day."""
    watch = read_policy(policy(f"{{metrics: [{{name: p95, {LOG}}}]}}")).watch
    assert watch is not None
    (metric,) = watch.metrics
    assert metric.log is not None
    assert (metric.log.every, metric.log.statistic, metric.change, metric.direction.value) == (
        3600.0,
        "mean",
        0.5,
        "lower-is-better",
    )
    assert (watch.season, watch.stale) == (86_400.0, 36 * 3600.0)


@pytest.mark.parametrize(
    "section",
    [
        "{}",
        "{metrics: [{name: p95}]}",
        f"{{metrics: [{{name: a b, {LOG}}}]}}",
        f"{{metrics: [{{name: a, {LOG}}}, {{name: a, {LOG}}}]}}",
        "{metrics: [{name: a, log: {files: /etc/passwd, time: t, value: v}}]}",
        "{metrics: [{name: a, log: {files: ../a.csv, time: t, value: v}}]}",
        "{metrics: [{name: a, log: {files: a.csv, time: t}}]}",
        "{metrics: [{name: a, log: {files: a.csv, time: t, value: v, every: 7h}}]}",
        "{metrics: [{name: a, log: {files: a.csv, time: t, statistic: failed}}]}",
        f"{{metrics: [{{name: a, {LOG}, change: 0%}}]}}",
        f"{{metrics: [{{name: a, {LOG}, burn: {{objective: 99%}}}}]}}",
        "{metrics: [{name: a, log: {files: a.csv, time: t, failed: f, every: 5m}, burn: {objective: 100%}}]}",
        f"{{metrics: [{{name: a, {LOG}}}], history: 2d}}",
        f"{{metrics: [{{name: a, {LOG}, delay: 27d}}]}}",
        f"{{metrics: [{{name: a, {LOG}, delay: late}}]}}",
        "{metrics: [{name: a, log: {files: a.csv, time: t, failed: f, every: 5m}, delay: 1d, burn: {objective: 99%}}]}",
        f"{{metrics: [{{name: a, {LOG}}}], acknowledge: [{{metric: b, until: 2027-01-01, reason: x}}]}}",
        f"{{metrics: [{{name: a, {LOG}}}], acknowledge: [{{metric: a, until: soon, reason: x}}]}}",
        f'{{metrics: [{{name: a, {LOG}}}], acknowledge: [{{metric: a, until: "9999-12-31T23:59-14:00", reason: x}}]}}',
        f"{{metrics: [{{name: a, {LOG}, prometheus: up}}], prometheus: http://p:9090}}",
        f"{{metrics: [{{name: a, {LOG}, every: 1h}}]}}",
        "{metrics: [{name: a, prometheus: up}]}",
        "{metrics: [{name: a, log: {files: a.csv, time: t, statistic: unseen}}]}",
        "{metrics: [{name: a, log: {files: a.csv, time: t, statistic: estimated-accuracy, value: score}}]}",
        "{metrics: [{name: a, prometheus: up, every: 7h}], prometheus: http://p:9090}",
        "{metrics: [{name: a, prometheus: up, failed: down}], prometheus: http://p:9090}",
        "{metrics: [{name: a, prometheus: up, every: 5m, burn: {objective: 99%}}], prometheus: http://p:9090}",
        "{metrics: [{name: a, evidence: {metric: auc}, every: 5m, burn: {objective: 99%}}]}",
        "{metrics: [{name: a, deployments: failed, every: 5m, burn: {objective: 99%}}]}",
        "{metrics: [{name: a, deployments: slow}]}",
        "{metrics: [{name: a, deployments: failed, evidence: {metric: auc}}]}",
        "{metrics: [{name: a, deployments: failed, query: instant}]}",
        f"{{metrics: [{{name: a, {LOG}, query: instant}}]}}",
        "{metrics: [{name: a, prometheus: up, query: both}], prometheus: http://p:9090}",
        f"{{metrics: [{{name: a, {LOG}}}], github-deployments: always}}",
        f"{{metrics: [{{name: a, {LOG}}}], workflows: {{watch: ../watch.yml}}}}",
        f"{{metrics: [{{name: a, {LOG}}}], dismiss: [{{metric: b, onset: 2026-01-01, reason: x}}]}}",
    ],
)
def test_refused_values(section: str) -> None:
    """Each is an error of the policy."""
    with pytest.raises(PolicyError):
        read_policy(policy(section))
