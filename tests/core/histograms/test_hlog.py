"""HdrHistogram's V2 form and its interval logs: read and written as other tools do, hostile ones refused."""

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
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.errors import DataError
from ghmlops.core.histograms import hlog
from ghmlops.core.histograms.histogram import STANDARD, Histogram, Layout
from ghmlops.core.histograms.hlog import LogInterval, decode, encode, log_unit, read_log, write_log

VALUES = st.lists(st.one_of(st.integers(0, 3000), st.integers(0, STANDARD.highest)), max_size=40)
LAYOUTS = [Layout(), Layout(lowest=1000, digits=2), Layout(highest=2**40, digits=5), Layout(highest=10, digits=1)]


def of(*values: int) -> Histogram:
    """Count `values`."""
    return Histogram.of(np.array(values, np.int64))


def inner(counts: bytes, *, cookie: int = 0x1C849313, digits: int = 3, length: int | None = None) -> bytes:
    """Return an uncompressed V2 form around `counts`."""
    size = len(counts) if length is None else length
    return struct.pack(">IIIIqqd", cookie, size, 0, digits, 1, STANDARD.highest, 1.0) + counts


def outer(data: bytes, cookie: int = 0x1C849314) -> bytes:
    """Return a compressed V2 form around `data`."""
    packed = zlib.compress(data)
    return struct.pack(">II", cookie, len(packed)) + packed


@settings(max_examples=12, deadline=None)
@given(VALUES)
def test_another_implementation_reads_what_is_written(values: list[int]) -> None:
    """Claim: hdrhistogram decodes our bytes to the same counts, and we its bytes."""
    theirs = HdrHistogram(STANDARD.lowest, STANDARD.highest, STANDARD.digits)
    for value in values:
        theirs.record_value(value)
    ours = of(*values)
    read = HdrHistogram.decode(base64.b64encode(encode(ours)))
    assert list(theirs.counts[:]) == list(read.counts[:])
    assert ours == decode(base64.b64decode(theirs.encode()))


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(0, STANDARD.size - 1), st.integers(1, 2**55), max_size=30))
def test_a_round_trip_keeps_every_count(held: dict[int, int]) -> None:
    """Claim: what is written is read back, for any counts."""
    places = sorted(held)
    expected = Histogram(np.array(places, np.int64), np.array([held[p] for p in places], np.int64))
    assert expected == decode(encode(expected))
    assert expected.layout == decode(encode(expected)).layout


def test_the_largest_count_survives() -> None:
    """Claim: a count of 63 bits takes nine bytes and comes back."""
    expected = Histogram(np.array([7]), np.array([2**63 - 1]))
    assert expected == decode(encode(expected))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_other_layouts_are_kept(layout: Layout) -> None:
    """Claim: other digits, lowest and highest values are read with their own buckets."""
    values = [v for v in (0, 1, 5, 999, 1000, 123_456, 2**33) if v <= layout.highest]
    theirs = HdrHistogram(layout.lowest, layout.highest, layout.digits)
    for value in values:
        theirs.record_value(value)
    expected = Histogram.counted(np.array(values), layout)
    actual = decode(base64.b64decode(theirs.encode()))
    assert expected == actual
    assert layout == actual.layout
    assert theirs.get_value_at_percentile(100) == actual.quantile(1)


def test_the_uncompressed_form_is_read() -> None:
    """Claim: V2 without zlib is read too; one empty bucket is a 0, more are a negative number."""
    assert of(0, 0, 2, 7) == decode(inner(bytes([4, 0, 2, 7, 2])))
    assert bytes([4, 0, 2, 7, 2]) == zlib.decompress(encode(of(0, 0, 2, 7))[8:])[40:]
    assert Histogram.empty() == decode(inner(b"")) == decode(encode(Histogram.empty()))


BOMB = outer(inner(b"\x00" * (64 << 20)))
HOSTILE = {
    "nothing": b"",
    "a few bytes": b"\x1c\x84",
    "only the header": struct.pack(">II", 0x1C849314, 0),
    "another format": b"PK\x03\x04" + b"x" * 60,
    "version 1": outer(inner(b"", cookie=0x1C849302)),
    "a truncated stream": outer(inner(bytes(range(0, 60, 2))))[:-3],
    "a stream that ends early": struct.pack(">II", 0x1C849314, 12) + zlib.compress(inner(b"\x02"))[:12],
    "a stream that is not zlib": struct.pack(">II", 0x1C849314, 20) + b"x" * 20,
    "a length beyond the data": inner(b"\x02", length=99),
    "a length of 4 GB": inner(b"\x02", length=0xFFFFFFFF),
    "a bomb": BOMB,
    "a number cut short": inner(b"\x80\x80"),
    "more buckets than the range has": inner(b"\x00" * (STANDARD.size + 1)),
    "a run of 2^62 empty buckets": inner(b"\xff" * 8 + b"\x7f"),
    "a total beyond 63 bits": inner((b"\xfe" + b"\xff" * 8) * 2),
    "nine significant digits": inner(b"", digits=9),
    "a highest value below the lowest": struct.pack(">IIIIqqd", 0x1C849313, 0, 0, 3, 1000, 10, 1.0),
    "a negative range": struct.pack(">IIIIqqd", 0x1C849313, 0, 0, 3, -1, -10, 1.0),
    "scaled values": struct.pack(">IIIIqqd", 0x1C849313, 0, 0, 3, 1, 1000, 0.5),
    "a ratio that is not a number": struct.pack(">IIIIqqd", 0x1C849313, 0, 0, 3, 1, 1000, float("nan")),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_form_is_refused_in_one_line(what: str) -> None:
    """Claim: truncated, foreign and damaged bytes are an error of the user's file, never a crash or a count."""
    with pytest.raises(DataError) as caught:
        decode(HOSTILE[what])
    assert "\n" not in caught.value.message
    assert caught.value.hint


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_a_histogram_or_an_error(counts: bytes) -> None:
    """Claim: no bytes whatever crash the reader."""
    for data in (counts, inner(counts), outer(inner(counts))):
        try:
            total = decode(data).total
        except DataError:
            total = 0
        assert total >= 0


INTERVALS = [
    LogInterval("candidate", 0.0, 1.0, of(1_500_000, 2_000_000)),
    LogInterval("", 1.0, 1.0, of(3_000_000)),
    LogInterval("candidate", 2.0, 0.5, Histogram.empty()),
]


def test_a_log_comes_back() -> None:
    """Claim: tags, starts, lengths and counts are read as they were written, and the unit is told."""
    text = write_log(INTERVALS, 1_700_000_000.25)
    assert read_log(text) == INTERVALS
    assert log_unit(text) == "ns"
    assert text.splitlines()[0] == "#[Histogram log format version 1.3]"
    assert "#[StartTime: 1700000000.250 (seconds since epoch), Tue Nov 14 22:13:20 UTC 2023]" in text
    assert "Tag=candidate,0.000,1.000,2.001,HISTFAAAA" in text


def test_another_reader_reads_the_log(tmp_path: Path) -> None:
    """Claim: hdrhistogram's log reader finds the same intervals, times and tags."""
    path = tmp_path / "ours.hlog"
    path.write_text(write_log(INTERVALS, 1_700_000_000.0))
    reader = HistogramLogReader(str(path), HdrHistogram(1, STANDARD.highest, 3))
    seen = []
    while (found := reader.get_next_interval_histogram()) is not None:
        seen.append((found.get_tag(), found.get_start_time_stamp(), found.get_total_count()))
    reader.close()
    expected = [
        ("candidate", 1_700_000_000_000.0, 2),
        (None, 1_700_000_001_000.0, 1),
        ("candidate", 1_700_000_002_000.0, 0),
    ]
    assert expected == seen


def line(start: str = "0.5", *, tag: str = "", text: str = "") -> str:
    """Return a line of a log that somebody else wrote."""
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
def test_logs_that_others_wrote_are_read(head: str, start: str, expected: float) -> None:
    """Claim: relative and absolute stamps, foreign comments, and a missing header are understood."""
    legend = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    (found,) = read_log(head + legend + line(start, tag="Tag=A,") + "\n")
    assert ("A", 1.0, of(1_000_000)) == (found.tag, found.seconds, found.histogram)
    assert expected == pytest.approx(found.start_s)
    assert log_unit(head) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello\n", "line 1 is not an interval"),
        ("#[x]\n" + line(text="!!!!"), "line 2 is not an interval"),
        (line(text="QUJDA"), "line 1: the histogram is not base64"),
        (line(text="QUJD"), "line 1: a histogram is truncated"),
        (line("1e999"), "line 1: '1e999' is not a number"),
        (line("1-1"), "line 1: '1-1' is not a number"),
        ("#[StartTime: -- (s)]\n", "line 1: '--' is not a number"),
        (line(text=base64.b64encode(BOMB).decode()), "unpacks to more than"),
    ],
)
def test_a_damaged_log_names_its_line(text: str, said: str) -> None:
    """Claim: what cannot be read is an error with its line; no line is passed over."""
    with pytest.raises(DataError, match=r"^[^\n]*$") as caught:
        read_log(text)
    assert said in caught.value.message


@pytest.mark.parametrize(("bound", "most"), [("MAX_INTERVALS", 2), ("MAX_HELD", 1), ("MAX_LOG_COUNT_BYTES", 11)])
def test_a_log_that_would_unpack_to_too_much_is_refused(bound: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claim: many lines that each fit do not fit together; the first line beyond the bound is named."""
    monkeypatch.setattr(hlog, bound, most)
    one = line()
    with pytest.raises(DataError, match="line 3: the histogram log has too many intervals"):
        read_log("\n".join([one] * 5))


def test_a_tag_that_would_break_the_line_is_refused() -> None:
    """Claim: a comma or a line break in a tag is an error, not a log that reads otherwise."""
    for tag in ("a,b", "a\nb", " "):
        with pytest.raises(DataError, match="cannot be a tag"):
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


def test_javas_hdrhistogram_reads_the_log(tmp_path: Path) -> None:
    """Claim: the reference implementation finds the same intervals, totals and percentiles."""
    if not shutil.which("java") or not JAR.is_file():
        pytest.skip("Java's HdrHistogram 2.2.2: java or GHMLOPS_HDRHISTOGRAM_JAR is not there")
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
