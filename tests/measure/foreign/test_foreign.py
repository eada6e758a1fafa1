"""Files of other load generators: real outputs of each, what they tell, and hostile ones.

The samples were written by k6 v1.8.1, vegeta v12.13.0, oha 1.16.0 and Locust 2.47.0 against `scoring_service.py`, which
failed 2 % of the requests, and by HdrHistogram 2.2.2 in Java.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from ghmlops.core.errors import DataError, GhmlopsError, InputError
from ghmlops.core.latency.external_results import ExternalResults, slower_bounds
from ghmlops.measure import foreign
from ghmlops.measure.foreign import TOOLS, read_results
from ghmlops.measure.foreign.given import Given

SAMPLES = Path(__file__).parent / "samples"
NONE = Given()
HDR = Given(unit="ns", failed=0)


def sample(name: str, given: Given = NONE, tool: str = "") -> ExternalResults:
    """Read a sample."""
    return read_results(SAMPLES / name, name, tool, given).imported


def of(tmp_path: Path, content: bytes | str, given: Given = NONE, tool: str = "") -> ExternalResults:
    """Read a file of `content`."""
    path = tmp_path / "results"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_results(path, "results", tool, given).imported


def whats(found: ExternalResults) -> list[str]:
    """Return what is not measured."""
    return [row.what for row in found.not_measured]


@pytest.mark.parametrize(
    ("name", "given", "tool"),
    [
        ("k6-handle-summary.json", NONE, "k6"),
        ("k6-summary-export.json", NONE, "k6"),
        ("vegeta-results.jsonl", NONE, "vegeta"),
        ("vegeta-report.json", NONE, "vegeta-report"),
        ("oha.json", NONE, "oha"),
        ("locust_stats.csv", NONE, "locust"),
        ("java.hlog", HDR, "hdr"),
        ("java-table.txt", Given(unit="ms", failed=0), "hdr"),
    ],
)
def test_real_files_are_known_by_their_content(name: str, given: Given, tool: str) -> None:
    """Claim: each real output is recognised without being named, by exactly one line of the table."""
    head = (SAMPLES / name).read_bytes()[: foreign.HEAD]
    assert [tool] == [line.name for line in TOOLS if line.recognises(head)]
    assert tool == sample(name, given).tool
    assert sample(name, given) == sample(name, given, tool) or tool in ("vegeta", "hdr")


def test_k6_tells_percentiles_of_good_answers_and_failures() -> None:
    """Claim: both summaries of k6 are read; failed checks may be failures; what k6 was not asked for is unknown."""
    script, export = sample("k6-handle-summary.json"), sample("k6-summary-export.json")
    assert (script.requests, script.timed, script.timed_failures, script.failed) == (400, 392, False, (8, 16))
    assert (export.requests, export.timed, export.failed) == (400, 392, (8, 16))
    assert pytest.approx(script.values["p99"]) == 3.16035575
    assert "p99" not in export.values
    assert export.values["max"] == 5.173791
    assert "which requests 8 failed checks are of" in whats(script)
    assert "waiting before the send (coordinated omission)" in whats(script)


def k6(**metrics: Any) -> str:
    """Return a small summary of k6."""
    base: dict[str, Any] = {
        "http_reqs": {"count": 10},
        "http_req_duration": {"avg": 1.0, "med": 1.0, "max": 3.0, "p(99.9)": 2.0},
        "http_req_failed": {"passes": 1, "fails": 9, "value": 0.1},
    }
    return json.dumps({"metrics": {k: v for k, v in (base | metrics).items() if v is not None}})


def test_k6_without_its_failures_or_with_dropped_load(tmp_path: Path) -> None:
    """Claim: a summary without `http_req_failed` leaves failures unknown; dropped iterations are named."""
    assert of(tmp_path, k6(http_req_failed=None)).failed == (0, None)
    dropped = of(tmp_path, k6(dropped_iterations={"count": 7, "rate": 1.0}))
    assert "7 iterations" in whats(dropped)
    assert (dropped.timed, dropped.timed_failures, dropped.failed) == (10, True, (1, 1))
    assert dropped.values["p99.9"] == 2.0


def test_vegeta_results_are_known_exactly() -> None:
    """Claim: the histogram holds the good answers alone, each time to three digits; the failures are counted."""
    rows = [json.loads(line) for line in (SAMPLES / "vegeta-results.jsonl").read_text().splitlines()]
    good = [row["latency"] for row in rows if row["code"] == 200]
    found = sample("vegeta-results.jsonl")
    assert found.histogram is not None
    assert (len(rows), len(good)) == (found.requests, found.histogram.total)
    assert (len(rows) - len(good),) * 2 == found.failed
    expected = sum(latency > 500_000 for latency in good)
    low, high = slower_bounds(found, 0.5)
    assert low <= expected <= high <= low + 1


def result(**more: Any) -> str:
    """Return one result of vegeta."""
    base = {
        "code": 200,
        "latency": 1_000_000,
        "timestamp": "2026-01-01T00:00:00Z",
        "method": "GET",
        "url": "http://a/x?k=1",
    }
    return json.dumps(base | more) + "\n"


def test_vegeta_counts_what_the_policy_calls_bad(tmp_path: Path) -> None:
    """Claim: errors and statuses outside of the policy's are failures; several addresses are said to be mixed."""
    text = result() + result(code=0, error="EOF") + result(code=302) + result(code=201, url="http://a/y")
    assert of(tmp_path, text).failed == (2, 2)
    assert of(tmp_path, text, Given(statuses=(201,))).failed == (3, 3)
    assert "response times by endpoint" in whats(of(tmp_path, text))
    assert "response times by endpoint" not in whats(of(tmp_path, result() + result(url="http://a/x?k=2")))


def test_vegeta_report_counts_by_status_and_says_that_it_estimates() -> None:
    """Claim: percentiles come from all requests, failed ones included, and are estimates; the maximum is exact."""
    found = sample("vegeta-report.json")
    assert (found.requests, found.timed_failures, found.failed) == (200, True, (4, 4))
    assert {"mean": 0.350129, "p50": 0.312337, "p99": 2.396862, "max": 2.711434}.items() <= found.values.items()
    assert "exact percentiles" in whats(found)
    assert slower_bounds(found, 3.0) == (0, 0)


def test_oha_failures_come_from_its_statuses(tmp_path: Path) -> None:
    """Claim: oha's success rate of 1.0 does not hide eight answers of status 500; cut requests may have failed."""
    body = json.loads((SAMPLES / "oha.json").read_text())
    assert body["summary"]["successRate"] == 1.0
    assert (sample("oha.json").requests, sample("oha.json").failed) == (400, (8, 8))
    assert pytest.approx(sample("oha.json").values["p99"]) == 4.169304
    body["errorDistribution"] = {"aborted due to deadline": 5, "connection refused": 3}
    found = of(tmp_path, json.dumps(body))
    assert (found.requests, found.timed, found.failed) == (408, 400, (11, 16))
    assert "5 requests" in whats(found)


def test_oha_where_nothing_was_answered(tmp_path: Path) -> None:
    """Claim: a run of refused connections has no time at all, and every request failed."""
    body = {
        "summary": {"slowest": None, "average": None},
        "latencyPercentiles": {"p50": None, "p99": None},
        "statusCodeDistribution": {},
        "errorDistribution": {"connection refused": 9},
    }
    found = of(tmp_path, json.dumps(body))
    assert (found.requests, found.timed, found.failed, found.points, found.values) == (9, 0, (9, 9), (), {})


def test_locust_is_rounded() -> None:
    """Claim: a percentile of 3 ms lies between 2.5 and 3.5; the maximum is exact; failures are counted."""
    found = sample("locust_stats.csv")
    assert (found.requests, found.failed, found.timed_failures) == (1830, (36, 36), True)
    assert (found.values["p50"], found.values["max"]) == (3.0, 40.13141900031769)
    assert slower_bounds(found, 41.0) == (0, 0)
    low, high = slower_bounds(found, 3.2)  # within the rounding of the median: only p75 at 4 (3.5 to 4.5) is beyond
    assert (low, high) == (457, 1830)


HEAD = "Type,Name,Request Count,Failure Count,Average Response Time,Max Response Time,50%,99%,100%\n"


def test_locust_with_several_endpoints_or_none_answered(tmp_path: Path) -> None:
    """Claim: rows of endpoints are said to be judged together; `N/A` is unknown."""
    rows = "GET,/a,5,0,1,2,1,2,2\nGET,/b,5,0,1,2,1,2,2\n,Aggregated,10,0,1,2,1,N/A,2\n"
    found = of(tmp_path, HEAD + rows)
    assert "response times by endpoint" in whats(found)
    assert "p99" not in found.values


def test_java_histograms_are_read_as_java_reads_them() -> None:
    """Claim: totals, percentiles and maxima are what Java's own HdrHistogram printed, shifted histograms included."""
    found = sample("java.hlog", HDR)
    table = sample("java-table.txt", Given(unit="ms", failed=0))
    assert found.histogram is not None
    assert found.histogram.total == 3100
    assert found.histogram.maximum == 43_745_279
    assert (table.timed, *(table.values[n] for n in ("max", "mean", "p50"))) == (3000, 27.754, 1.915, 1.466)
    assert "response times by tag" in whats(found)


def test_a_table_counts_exactly_at_its_rows() -> None:
    """Claim: between two rows the count lies between theirs; p99 is unknown where the rows around it differ."""
    table = sample("java-table.txt", Given(unit="ms", failed=0))
    low, high = slower_bounds(table, 5.0)
    assert 0 < low < high < 3000
    assert "p99" not in table.values
    assert slower_bounds(table, 0.5) == (2999, 3000)  # the first row, at 1.006 ms, counts one value up to itself
    assert slower_bounds(table, 30.0) == (0, 0)


def test_what_an_hdr_file_does_not_tell_must_be_given() -> None:
    """Claim: without a unit nothing is read; without failures their number is unknown."""
    with pytest.raises(InputError, match="does not tell the unit"):
        sample("java.hlog")
    with pytest.raises(InputError, match="input `unit`: 'hours' is not known"):
        sample("java.hlog", Given(unit="hours"))
    assert sample("java.hlog", Given(unit="ns")).failed == (0, None)


def wrk2_report(more: str = "") -> str:
    """Return a report as wrk2 prints it, around a spectrum that HdrHistogram wrote."""
    table = (SAMPLES / "java-table.txt").read_text()
    return (
        "Running 30s test @ http://127.0.0.1:8080/predict\n  2 threads and 100 connections\n"
        "  Latency Distribution (HdrHistogram - Recorded Latency)\n 50.000%    1.47ms\n 99.000%    7.56ms\n"
        f"100.000%   27.75ms\n\n  Detailed Percentile spectrum:\n{table}"
        "----------------------------------------------------------\n"
        f"  4500 requests in 30.00s, 1.98MB read\n{more}Requests/sec:    150.00\n"
    )


def test_wrk2_knows_its_unit_and_its_failures(tmp_path: Path) -> None:
    """Claim: times are ms; bad statuses and socket errors fail; the calibration's answers have no times."""
    more = "  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 12\n"
    found = of(tmp_path, wrk2_report(more))
    assert (found.tool, found.timed, found.requests, found.failed) == ("wrk2", 3000, 4507, (19, 19))
    assert tuple(found.values[n] for n in ("p50", "p99", "max")) == (1.47, 7.56, 27.754)
    assert {"response times of 1,500 answers", "response times of 7 requests"} <= set(whats(found))
    assert of(tmp_path, wrk2_report()).failed == (0, 0)


DEEP = '{"metrics": ' + "[" * 100_000 + ', "http_req'
BROKEN: dict[str, tuple[bytes | str, str]] = {
    "empty": (b"", ""),
    "blank": (b" \n\n", ""),
    "binary": (bytes(range(256)) * 40, ""),
    "another tool": ('{"hello": "world"}', ""),
    "vegeta's histogram plot": ("Value(ms)  Percentile  TotalCount  1/(1-Percentile)\n0.1  0.0  0  1.0\n", ""),
    "k6, truncated": (k6()[:-9], ""),
    "k6, deep": (DEEP, ""),
    "k6, not UTF-8": (k6().encode().replace(b"http_reqs", b"http_reqs\xff"), ""),
    "k6, NaN": (k6(http_req_duration={"max": math.nan}), ""),
    "k6, negative": (k6(http_req_duration={"max": -1}), ""),
    "k6, huge": (k6(http_req_duration={"max": 1e300}), ""),
    "k6, beyond a float": (k6(http_req_duration={"max": 1}).replace('"max": 1', '"max": 1e999'), ""),
    "k6, text for a time": (k6(http_req_duration={"p(99)": "fast"}), ""),
    "k6, negative count": (k6(http_reqs={"count": -5}), ""),
    "k6, counts that differ": (k6(http_req_failed={"passes": 1, "fails": 1}), ""),
    "k6, no HTTP": (k6(http_reqs=None), ""),
    "k6, times that are no object": (k6(http_req_duration={"values": [1, 2]}), ""),
    "k6, no times": (k6(http_req_duration={"values": None}), ""),
    "k6, percentiles that contradict each other": (k6(http_req_duration={"med": 5.0, "max": 3.0}), ""),
    "k6, times of other requests": (k6(http_req_duration={"p(99)": 1.0, "count": 3}), ""),
    "k6, another share of failures": (k6(http_req_failed={"passes": 1, "fails": 9, "value": 0.9}), ""),
    "line breaks": (b"x" + b"\n" * 300_000, "hdr"),
    "line breaks before wrk2's end": (wrk2_report().replace("  4500", "\n" * 300_000), ""),
    "k6, a list": ('["metrics", "http_req"]', "k6"),
    "k6, a metric that is no object": ('{"metrics": {"http_reqs": 1}}', ""),
    "vegeta, truncated": (result() + result()[:40], ""),
    "vegeta, negative": (result(latency=-1), ""),
    "vegeta, longer than an hour": (result(latency=10**15), ""),
    "vegeta, a fraction": (result(latency=1.5), ""),
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
    "Locust, truncated": (HEAD + "GET,/a,5,0,1,2,1,2,2\n", ""),
    "Locust, a short row": (HEAD + ",Aggregated,10,0\n", ""),
    "Locust, NaN": (HEAD + ",Aggregated,10,0,1,nan,1,2,2\n", ""),
    "Locust, more failures than requests": (HEAD + ",Aggregated,10,11,1,2,1,2,2\n", ""),
    "Locust, nothing sent": (HEAD + ",Aggregated,0,0,0,0,N/A,N/A,N/A\n", ""),
    "Locust, not UTF-8": (HEAD.encode() + b",Aggregated\xff,10,0,1,2,1,2,2\n", ""),
    "Locust, a huge percentile": (HEAD + ",Aggregated,10,0,1,2,1e999,2,2\n", ""),
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
    "the wrong tool": (result(), "oha"),
    "the wrong tool, text": (HEAD, "hdr"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_one_line(what: str, tmp_path: Path) -> None:
    """Claim: no file whatever is a crash or a result: one line that names the file and says what is wrong."""
    content, tool = BROKEN[what]
    given = HDR if "log" in what or "table" in what or tool == "hdr" else NONE
    with pytest.raises(DataError) as caught:
        of(tmp_path, content, given, tool)
    assert caught.value.message.startswith("results: ")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    assert caught.value.hint


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    """Claim: a (sparse) file of a gigabyte is refused without being read whole."""
    path = tmp_path / "big.json"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(DataError, match="larger than 268435456 bytes"):
        read_results(path, "big.json", "", NONE)


@pytest.mark.parametrize(
    ("tool", "given", "name", "said"),
    [
        ("jmeter", NONE, "oha.json", "input `tool`: 'jmeter' is not known"),
        ("", Given(unit="ms"), "oha.json", "input `unit`: the file of oha tells it itself"),
        ("", Given(failed=3), "k6-summary-export.json", "input `failed`: the file of k6 tells it itself"),
        ("", NONE, "absent.json", "absent.json: no such file"),
        ("", NONE, ".", ".: not a regular file"),
    ],
)
def test_wrong_inputs_are_named(tool: str, given: Given, name: str, said: str) -> None:
    """Claim: what contradicts the file, and a file that is not there, is an error that names the input."""
    with pytest.raises(GhmlopsError) as caught:
        sample(name, given, tool)
    assert said == caught.value.message
