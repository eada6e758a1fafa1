"""The table of tools: every format is detected, every damaged file is refused with one message."""

from __future__ import annotations

import gzip
import math
from typing import TYPE_CHECKING

import pytest

from foreign_results import (
    LOCUST_HEADER,
    MILLISECONDS,
    NANOSECONDS,
    NOTHING,
    SAMPLES,
    k6_summary,
    read_sample,
    read_text,
    vegeta_result,
    wrk2_report,
)
from ghmlops.core.errors import DataError, GhmlopsError
from ghmlops.measure import foreign
from ghmlops.measure.foreign import TOOLS, read_results
from ghmlops.measure.foreign.supplement import Supplement

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "supplement", "tool"),
    [
        ("k6-handle-summary.json", NOTHING, "k6"),
        ("k6-summary-export.json", NOTHING, "k6"),
        ("vegeta-results.jsonl", NOTHING, "vegeta"),
        ("vegeta-report.json", NOTHING, "vegeta-report"),
        ("oha.json", NOTHING, "oha"),
        ("locust_stats.csv", NOTHING, "locust"),
        ("locust.json", NOTHING, "locust-json"),
        ("k6-new-summary.json", NOTHING, "k6"),
        ("k6-out-dropped.csv", NOTHING, "k6-csv"),
        ("vegeta-results.csv", NOTHING, "vegeta-csv"),
        ("hey.csv", NOTHING, "hey"),
        ("java.hlog", NANOSECONDS, "hdr"),
        ("java-table.txt", MILLISECONDS, "hdr"),
    ],
)
def test_real_files_are_detected_by_their_content(name: str, supplement: Supplement, tool: str) -> None:
    """Each real output is recognised without a named tool, by exactly one row of the table."""
    head = (SAMPLES / name).read_bytes()[: foreign.HEAD]
    assert [tool] == [entry.name for entry in TOOLS if entry.recognises(head)]
    assert tool == read_sample(name, supplement).tool
    named = read_sample(name, supplement, tool)
    assert read_sample(name, supplement).not_measured == named.not_measured
    assert read_sample(name, supplement).values == named.values


DEEP = '{"metrics": ' + "[" * 100_000 + ', "http_req'
BROKEN: dict[str, tuple[bytes | str, str]] = {
    "empty": (b"", ""),
    "blank": (b" \n\n", ""),
    "binary": (bytes(range(256)) * 40, ""),
    "another tool": ('{"hello": "world"}', ""),
    "vegeta's histogram plot": ("Value(ms)  Percentile  TotalCount  1/(1-Percentile)\n0.1  0.0  0  1.0\n", ""),
    "k6, truncated": (k6_summary()[:-9], ""),
    "k6, deep": (DEEP, ""),
    "k6, not UTF-8": (k6_summary().encode().replace(b"http_reqs", b"http_reqs\xff"), ""),
    "k6, NaN": (k6_summary(http_req_duration={"max": math.nan}), ""),
    "k6, negative": (k6_summary(http_req_duration={"max": -1}), ""),
    "k6, huge": (k6_summary(http_req_duration={"max": 1e300}), ""),
    "k6, beyond a float": (k6_summary(http_req_duration={"max": 1}).replace('"max": 1', '"max": 1e999'), ""),
    "k6, text for a time": (k6_summary(http_req_duration={"p(99)": "fast"}), ""),
    "k6, negative count": (k6_summary(http_reqs={"count": -5}), ""),
    "k6, counts that differ": (k6_summary(http_req_failed={"passes": 1, "fails": 1}), ""),
    "k6, no HTTP": (k6_summary(http_reqs=None), ""),
    "k6, times that are no object": (k6_summary(http_req_duration={"values": [1, 2]}), ""),
    "k6, no times": (k6_summary(http_req_duration={"values": None}), ""),
    "k6, percentiles that contradict each other": (k6_summary(http_req_duration={"med": 5.0, "max": 3.0}), ""),
    "k6, times of other requests": (k6_summary(http_req_duration={"p(99)": 1.0, "count": 3}), ""),
    "k6, another share of failures": (k6_summary(http_req_failed={"passes": 1, "fails": 9, "value": 0.9}), ""),
    "line breaks": (b"x" + b"\n" * 300_000, "hdr"),
    "line breaks before wrk2's end": (wrk2_report().replace("  4500", "\n" * 300_000), ""),
    "k6, a list": ('["metrics", "http_req"]', "k6"),
    "k6, a metric that is no object": ('{"metrics": {"http_reqs": 1}}', ""),
    "vegeta, truncated": (vegeta_result() + vegeta_result()[:40], ""),
    "vegeta, negative": (vegeta_result(latency=-1), ""),
    "vegeta, longer than an hour": (vegeta_result(latency=10**15), ""),
    "vegeta, a fraction": (vegeta_result(latency=1.5), ""),
    "vegeta, nothing": (b"\n\n{}", "vegeta"),
    "vegeta's report, another sum": (
        (SAMPLES / "vegeta-report.json").read_text().replace('"requests":200', '"requests":999'),
        "",
    ),
    "vegeta's report, bad status": ((SAMPLES / "vegeta-report.json").read_text().replace('"500":', '"x":'), ""),
    "oha, negative": ((SAMPLES / "oha.json").read_text().replace('"slowest": 0.0', '"slowest": -0.0000001'), ""),
    "oha, no request": (
        '{"summary": {"slowest": 1, "average": 1}, "latencyPercentiles": {}, '
        '"statusCodeDistribution": {}, "errorDistribution": {}}',
        "",
    ),
    "Locust, truncated": (LOCUST_HEADER + "GET,/a,5,0,1,2,1,2,2\n", ""),
    "Locust, a short row": (LOCUST_HEADER + ",Aggregated,10,0\n", ""),
    "Locust, NaN": (LOCUST_HEADER + ",Aggregated,10,0,1,nan,1,2,2\n", ""),
    "Locust, more failures than requests": (LOCUST_HEADER + ",Aggregated,10,11,1,2,1,2,2\n", ""),
    "Locust, nothing sent": (LOCUST_HEADER + ",Aggregated,0,0,0,0,N/A,N/A,N/A\n", ""),
    "Locust, not UTF-8": (LOCUST_HEADER.encode() + b",Aggregated\xff,10,0,1,2,1,2,2\n", ""),
    "Locust, a huge percentile": (LOCUST_HEADER + ",Aggregated,10,0,1,2,1e999,2,2\n", ""),
    "a log, damaged": ("#[Histogram log format version 1.3]\n0,1,2,HISTFAAAA\n", ""),
    "a log without intervals": ("#[Histogram log format version 1.3]\n", ""),
    "a log, not UTF-8": (b"#[Histogram log format version 1.3]\n\xff", ""),
    "a table, truncated": ("\n".join((SAMPLES / "java-table.txt").read_text().splitlines()[:9]), ""),
    "a table that does not add up": (
        (SAMPLES / "java-table.txt")
        .read_text()
        .replace("Total count    =         3000", "Total count    =         9000"),
        "",
    ),
    "wrk2, truncated": (wrk2_report().partition("  4500")[0], ""),
    "wrk2, truncated below the requests": (wrk2_report().partition("Requests/sec")[0], ""),
    "wrk2, fewer answers than times": (wrk2_report().replace("4500 requests", "10 requests"), ""),
    "the wrong tool": (vegeta_result(), "oha"),
    "the wrong tool, text": (LOCUST_HEADER, "hdr"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_file_is_refused_with_one_line(name: str, tmp_path: Path) -> None:
    """No content leads to a crash or to a result: the error is one short line that names the file, with a hint."""
    content, tool = BROKEN[name]
    supplement = NANOSECONDS if "log" in name or "table" in name or tool == "hdr" else NOTHING
    with pytest.raises(DataError) as caught:
        read_text(tmp_path, content, supplement, tool)
    assert caught.value.message.startswith("results: ")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    assert caught.value.hint


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    """A (sparse) file of one GiB is refused without being read completely."""
    path = tmp_path / "big.json"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(DataError, match=r"big\.json: .* 268435456 bytes"):
        read_results(path, "big.json", "", NOTHING)


@pytest.mark.parametrize(
    ("tool", "supplement", "name", "start"),
    [
        ("siege", NOTHING, "oha.json", "input `tool`: 'siege'"),
        ("", Supplement(unit="ms"), "oha.json", "input `unit`: the file of oha"),
        ("", Supplement(failed=3), "k6-summary-export.json", "input `failed`: the file of k6"),
        ("", NOTHING, "absent.json", "absent.json: no such file"),
        ("", NOTHING, ".", ".: not a regular file"),
    ],
)
def test_the_message_names_the_wrong_input(tool: str, supplement: Supplement, name: str, start: str) -> None:
    """An input that contradicts the file, and a file that does not exist, are errors that name the input."""
    with pytest.raises(GhmlopsError) as caught:
        read_sample(name, supplement, tool)
    assert caught.value.message.startswith(start)
    assert caught.value.hint


def test_the_planned_load_of_the_user() -> None:
    """`planned` states what a file cannot: a run of Locust that was stopped after 1,830 of 2,000 requests."""
    load = read_sample("locust_stats.csv", Supplement(planned=2000)).load
    assert load is not None
    assert (load.planned, load.unsent) == (2000, 170)
    with pytest.raises(GhmlopsError, match="planned"):
        read_sample("locust_stats.csv", Supplement(planned=0))


def test_compressed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gzip is unpacked up to the limit; damaged data is an error."""
    packed = gzip.compress((SAMPLES / "hey.csv").read_bytes())
    assert read_text(tmp_path, packed).requests == 200
    with pytest.raises(DataError, match="gzip"):
        read_text(tmp_path, packed[:-12])
    monkeypatch.setattr(foreign, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match="larger than 1000 bytes"):
        read_text(tmp_path, packed)
