"""Recordings of real arrivals: an access log, CSV, JSONL or Parquet, to the times of its requests.

The gaps of the recording are kept. An access log is written when a request ends, so that its lines are a little out of
order: stamps are sorted, and how many were late is told. Where every stamp is a whole second, the requests of one
second are spread evenly over it, and the notes say so: their order within the second is all that the file knows.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.load.load import MAX_REQUESTS, MAX_SECONDS
from ghmlops.measure.requests.timestamps import LATEST, show
from ghmlops.measure.requests.trace_formats import READERS, known_format

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import Trace

    Floats = NDArray[np.float64]
    Micros = NDArray[np.int64]

MAX_STAMPS = 5_000_000
"""Most requests that are read from a file, to be sorted and cut at the duration."""
MAX_UNREADABLE = 0.01
_DAY = 86_400_000_000
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The requests of a recording that are to be sent.

    Attributes:
        times: seconds since the first one, ascending, shape (n,), n >= 2; as recorded, not yet sped up.
        skipped: unreadable lines by reason: how many, and the number of the first.
        out_of_order: requests that stood behind a later one in the file.
        fingerprint: `sha256:<hex>` of the file.
        first: ISO time of the first request that is sent.
        last: of the last one.
        notes: what a reader of the result must know about the recording, one sentence each.
    """

    times: Floats
    skipped: dict[str, tuple[int, int]]
    out_of_order: int
    fingerprint: str
    first: str
    last: str
    notes: tuple[str, ...]


def read_trace(path: Path, shown: str, trace: Trace, duration: float = 0.0) -> Recorded:
    """Read the recording at `path`, called `shown` in messages.

    Args:
        path: the file.
        shown: its name for people.
        trace: its format, its column of times, its speed.
        duration: seconds of the run after which nothing is sent; 0: the whole recording.

    Raises:
        DataError: missing, empty, compressed, truncated or of no known format; no such column; more than 1 % of its
            lines are unreadable; fewer than two requests; a pause of more than a day.
        PolicyError: more requests or seconds than the hard caps, or fewer than two requests within `duration`.
    """
    try:
        if not path.is_file():
            what = "is no regular file" if path.exists() else "no such file"
            raise DataError(f"{shown}: {what}", hint="name the recording in `latency.arrivals.replay.file`")
        kind = trace.format or known_format(path, shown)
        stamps, skipped = _collect(READERS[kind](path, shown, trace.time), shown)
        digest = fingerprint(path)
    except OSError as error:
        raise DataError(f"{shown}: {error.strerror}", hint="check the path and its permissions") from None
    micros = np.frombuffer(stamps, np.int64)
    late = int((micros < np.maximum.accumulate(micros)).sum())
    micros, spread = _spread(np.sort(micros))
    micros = _judge(micros, shown, trace.speed, duration)
    return Recorded(
        times=(micros - micros[0]) / _SECOND,
        skipped=skipped,
        out_of_order=late,
        fingerprint=digest,
        first=show(int(micros[0])),
        last=show(int(micros[-1])),
        notes=tuple(_notes(skipped, late, spread=spread)),
    )


def _collect(found: Iterator[tuple[int, int | str]], shown: str) -> tuple[array[int], dict[str, tuple[int, int]]]:
    """Gather stamps and reasons; each entry is a line number with one of them."""
    stamps: array[int] = array("q")
    skipped: dict[str, tuple[int, int]] = {}
    bad = 0
    for line, value in found:
        if isinstance(value, int) and value < LATEST:
            stamps.append(value)
            if len(stamps) > MAX_STAMPS:
                raise DataError(f"{shown}: more than {MAX_STAMPS:,} requests", hint="cut the part to be replayed out")
            continue
        reason = value if isinstance(value, str) else "too far in the future"
        count, first = skipped.get(reason, (0, line))
        skipped[reason] = (count + 1, first)
        bad += 1
        if bad > MAX_UNREADABLE * MAX_STAMPS:
            break
    if bad > MAX_UNREADABLE * (bad + len(stamps)):
        raise DataError(
            f"{shown}: {bad:,} of {bad + len(stamps):,} lines cannot be read ({_listed(skipped)})",
            hint="mend or remove them, or name the right `format` and `time`",
        )
    if len(stamps) < 2:
        what = "holds one request only" if stamps else "the recording is empty"
        raise DataError(f"{shown}: {what}", hint="gaps need at least two requests")
    return stamps, skipped


def _spread(micros: Micros) -> tuple[Micros, bool]:
    """Spread the requests of each second evenly over it, where the file knows whole seconds only."""
    seconds, starts, counts = np.unique(micros, return_index=True, return_counts=True)
    if counts.max() == 1 or bool((seconds % _SECOND).any()):
        return micros, False
    rank = np.arange(len(micros)) - np.repeat(starts, counts)
    return micros + rank * _SECOND // np.repeat(counts, counts), True


def _judge(micros: Micros, shown: str, speed: float, duration: float) -> Micros:
    """Cut at the duration and check what is left."""
    where = "`latency.arrivals`"
    with np.errstate(over="ignore"):  # a speed next to 0: endless, and above the caps
        sent = (micros - micros[0]) / _SECOND / speed
    if duration:
        sent = sent[sent < duration]
        micros = micros[: len(sent)]
    if len(micros) < 2:
        raise PolicyError(f"{where}: one request of {shown} lies within `duration`", hint="raise `duration` or `speed`")
    if micros[-1] == micros[0]:
        raise DataError(f"{shown}: all {len(micros):,} requests have the same time", hint="a recording needs gaps")
    gap = int(np.diff(micros).argmax())
    if micros[gap + 1] - micros[gap] > _DAY:
        raise DataError(
            f"{shown}: nothing between {show(int(micros[gap]))} and {show(int(micros[gap + 1]))}, more than a day",
            hint="a replay is one stretch of time: remove stray lines, or cut the stretch out",
        )
    if sent[-1] > MAX_SECONDS:
        enough = math.ceil((micros[-1] - micros[0]) / _SECOND / MAX_SECONDS * 100) / 100
        raise PolicyError(
            f"{where}: {shown} takes {sent[-1]:,.0f} s at speed {speed:g}, more than {MAX_SECONDS:,.0f}",
            hint=f"set `speed` to {enough:g} or more, or `duration` to {MAX_SECONDS:.0f}s or less",
        )
    if len(micros) > MAX_REQUESTS:
        until = math.floor(sent[MAX_REQUESTS])
        mend = f"set `duration` to {until}s or less" if until else "cut a part out of the file"
        raise PolicyError(f"{where}: {shown} holds {len(micros):,} requests, more than {MAX_REQUESTS:,}", hint=mend)
    return micros


def _notes(skipped: dict[str, tuple[int, int]], late: int, *, spread: bool) -> Iterator[str]:
    if spread:
        yield (
            "The recording knows whole seconds only: the requests of a second are spread evenly over it, "
            "so bursts within a second are not replayed."
        )
    if late:
        yield f"{late:,} requests of the recording were out of order and were sorted."
    if skipped:
        count = sum(n for n, _ in skipped.values())
        yield f"{count:,} lines of the recording could not be read and are left out ({_listed(skipped)})."


def _listed(skipped: dict[str, tuple[int, int]]) -> str:
    return ", ".join(f"{reason}: {count:,}, first in line {line}" for reason, (count, line) in skipped.items())
