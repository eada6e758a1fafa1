"""Reads the section `shadow`."""

from __future__ import annotations

import math
import re

from ghmlops.core import quantities
from ghmlops.core.answers.rules import absolute
from ghmlops.core.policy.before_traffic.expect import EXPECTATIONS
from ghmlops.core.policy.before_traffic.shadow import AccessLogs, Compare, Send, Shadow, ShadowMargins
from ghmlops.core.policyfile.latency import latency_margins
from ghmlops.core.policyfile.scalars import PER_SECOND, RATIO, SECONDS, boolean, header_name, positive_count
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, table, text

_MAX_WORKERS = 64
_ENDPOINT = re.compile(r"([A-Z]{1,20}) (/\S*)")


def endpoint(at: Located) -> str:
    """Read a method and a path: `POST /predict`, `POST /models/{name}/infer`.

    Raises:
        PolicyError: The value has another form, or names a query.
    """
    value = text(at)
    if not _ENDPOINT.fullmatch(value) or "?" in value or "#" in value:
        raise at.error(f'expected a method and a path without query, got "{value[:80]}"', "for example `POST /predict`")
    return value


def _path(at: Located) -> str:
    return absolute(text(at))


def _log_key(at: Located) -> str:
    return text(at).lower()


def _path_key(name: str) -> str:
    if not name:
        raise ValueError("expected the path of a value of the answer")
    return absolute(name)


def _header(name: str) -> str:
    lower = header_name(name)
    if lower in ("content-length", "transfer-encoding"):
        raise ValueError("is set by ghmlops itself")
    return lower


def _tolerance(at: Located) -> dict[str, float]:
    """Read `auto`, or numbers by path; a path without a number stays automatic."""
    if at.value == "auto":
        return {}
    return table(_path_key, scalar(_number))(at)


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise ValueError(f'expected a number of at least 0, got "{value[:40]}"')
    return number


def _workers(at: Located) -> int:
    value = positive_count(at)
    if value > _MAX_WORKERS:
        raise at.error(f"expected at most {_MAX_WORKERS}", "the candidate must not be flooded")
    return value


def read_shadow(at: Located) -> Shadow:
    """Read the section `shadow`.

    Raises:
        PolicyError: A value is malformed, or there is not exactly one source of requests.
    """
    compare = {
        "ignore": listing(_path),
        "keys": table(_path_key, text),
        "tolerance": _tolerance,
        "decision": _path,
    }
    send = {
        "rate": PER_SECOND,
        "workers": _workers,
        "timeout": SECONDS,
        "budget": SECONDS,
        "headers": table(_header, text),
        "recorded-headers": listing(scalar(header_name)),
    }
    margins = {"disagreement": RATIO, "decisions": RATIO, "latency": latency_margins}
    logs = {"live": text, "candidate": text, "twin": text, "id": _log_key}
    readers = {
        "requests": text,
        "har": text,
        "access-logs": record(AccessLogs, logs, required=("live", "candidate")),
        "safe": listing(endpoint),
        "twin": boolean,
        "expect": one_of(*EXPECTATIONS),
        "compare": record(Compare, compare),
        "margins": record(ShadowMargins, margins),
        "coverage": scalar(quantities.ratio),
        "answers": text,
        "private": listing(text),
        "send": record(Send, send),
    }
    shadow: Shadow = record(Shadow, readers)(at)
    if [bool(shadow.requests), bool(shadow.har), shadow.access_logs is not None].count(True) != 1:
        raise at.error(
            "needs exactly one of `requests`, `har` and `access-logs`", "for example `requests: data/requests.parquet`"
        )
    if shadow.margins.decisions is not None and not shadow.compare.decision:
        raise at.error("`margins.decisions` needs `compare.decision`", "name the path of the value that is acted on")
    if not 0 < shadow.coverage <= 1:
        raise at.error("`coverage` must lie above 0 and at most at 100%")
    return shadow
