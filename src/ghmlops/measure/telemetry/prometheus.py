"""Numbers from the HTTP API of Prometheus, or of anything that answers `/api/v1/query` and `query_range` as it does.

Source: Prometheus documentation, "HTTP API", instant and range queries.
"""

from __future__ import annotations

import http.client
import math
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec

from ghmlops.core.errors import PolicyError, ServiceError
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.policy.promote import Prometheus

TIMEOUT = 5.0
"""Seconds for one exchange; a query that takes longer is a missing value."""
MAX_ANSWER_BYTES = 1 << 20
"""Bytes of one answer; one number needs a few hundred."""


MAX_POINTS = 11_000
"""Points of one range query, beyond which Prometheus refuses it."""


class RangeContent(NamedTuple):
    """One series: its labels, and for each time in seconds since the epoch the value; `None` for NaN and infinity."""

    labels: dict[str, str]
    points: list[tuple[float, float | None]]


class _Data(msgspec.Struct, frozen=True):
    resultType: str  # noqa: N815  (name of the API)
    result: msgspec.Raw


class _Series(msgspec.Struct, frozen=True):
    value: tuple[float, str]


class _Range(msgspec.Struct, frozen=True):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Answer(msgspec.Struct, frozen=True):
    status: str
    data: _Data | None = None
    error: str = ""


class PrometheusSource:
    """A server that answers queries.

    Args:
        settings: Where it is.
        environ: Variables of the job; one of them may hold a token.
        key: Key of the policy, for messages.

    Raises:
        PolicyError: The variable with the token is not set.
    """

    def __init__(self, settings: Prometheus, environ: Mapping[str, str], key: str = "observe.prometheus") -> None:
        self._url, self._key = settings.url, key
        self._headers = {"Accept": "application/json"}
        if name := settings.token_variable:
            token = environ.get(name, "").strip()
            if not token or not token.isascii() or not token.isprintable():
                raise PolicyError(
                    f"`{key}.token-variable`: the variable {name} holds no token",
                    hint="set it in the step's `env:` from a secret",
                )
            self._headers["Authorization"] = f"Bearer {token}"

    def query(self, text: str) -> float | None:
        """Return the value of an instant query now; `None` if it has no value (no series, NaN or infinity).

        Raises:
            PolicyError: The query is malformed, or returns several series.
            ServiceError: The server cannot be reached, or answers with something else.
        """
        return self._value(self._ask(f"/api/v1/query?{urlencode({'query': text})}", text), text)

    def _value(self, data: _Data, text: str) -> float | None:
        try:
            if data.resultType == "scalar":
                number = float(msgspec.json.decode(data.result, type=tuple[float, str])[1])
            elif data.resultType == "vector":
                series = msgspec.json.decode(data.result, type=list[_Series])
                if len(series) > 1:
                    raise _several(text, len(series))
                number = float(series[0].value[1]) if series else math.nan
            else:
                raise PolicyError(
                    f'the query "{short(text, 120)}" returns a {short(data.resultType, 20)}, and one number is needed',
                    hint="remove the range at its end, or apply a function such as `rate`",
                )
        except (msgspec.DecodeError, ValueError):
            raise self._error("a value that is no number") from None
        return number if math.isfinite(number) else None

    def query_range(self, text: str, *, start: float, end: float, step: float) -> RangeContent:
        """Return the values of a query at start, start + step, ... until end, in as many requests as are needed.

        Args:
            text: The query.
            start: Seconds since the epoch.
            end: The same; not before `start`.
            step: Seconds between two points.

        Raises:
            PolicyError: The query is malformed, or returns several series.
            ServiceError: The server cannot be reached, or answers with something else.
        """
        labels: dict[str, str] = {}
        points: list[tuple[float, float | None]] = []
        count = int((end - start) // step) + 1
        for first in range(0, count, MAX_POINTS):
            last = min(first + MAX_POINTS, count) - 1
            times = {"start": start + first * step, "end": start + last * step, "step": step}
            data = self._ask(f"/api/v1/query_range?{urlencode({'query': text, **times})}", text)
            for series in self._ranges(data, text):
                if labels and series.metric != labels:
                    raise _several(text, 2)
                labels = series.metric
                points += [(time, _finite(value)) for time, value in series.values]
        return RangeContent(labels, points)

    def query_samples(self, text: str, *, time: float) -> RangeContent:
        """Return the samples of an instant query whose result is a range, such as `auc[30d]` or a subquery.

        Args:
            text: The query.
            time: Time at which it is evaluated, seconds since the epoch.

        Raises:
            PolicyError: The query is malformed, returns no range, or several series.
            ServiceError: The server cannot be reached, or answers with something else.
        """
        data = self._ask(f"/api/v1/query?{urlencode({'query': text, 'time': time})}", text)
        if data.resultType != "matrix":
            raise PolicyError(
                f'the query "{short(text, 120)}" returns a {short(data.resultType, 20)}, and samples are needed',
                hint="select a range, for example `auc[30d]`, or leave out `query: instant`",
            )
        series = self._ranges(data, text)
        if not series:
            return RangeContent({}, [])
        return RangeContent(series[0].metric, [(at, _finite(value)) for at, value in series[0].values])

    def _ranges(self, data: _Data, text: str) -> list[_Range]:
        try:
            if data.resultType != "matrix":
                raise self._error("no range of values")
            series = msgspec.json.decode(data.result, type=list[_Range])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._error("a range that cannot be read") from None
        if len(series) > 1:
            raise _several(text, len(series))
        return series

    def _ask(self, path: str, text: str) -> _Data:
        status, body = self._get(path)
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._error(f"status {status} and no JSON of the query API") from None
        if status in (400, 422):
            raise PolicyError(
                f'Prometheus refuses the query "{short(text, 120)}": {short(answer.error, 200)}',
                hint="try it in the expression browser, with `{arm}` replaced",
            )
        if status != 200 or answer.status != "success" or answer.data is None:
            raise self._error(f"status {status}: {short(answer.error, 120)}")
        return answer.data

    def _get(self, path: str) -> tuple[int, bytes]:
        parts = urlsplit(self._url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            # A redirect is not followed: it would send the token to another host.
            connection.request("GET", parts.path + path, headers=self._headers)
            with connection.getresponse() as response:
                status, body = response.status, response.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = short(getattr(error, "strerror", None) or str(error) or "no answer", 120)
            raise ServiceError(
                f"Prometheus at {self._url} cannot be reached: {reason}",
                hint=f"is `{self._key}` its address, and does this runner reach it?",
                reason_code="no-telemetry",
            ) from None
        finally:
            connection.close()
        if len(body) > MAX_ANSWER_BYTES:
            raise self._error("more than 1 MiB")
        return status, body

    def _error(self, what: str) -> ServiceError:
        return ServiceError(
            f"Prometheus at {self._url} answers with {what}",
            hint=f"is `{self._key}` its address?",
            reason_code="no-telemetry",
        )


def _several(text: str, count: int) -> PolicyError:
    return PolicyError(
        f'the query "{short(text, 120)}" returns {count} series, and one number is needed',
        hint="aggregate it, for example by `sum(...)`",
    )


def _finite(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
