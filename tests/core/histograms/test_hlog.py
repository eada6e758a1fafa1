"""HdrHistogram's interval logs: compatible with other tools, and malicious ones are refused."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]
from hdrh.log import HistogramLogReader  # type: ignore[import-untyped]

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.encoding import encode
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import LogInterval, LogLimits, log_unit, read_log, write_log
from ghmlops.core.histograms.layout import STANDARD


def of(*values: int) -> Histogram:
    """Return the histogram of `values`."""
    return Histogram.of(np.array(values, np.int64))


def bomb() -> bytes:
    """Return a compressed histogram that decompresses to 64 MiB."""
    counts = b"\x00" * (64 << 20)
    data = zlib.compress(struct.pack(">IIIIqqd", 0x1C849313, len(counts), 0, 3, 1, STANDARD.highest, 1.0) + counts)
    return struct.pack(">II", 0x1C849314, len(data)) + data


INTERVALS = [
    LogInterval("candidate", 0.0, 1.0, of(1_500_000, 2_000_000)),
    LogInterval("", 1.0, 1.0, of(3_000_000)),
    LogInterval("candidate", 2.0, 0.5, Histogram.empty()),
]


def test_a_round_trip_of_a_log() -> None:
    """Tags, starts, lengths and counts are read as written, and the unit is recorded."""
    text = write_log(INTERVALS, 1_700_000_000.25)
    assert read_log(text) == INTERVALS
    assert log_unit(text) == "ns"
    assert text.splitlines()[0] == "#[Histogram log format version 1.3]"
    assert "#[StartTime: 1700000000.250 (seconds since epoch), Tue Nov 14 22:13:20 UTC 2023]" in text
    assert "Tag=candidate,0.000,1.000,2.001,HISTFAAAA" in text


def test_another_reader_reads_the_log(tmp_path: Path) -> None:
    """The log reader of the package hdrhistogram returns the same intervals, times and tags."""
    path = tmp_path / "ours.hlog"
    path.write_text(write_log(INTERVALS, 1_700_000_000.0))
    reader = HistogramLogReader(str(path), HdrHistogram(1, STANDARD.highest, 3))
    actual = []
    while (histogram := reader.get_next_interval_histogram()) is not None:
        actual.append((histogram.get_tag(), histogram.get_start_time_stamp(), histogram.get_total_count()))
    reader.close()
    expected = [
        ("candidate", 1_700_000_000_000.0, 2),
        (None, 1_700_000_001_000.0, 1),
        ("candidate", 1_700_000_002_000.0, 0),
    ]
    assert expected == actual


def line(start: str = "0.5", *, tag: str = "", text: str = "") -> str:
    """Return a line of a log as another tool writes it."""
    return f"{tag}{start},1.0,0.002,{text or base64.b64encode(encode(of(1_000_000))).decode()}"


@pytest.mark.parametrize(
    ("head", "start", "expected"),
    [
        ("#[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 08:24:39 PDT 2015]\n", "0.5", 0.5),
        ("#[StartTime: 1441812279.5 (seconds since epoch)]\n", "1441812280.0", 0.5),
        ("#[BaseTime: 1441812279.0 (seconds since epoch)]\n#[StartTime: 1441812279.0 (seconds)]\n", "0.5", 0.5),
        ("", "0.5", 0.0),
        ("#[Logged with jHiccup version 2.0.10]\r\n#[Unknown: stuff]\n\n", "127.5", 0.0),
    ],
)
def test_logs_of_other_tools_are_read(head: str, start: str, expected: float) -> None:
    """Relative and absolute time stamps, foreign comments and a missing header are supported."""
    legend = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    (interval,) = read_log(head + legend + line(start, tag="Tag=A,") + "\n")
    assert ("A", 1.0, of(1_000_000)) == (interval.tag, interval.seconds, interval.histogram)
    assert expected == pytest.approx(interval.start_s)
    assert log_unit(head) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "line 1 is not an interval"),
        ("#[x]\n" + line(text="!!!!"), "line 2 is not an interval"),
        (line(text="QUJDA"), "line 1: the histogram is not base64"),
        (line(text="QUJD"), "line 1: a histogram is truncated"),
        (line("1e999"), "line 1: '1e999' is not a number"),
        (line("1-1"), "line 1: '1-1' is not a number"),
        ("#[StartTime: -- (s)]\n", "line 1: '--' is not a number"),
        (line(text=base64.b64encode(bomb()).decode()), "line 1: "),
    ],
)
def test_a_damaged_log_names_its_line(text: str, message: str) -> None:
    """A line that cannot be read is an error that names it; no line is skipped."""
    with pytest.raises(DataError, match=r"^[^\n]*$") as caught:
        read_log(text)
    assert message in caught.value.message


@pytest.mark.parametrize("limits", [LogLimits(intervals=2), LogLimits(buckets=1), LogLimits(count_bytes=11)], ids=str)
def test_a_log_beyond_the_limits_is_refused(limits: LogLimits) -> None:
    """Lines that are valid one by one may exceed a limit together; the first line beyond it is named."""
    with pytest.raises(DataError, match="line 3: "):
        read_log("\n".join([line()] * 5), limits)


def test_a_tag_that_would_break_the_line_is_refused() -> None:
    """A comma or a line break in a tag is an error, because the log would be read differently."""
    for tag in ("a,b", "a\nb", " "):
        with pytest.raises(DataError, match="tag"):
            write_log([LogInterval(tag, 0.0, 1.0, of(1))], 0.0)


JAR = Path(
    os.environ.get("GHMLOPS_HDRHISTOGRAM_JAR")
    or Path.home() / ".m2/repository/org/hdrhistogram/HdrHistogram/2.2.2/HdrHistogram-2.2.2.jar"
)
JAR_SHA256 = "22d1d4316c4ec13a68b559e98c8256d69071593731da96136640f864fa14fad8"
READER = """
import org.HdrHistogram.*;
public class Reader {
  public static void main(String[] args) throws Exception {
    HistogramLogReader log = new HistogramLogReader(args[0]);
    EncodableHistogram next;
    while ((next = log.nextIntervalHistogram()) != null) {
      Histogram h = (Histogram) next;
      System.out.println(h.getTag() + " " + h.getStartTimeStamp() + " " + h.getEndTimeStamp() + " " + h.getTotalCount()
          + " " + h.getValueAtPercentile(50) + " " + h.getValueAtPercentile(99) + " " + h.getMaxValue());
    }
  }
}
"""


def test_the_java_reference_implementation_reads_the_log(tmp_path: Path) -> None:
    """The Java reference implementation returns the same intervals, totals and percentiles."""
    if not shutil.which("java") or not JAR.is_file():
        pytest.skip("Java's HdrHistogram 2.2.2: java or GHMLOPS_HDRHISTOGRAM_JAR is missing")
    assert hashlib.sha256(JAR.read_bytes()).hexdigest() == JAR_SHA256
    values = np.exp(np.random.default_rng(3).normal(15, 2, 5000)).astype(np.int64)
    intervals = [LogInterval("a", 0.0, 1.0, Histogram.of(values)), LogInterval("", 1.0, 2.0, Histogram.of(values[:9]))]
    (tmp_path / "ours.hlog").write_text(write_log(intervals, 1_700_000_000.0))
    (tmp_path / "Reader.java").write_text(READER)
    done = subprocess.run(
        ["java", "-cp", str(JAR), "Reader.java", "ours.hlog"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    expected = []
    for tag, start, seconds, h in intervals:
        begin, end = (f"{1_700_000_000_000 + at * 1e3:.0f}" for at in (start, start + seconds))
        figures = f"{h.total} {h.quantile(0.5):.0f} {h.quantile(0.99):.0f} {h.maximum:.0f}"
        expected.append(f"{tag or 'null'} {begin} {end} {figures}")
    assert done.stdout.splitlines() == expected
