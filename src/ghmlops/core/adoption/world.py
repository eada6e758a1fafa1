"""What a policy needs from its surroundings: files, minutes, requests, permissions, and rows for its margins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.paired.default_margins import PROPORTION_MARGIN
from ghmlops.core.quantities import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.regression import Regression

Z_99 = 2.3263
"""Standard normal quantile of the one-sided 99 % limit by which a metric passes."""
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|artifact:|abfss?:")
MEASURE = "actions: read, contents: read, deployments: read"
REPORT = "actions: read, checks: write, contents: read, pull-requests: write"
GATE = "actions: read, contents: write, deployments: write, pull-requests: write, statuses: write"


def policy_files(policy: Policy) -> dict[str, str]:
    """Return each local file, folder or pattern that the policy names, with the key that names it."""
    files: dict[str, str] = {}
    if latency := policy.latency:
        files |= {latency.payloads: "latency.payloads"} if latency.payloads else {}
        files |= {endpoint.payloads: "latency.mix" for endpoint in latency.mix if endpoint.payloads}
        files |= {latency.arrivals.trace.file: "latency.arrivals"} if latency.arrivals.trace else {}
        files |= {latency.ca_file: "latency.ca-file"} if latency.ca_file else {}
    if policy.preview and policy.preview.ca_file:
        files[policy.preview.ca_file] = "preview.ca-file"
    if policy.regression:
        for dataset in policy.regression.datasets:
            key = f"regression.datasets.{dataset.name}" if dataset.name else "regression.artifacts"
            for role in ("baseline", "candidate", "labels", "noise"):
                for spec in getattr(dataset, role):
                    files.setdefault(spec, f"{key}.{role}")
    return {spec: key for spec, key in files.items() if not _REMOTE.match(spec) and "{" not in spec}


def cost_line(policy: Policy) -> str:
    """Return the requests and minutes of the load, without and with extension and confirmation; empty without load."""
    latency = policy.latency
    if latency is None or latency.arrivals.trace is not None or latency.arrivals.auto:
        return ""
    arrivals = latency.arrivals
    requests, seconds = arrivals.rate * arrivals.duration, arrivals.duration + arrivals.warmup
    # A plan that is undecided is extended once, and a failure is measured again on fresh deployments.
    longest = 2 * (arrivals.duration * (1 if arrivals.shaped else 2) + arrivals.warmup)
    return (
        f"latency cost: at most {requests:,.0f} requests per arm in {format_duration(seconds)}; "
        f"{format_duration(longest)} if the plan is extended and a failure confirmed"
    )


def permission_lines(policy: Policy) -> list[str]:
    """Return the permissions that the jobs of the workflows need."""
    gate = f"permissions of the job that calls deploy-gate.yml ({policy.gate.environment}): {GATE}"
    return [
        f"permissions of the job that calls pr-gate.yml: {MEASURE}",
        f"permissions of the job that calls report.yml: {REPORT}",
        gate,
    ]


def margin_lines(regression: Regression, rows: Mapping[str, int]) -> list[str]:
    """Return what the margins can decide with the rows of each data set.

    A metric passes if the upper 99 % limit of its loss is within the margin. For the accuracy that is possible if the
    correctness of few enough rows changes: the variance of the paired difference is at most their share, so that a
    share of n (m / z)^2 is the largest with which two equally accurate models pass.

    Args:
        regression: the section of the policy.
        rows: rows of the smaller side by name of the data set.
    """
    lines = []
    for name, n in rows.items():
        title = f"predictions {name}" if name else "predictions"
        if regression.task in ("binary", "multiclass"):
            margin = regression.margins.get("accuracy", PROPORTION_MARGIN)
            share = min(1.0, n * (margin / Z_99) ** 2)
            lines.append(
                f"{title}: {n:,} rows; an equal accuracy passes its margin of {100 * margin:.3g} points as long as the "
                f"correctness of at most {100 * share:.2g} % of the rows changes"
            )
        else:
            lines.append(
                f"{title}: {n:,} rows; a mean passes its margin if the standard deviation of the paired differences is "
                f"at most {n**0.5 / Z_99:.3g} times the margin"
            )
        if n < regression.minimum_rows and (regression.slices or regression.window):
            lines.append(
                f"{title}: fewer rows than `minimum-rows: {regression.minimum_rows}`, so that no slice and no window "
                "is measured"
            )
    return lines
