"""Reads `promote.judge.metrics` and `promote.observe.prometheus`."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlsplit

from ghmlops.core import quantities
from ghmlops.core.model import Direction
from ghmlops.core.policy.promote import Metric, Prometheus
from ghmlops.core.policyfile.scalars import RATIO, SECONDS, boolean
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, text

_DIRECTIONS = {"higher": Direction.HIGHER, "lower": Direction.LOWER}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_metrics(at: Located) -> tuple[Metric, ...]:
    """Read the metrics.

    Raises:
        PolicyError: Two have one name, or a metric has both a margin and a limit, or neither.
    """
    metrics = listing(_metric)(at)
    repeated = [name for name, count in Counter(metric.name for metric in metrics).items() if count > 1]
    if repeated:
        raise at.error(f"two metrics are named `{repeated[0]}`", "give each its own name")
    return metrics


def _metric(at: Located) -> Metric:
    readers = {
        "name": _name,
        "prometheus": read_query,
        "direction": lambda value: _DIRECTIONS[one_of(*_DIRECTIONS)(value)],
        "margin": _margin,
        "limit": scalar(quantities.number),
        "interval": SECONDS,
        "dry-run": boolean,
    }
    metric: Metric = record(Metric, readers, required=("name", "prometheus", "direction"))(at)
    if (metric.margin is None) == (metric.limit is None):
        raise at.error(f"the metric `{metric.name}` needs either `margin` or `limit`", "for example `margin: 1%`")
    return metric


def _name(at: Located) -> str:
    value = text(at)
    if not _NAME.fullmatch(value):
        raise at.error("expected a name of letters, digits, `-` and `_`", "for example `ctr`")
    return value


def read_query(at: Located) -> str:
    """Read a query of one arm.

    Raises:
        PolicyError: It does not contain `{arm}`.
    """
    value = text(at)
    if "{arm}" not in value:
        raise at.error(
            "the query has no `{arm}`, so that all arms would have the same value",
            'for example `sum(rate(clicks_total{server=~"{arm}"}[15s]))`',
        )
    return value


def _margin(at: Located) -> float:
    value = RATIO(at)
    if not 0.0 <= value < 1.0:
        raise at.error("expected a share from 0 to below 100 %", "for example `1%`")
    return value


def _url(at: Located) -> str:
    value = text(at)
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.username is not None or parts.query or parts.fragment:
        raise at.error("expected an address with http or https and a host", "for example `http://127.0.0.1:9090`")
    return value.rstrip("/")


def _variable(at: Located) -> str:
    value = text(at)
    if not _VARIABLE.fullmatch(value):
        raise at.error("expected the name of an environment variable", "for example `PROMETHEUS_TOKEN`")
    return value


_PROMETHEUS = record(Prometheus, {"url": _url, "token-variable": _variable}, required=("url",))


def read_prometheus(at: Located) -> Prometheus:
    """Read the server: its address, or a mapping with `url` and `token-variable`."""
    if isinstance(at.value, dict):
        server: Prometheus = _PROMETHEUS(at)
        return server
    return Prometheus(url=_url(at))
