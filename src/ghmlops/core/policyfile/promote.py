"""Reads the section `promote`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

from ghmlops.core import quantities
from ghmlops.core.policy.promote import (
    Compare,
    HeaderRung,
    HoldLimit,
    Judge,
    LatencyJudge,
    LockLimit,
    LogFormat,
    MeasuredCapacity,
    Observe,
    Promote,
    Reaction,
    Reactions,
    Rollback,
    RollbackLimit,
    Rung,
)
from ghmlops.core.policyfile.promotion.hooks import read_hooks
from ghmlops.core.policyfile.promotion.metrics import read_metrics, read_prometheus, read_query
from ghmlops.core.policyfile.scalars import RATIO, SECONDS, positive_count
from ghmlops.core.policyfile.target import read_target
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, text

_REACTION = one_of(*get_args(Reaction))


def read_promote(at: Located) -> Promote:
    """Read the section.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "target": read_target,
        "ladder": _ladder,
        "rung": record(
            Rung, {"min-requests": scalar(quantities.count), "max-duration": SECONDS, "settle": SECONDS, "bake": _span}
        ),
        "header": record(HeaderRung, {"min-requests": positive_count, "max-duration": SECONDS}),
        "judge": record(
            Judge, {"errors": _objective, "latency": one_of(*get_args(LatencyJudge)), "metrics": read_metrics}
        ),
        "compare": one_of(*get_args(Compare)),
        "on": record(Reactions, {"fail": _REACTION, "inconclusive": _REACTION, "low-traffic": _REACTION}),
        "hold": record(HoldLimit, {"max": SECONDS, "then": _REACTION}),
        "lock": record(LockLimit, {"max-age": SECONDS}),
        "rollback": record(
            Rollback, {"steps": _steps, "step-duration": SECONDS, "limit": one_of(*get_args(RollbackLimit))}
        ),
        "capacity": _capacity,
        "watch": _span,
        "observe": _observe,
        "hooks": read_hooks,
    }
    promote: Promote = record(Promote, readers, required=("target",))(at)
    if promote.compare == "twin" and not promote.target.has_twin:
        raise at.error("`compare: twin` needs a twin, and the target names none", "add it, or write `compare: pool`")
    if promote.header != HeaderRung() and promote.target.header_settings is None:
        raise at.error(
            "`header` needs a target with `header-route`", "haproxy and envoy have it; see actions/promote/README.md"
        )
    if promote.target.header_settings and promote.observe.total:
        raise at.error(
            "`header-route` needs `observe.access-log`", "counters do not tell which requests the weights routed"
        )
    if promote.judge.metrics and promote.observe.prometheus is None:
        raise at.error(
            "`judge.metrics` needs `observe.prometheus`", "for example `observe: {prometheus: http://127.0.0.1:9090}`"
        )
    if promote.target.is_scalable and not promote.capacity.evidence:
        raise at.error(
            "a target with `scale` needs `capacity.from`", "for example `capacity: {from: evidence/capacity.json}`"
        )
    if promote.rollback.limit == "ready-capacity" and not promote.capacity.evidence:
        raise at.error(
            "`rollback.limit: ready-capacity` needs `capacity`",
            "for example `capacity: {from: evidence/capacity.json}`",
        )
    return promote


def _observe(at: Located) -> Observe:
    readers = {
        "access-log": text,
        "format": one_of(*get_args(LogFormat)),
        "status": one_of("5xx"),
        "session": text,
        "prometheus": read_prometheus,
        "total": read_query,
        "errors": read_query,
        "interval": SECONDS,
    }
    observe: Observe = record(Observe, readers)(at)
    if bool(observe.total) != bool(observe.errors):
        raise at.error("`total` and `errors` need each other", "name the counters of all and of the failed requests")
    if observe.total and observe.prometheus is None:
        raise at.error("`total` needs `prometheus`", "for example `prometheus: http://127.0.0.1:9090`")
    if observe.total and observe.access_log:
        raise at.error("`access-log` and `total` are two sources of requests", "remove one of them")
    captured = ("cookie", "header")
    if observe.session and observe.format == "haproxy" and observe.session not in captured:
        raise at.error(
            f"`session: {observe.session}` is nothing that HAProxy logs", f"write one of {', '.join(captured)}"
        )
    return observe


def _span(at: Located) -> float:
    """Read a duration that may be 0."""
    return 0.0 if at.value in ("0", "0s") else SECONDS(at)


def _capacity(at: Located) -> MeasuredCapacity:
    readers = {
        "from": text,
        "headroom": _headroom,
        "ready-within": SECONDS,
        "max-servers": positive_count,
        "keep": scalar(quantities.count),
    }
    values: dict[str, Any] = record(dict, readers)(at)
    if "headroom" in values and "from" not in values:
        raise at.error("`headroom` needs the key `from`", "for example `from: evidence/capacity.json`")
    return MeasuredCapacity(evidence=values.pop("from", ""), **values)


def _headroom(at: Located) -> float:
    value = RATIO(at)
    if not 0.0 <= value < 1.0:
        raise at.error("expected a share from 0 to below 100 %", "for example `30%`")
    return value


def _objective(at: Located) -> float:
    value = RATIO(at)
    if not 0.0 < value < 0.5:
        raise at.error("expected a share above 0 and below 50 %", "for example `0.1%`")
    return value


def _ladder(at: Located) -> tuple[float, ...]:
    shares = listing(RATIO)(at)
    if not shares or shares[0] <= 0 or any(b <= a for a, b in pairwise(shares)):
        raise at.error("the shares of a ladder rise from above 0", "for example `[1%, 5%, 25%, 100%]`")
    if shares[-1] != 1.0:
        raise at.error(f"the last share is {shares[-1]:.4g}, not 100 %", "add `100%`")
    return shares


def _steps(at: Located) -> tuple[float, ...]:
    shares = listing(RATIO)(at)
    if not shares or any(b >= a for a, b in pairwise(shares)) or shares[-1] != 0.0:
        raise at.error("the steps of a rollback fall to 0 %", "for example `[50%, 0%]`")
    return shares
