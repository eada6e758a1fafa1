"""What a policy needs from its surroundings: files, minutes, requests, permissions, and rows for its margins."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ghmlops.core.paired.default_margins import PROPORTION_MARGIN, RATE_SHIFT_MARGIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.regression import Regression

Z_98, Z_99 = 2.3263, 2.5758
"""Standard normal quantiles of the two-sided 98 % and 99 % intervals by which a loss and a shift pass."""
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
        f"latency cost: at most {requests:,.0f} requests per arm in {seconds / 60:.1f} minutes; "
        f"{longest / 60:.1f} minutes if the plan is extended and a failure confirmed"
    )


def permission_lines(policy: Policy) -> list[str]:
    """Return the permissions that the jobs of the workflows need."""
    gate = f"permissions of the job that calls deploy-gate.yml ({policy.gate.environment}): {GATE}"
    return [
        f"permissions of the job that calls pr-gate.yml: {MEASURE}",
        f"permissions of the job that calls report.yml: {REPORT}",
        gate,
    ]


def smallest_margin(rows: int, z: float) -> float:
    """Return the half width of the score interval of a difference of two equal paired proportions.

    A smaller margin can never be shown, even if no row changes. Source: Tango (1998), Statistics in Medicine 17,
    891-908, with no discordant pair.

    Args:
        rows: number of pairs.
        z: standard normal quantile of the limit.
    """
    return z * z / (rows + z * z)


def attainable_margins(task: str, rows: int) -> dict[str, float]:
    """Return margins for the metrics whose default margin can never be shown with so few rows.

    Each is one and a half times the smallest, so that a few changed rows do not prevent a pass; rounded up to a tenth
    of a point.
    """
    defaults = {"accuracy": (PROPORTION_MARGIN, Z_98)}
    defaults |= {"positive-rate": (RATE_SHIFT_MARGIN, Z_99)} if task == "binary" else {}
    if task not in ("binary", "multiclass"):
        return {}
    return {
        metric: math.ceil(1500.0 * smallest_margin(rows, z)) / 1000.0
        for metric, (margin, z) in defaults.items()
        if smallest_margin(rows, z) > margin
    }


def margin_lines(regression: Regression, rows: Mapping[str, int]) -> list[str]:
    """Return what the margins can decide with the rows of each data set.

    The score interval of two equally accurate models lies within the margin m if the correctness of at most a share of
    m^2 (n / z^2 + 1) of the rows changes, and never if m is below `smallest_margin`.

    Args:
        regression: the section of the policy.
        rows: rows of the smaller side by name of the data set.
    """
    lines = []
    for name, n in rows.items():
        title = f"predictions {name}" if name else "predictions"
        lines.append(f"{title}: {n:,} rows; {_decidable(regression, n)}")
        if n < regression.minimum_rows and (regression.slices or regression.window):
            lines.append(
                f"{title}: fewer rows than `minimum-rows: {regression.minimum_rows}`, so that no slice and no window "
                "is measured"
            )
    return lines


def _decidable(regression: Regression, n: int) -> str:
    if regression.task not in ("binary", "multiclass", "multilabel"):
        return (
            "a mean passes its margin if the standard deviation of the paired differences is at most "
            f"{n**0.5 / Z_98:.3g} times the margin"
        )
    margin = regression.margins.get("accuracy", PROPORTION_MARGIN)
    smallest = smallest_margin(n, Z_98)
    if margin < smallest:
        return (
            f"the margin of the accuracy, {100 * margin:.3g} points, can never be shown: with these rows it must be at "
            f"least {100 * smallest:.2g} points"
        )
    share = min(1.0, margin**2 * (n / Z_98**2 + 1.0))
    return (
        f"an equal accuracy passes its margin of {100 * margin:.3g} points as long as the correctness of at most "
        f"{100 * share:.2g} % of the rows changes"
    )
