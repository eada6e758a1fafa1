"""Small recordings of arrivals for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from ghmlops.core.policy.latency import Trace
from ghmlops.measure.requests.trace import read_trace

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.measure.requests.trace import ArrivalTrace

COMMON = '127.0.0.1 - frank [{}] "GET /a.gif HTTP/1.0" 200 2326\n'
COMBINED = '::1 - - [{}] "POST /p HTTP/1.1" 200 5 "http://x/[a]" "M\xf6zilla [en] \\"q\\""\n'


def access_log(*stamps: str, line: str = COMMON) -> str:
    """Return an access log with one line per timestamp."""
    return "".join(line.format(stamp) for stamp in stamps)


def read_recording(folder: Path, name: str, content: str | bytes, duration: float = 0.0, **fields: Any) -> ArrivalTrace:
    """Write a recording and read it; `fields` are those of the policy's `replay`."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_trace(path, name, Trace(file=name, **fields), duration)


def read_parquet_recording(folder: Path, query: str, duration: float = 0.0, **fields: Any) -> ArrivalTrace:
    """Write the result of an SQL query to `t.parquet` and read it."""
    path = folder / "t.parquet"
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return read_trace(path, "t.parquet", Trace(file="t.parquet", **fields), duration)
