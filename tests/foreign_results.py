"""Result files of other load generators for the tests: real samples, and small files made by hand.

The samples were written by k6 v1.8.1, vegeta v12.13.0, oha 1.16.0, Locust 2.47.0 and hey (main branch) against
`scoring_service.py`, which failed 2 to 5 % of the requests, and by HdrHistogram 2.2.2 in Java. The runs `dropped`
were to send 100 or 200 iterations per second, of which five virtual users could send 25. Files of the other tools
were written by hand in the tests, from the documentation of their formats.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ghmlops.core.latency.external_results import ExternalResults
from ghmlops.measure.foreign import read_results
from ghmlops.measure.foreign.supplement import Supplement

SAMPLES = Path(__file__).parent / "measure" / "foreign" / "samples"
NOTHING = Supplement()
NANOSECONDS = Supplement(unit="ns", failed=0)
MILLISECONDS = Supplement(unit="ms", failed=0)
LOCUST_HEADER = "Type,Name,Request Count,Failure Count,Average Response Time,Max Response Time,50%,99%,100%\n"


def read_sample(name: str, supplement: Supplement = NOTHING, tool: str = "") -> ExternalResults:
    """Read a sample file."""
    return read_results(SAMPLES / name, name, tool, supplement).content


def read_text(folder: Path, content: bytes | str, supplement: Supplement = NOTHING, tool: str = "") -> ExternalResults:
    """Write `content` to a file called `results` and read it."""
    path = folder / "results"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_results(path, "results", tool, supplement).content


def unmeasured(results: ExternalResults) -> list[str]:
    """Return the names of what is not measured."""
    return [row.what for row in results.not_measured]


def k6_summary(**metrics: Any) -> str:
    """Return a small summary of k6; a metric of `None` is omitted."""
    base: dict[str, Any] = {
        "http_reqs": {"count": 10},
        "http_req_duration": {"avg": 1.0, "med": 1.0, "max": 3.0, "p(99.9)": 2.0},
        "http_req_failed": {"passes": 1, "fails": 9, "value": 0.1},
    }
    return json.dumps({"metrics": {k: v for k, v in (base | metrics).items() if v is not None}})


def vegeta_result(**fields: Any) -> str:
    """Return one line of vegeta's results."""
    base = {
        "code": 200,
        "latency": 1_000_000,
        "timestamp": "2026-01-01T00:00:00Z",
        "method": "GET",
        "url": "http://a/x?k=1",
    }
    return json.dumps(base | fields) + "\n"


def wrk2_report(failures: str = "") -> str:
    """Return a report in the format of wrk2, with a spectrum that HdrHistogram wrote and lines about failures."""
    table = (SAMPLES / "java-table.txt").read_text()
    return (
        "Running 30s test @ http://127.0.0.1:8080/predict\n  2 threads and 100 connections\n"
        "  Latency Distribution (HdrHistogram - Recorded Latency)\n 50.000%    1.47ms\n 99.000%    7.56ms\n"
        f"100.000%   27.75ms\n\n  Detailed Percentile spectrum:\n{table}"
        "----------------------------------------------------------\n"
        f"  4500 requests in 30.00s, 1.98MB read\n{failures}Requests/sec:    150.00\n"
    )
