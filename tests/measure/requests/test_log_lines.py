"""Access logs of load balancers and proxies, and JSON of Envoy and browsers.

The lines are those of the documentation of AWS (ALB, CloudFront), Microsoft (IIS) and Envoy, with other times.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import DataError
from ghmlops.measure.requests import lines, trace_formats
from recordings import access_log, read_parquet_recording, read_recording

if TYPE_CHECKING:
    from pathlib import Path

ALB = (
    "https 2018-07-02T22:23:{end}Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 "
    '0.037 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
    'arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337281" '
    '"www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/12345678" 1 2018-07-02T22:22:{start}Z '
    '"authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-"\n'
)
CLOUDFRONT = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) time-taken\n"
    "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111.cloudfront.net\t0.001\n"
    "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111.cloudfront.net\t0.001\n"
    "2019-12-04\t21:02:33\tLAX1\t392\t192.0.2.100\tGET\td111.cloudfront.net\t0.001\n"
)
IIS = (
    "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-01-02 03:04:05\n"
    "#Fields: date time s-ip cs-method cs-uri-stem sc-status time-taken\n"
    "2026-01-02 23:59:59 10.0.0.1 GET / 200 15\n"
    "#Fields: date s-ip time cs-method\n"
    "2026-01-03 10.0.0.1 00:00:01 GET\n"
)
ENVOY = '[2016-04-15T20:17:{}Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http"\n'


def test_alb(tmp_path: Path) -> None:
    """The time is the one at which the balancer received the request, not that of the response."""
    content = "".join(ALB.format(start=s, end=e) for s, e in (("48.364000", "00.186641"), ("49.114", "59.9")))
    result = read_recording(tmp_path, "alb.log", content)
    assert result.times.tolist() == [0.0, 0.75]
    assert result.first == "2018-07-02T22:22:48.364000+00:00"
    with pytest.raises(DataError, match=r"request_creation_time.: 2"):
        read_recording(tmp_path, "alb.log", "\n".join(line[:200] for line in content.splitlines()))


def test_w3c(tmp_path: Path) -> None:
    """CloudFront and IIS: the directive names the fields and may change; the times are in UTC."""
    assert read_recording(tmp_path, "E2.log", CLOUDFRONT).times.tolist() == [0.0, 0.5, 2.0]
    result = read_recording(tmp_path, "u_ex.log", IIS)
    assert (result.times.tolist(), result.skipped) == ([0.0, 2.0], {})
    custom = "#Fields: timestamp x\n1700000000.25 a\n1700000000.5 b\n"
    assert read_recording(tmp_path, "t.log", custom, time="timestamp").times.tolist() == [0.0, 0.25]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("#Version: 1.0\n2026-01-02 00:00:00 x\n", "t.log:2: .*#Fields"),
        ("#Fields: time x\n00:00:00 x\n", "t.log:1: .*`date`"),
        ("#Fields: date time\n2026-01-02 00:00:00 x\n2026-01-02 00:00:00 x\n", "as many fields .*: 2, first in line 2"),
        ("#Fields: date time\n01/02/26 00:00:00\n01/02/26 00:00:00\n", "not a time: 2"),
    ],
)
def test_bad_w3c(tmp_path: Path, content: str, message: str) -> None:
    """A missing directive or field is an error; lines of other lengths are unreadable."""
    with pytest.raises(DataError, match=message):
        read_recording(tmp_path, "t.log", content)


def test_envoy(tmp_path: Path) -> None:
    """The default text, and JSON with its key `start_time`."""
    assert read_recording(tmp_path, "a.log", ENVOY.format("00.310") + ENVOY.format("00.810")).times.tolist() == [0, 0.5]
    rows = "".join(
        f'{{"start_time":"2020-11-25T21:26:{second}Z","method":"GET","response_code":200,"duration":1}}\n'
        for second in ("18.409", "18.909")
    )
    assert read_recording(tmp_path, "access.log", rows).times.tolist() == [0.0, 0.5]


def test_nested_keys(tmp_path: Path) -> None:
    """`request.ts` is the key of that name, or else `ts` of the object `request`."""
    rows = '{"request": {"ts": 1700000000000, "id": 1}}\n{"request": {"ts": 1700000000250}}\n'
    assert read_recording(tmp_path, "t.jsonl", rows, time="request.ts").times.tolist() == [0.0, 0.25]
    flat = '{"request.ts": 1, "request": {"ts": 5}}\n{"request.ts": 3}\n'
    assert read_recording(tmp_path, "t.jsonl", flat, time="request.ts").times.tolist() == [0.0, 2.0]
    with pytest.raises(DataError, match=r"t\.jsonl:1: no key `request\.at`"):
        read_recording(tmp_path, "t.jsonl", rows, time="request.at")
    with pytest.raises(DataError, match="null: 2, first in line 2"):
        read_recording(tmp_path, "t.jsonl", rows[: rows.index("\n") + 1] + '{"request": 5}\n{}\n', time="request.ts")


def test_har(tmp_path: Path) -> None:
    """The start of each entry of an HTTP archive."""
    entries = ",".join(f'{{"startedDateTime": "2026-01-02T03:04:{s}+01:00", "time": 5}}' for s in ("05.000", "05.125"))
    content = f'{{"log": {{"version": "1.2", "entries": [{entries}]}}}}'
    assert read_recording(tmp_path, "page.har", content).times.tolist() == [0.0, 0.125]
    for damaged in (content[:-9], "[]", '{"log": {"entries": [{}]}}', "[" * 100_000):
        with pytest.raises(DataError, match=r"^page\.har: not a HAR file") as caught:
            read_recording(tmp_path, "page.har", damaged)
        assert len(caught.value.message) < 300


def test_microseconds_and_nanoseconds(tmp_path: Path) -> None:
    """Fractions of a second are kept to the microsecond, in logs and in text."""
    stamps = ("10/Oct/2020:13:55:36.000125 +0000", "10/Oct/2020:13:55:36.000250999 +0000")
    assert read_recording(tmp_path, "a.log", access_log(*stamps)).times.tolist() == [0.0, 0.000125]
    rows = "time\n2026-01-02T03:04:05.000000001Z\n2026-01-02T03:04:05.000125999Z\n"
    assert read_recording(tmp_path, "t.csv", rows).times.tolist() == [0.0, 0.000125]
    assert (
        len(
            read_parquet_recording(tmp_path, "SELECT to_timestamp(1700000000 + i / 8) AS time FROM range(9) t(i)").times
        )
        == 9
    )


def test_gzip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed file is read as the file in it, up to a limit."""
    content = "time\n" + "".join(f"{1_700_000_000 + i / 4}\n" for i in range(400))
    packed = gzip.compress(content.encode())
    plain = read_recording(tmp_path, "t.csv", content)
    assert read_recording(tmp_path, "t.csv.gz", packed).times.tolist() == plain.times.tolist()
    log = access_log("10/Oct/2000:13:55:36 +0000", "10/Oct/2000:13:55:38 +0000").encode()
    assert read_recording(tmp_path, "access.log.1.gz", gzip.compress(log)).times.tolist() == [0.0, 2.0]
    assert read_recording(tmp_path, "E2.gz", gzip.compress(CLOUDFRONT.encode())).times.tolist() == [0.0, 0.5, 2.0]
    for damaged in (packed[:-20], packed[:30] + b"\xff" * 40 + packed[70:]):
        with pytest.raises(DataError, match=r"^t\.csv\.gz: .*damaged"):
            read_recording(tmp_path, "t.csv.gz", damaged)
    monkeypatch.setattr(lines, "MAX_UNPACKED", 1000)
    with pytest.raises(DataError, match=r"^t\.csv\.gz: too large"):
        read_recording(tmp_path, "t.csv.gz", packed)
    monkeypatch.setattr(trace_formats, "MAX_HAR", 1000)
    with pytest.raises(DataError, match=r"^a\.har\.gz: larger than 1,000 bytes"):
        read_recording(tmp_path, "a.har.gz", gzip.compress(b" " * 10**7))
    monkeypatch.setattr(lines, "MAX_BLANK_LINES", 1000)
    with pytest.raises(DataError, match="blank lines"):
        read_recording(tmp_path, "a.log", "\n" * 2000)
