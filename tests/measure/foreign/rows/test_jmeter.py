"""Results of JMeter as CSV and as XML, written by hand from its documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_results import read_text, unmeasured
from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import slower_bounds

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,"
    "grpThreads,allThreads,URL,Latency,IdleTime,Connect\n"
)
ROW = "1700000000000,{elapsed},{label},{code},{message},Group 1-1,text,{success},,10,20,1,1,http://a/,5,0,1\n"
TRANSACTION = '"Number of samples in transaction : 2, number of failing samples : 0"'


def row(
    elapsed: object = 20, label: str = "home", code: str = "200", message: str = "OK", success: str = "true"
) -> str:
    """Return one row."""
    return ROW.format(elapsed=elapsed, label=label, code=code, message=message, success=success)


def element(name: str = "httpSample", content: str = "", **attributes: str) -> str:
    """Return one sample as XML."""
    values = {
        "t": "20",
        "lt": "5",
        "ts": "1700000000000",
        "s": "true",
        "lb": "home",
        "rc": "200",
        "rm": "OK",
    } | attributes
    text = " ".join(f'{key}="{value}"' for key, value in values.items())
    return f"<{name} {text}>{content}</{name}>\n"


def document(*elements: str) -> str:
    """Return the results as XML."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n{"".join(elements)}</testResults>\n'


CONTENTS = {
    "jmeter": HEADER
    + row() * 6
    + row(200)
    + row(success="false")
    + row(code="500")
    + row(code="Non HTTP response code: java.net.ConnectException", success="false")
    + row(40, label="all", code="200", message=TRANSACTION)
    + row(5, label="home-0", code="302")
    + row(15, label="home-1"),
    "jmeter-xml": document(
        element() * 4,
        element("sample", element() * 2, rm="Number of samples in transaction : 2, number of failing samples : 0"),
        element(t="200", content=element(rc="302") + element()),
        element(s="false"),
        element(rc="500"),
        element(rc="Non HTTP response code: java.net.ConnectException", s="false"),
    ),
}


@pytest.mark.parametrize("tool", CONTENTS)
def test_requests(tmp_path: Path, tool: str) -> None:
    """Ten requests, three of which failed; transactions, and hops within a request, are not requests of their own."""
    results = read_text(tmp_path, CONTENTS[tool])
    assert (results.tool, results.requests, results.timed, results.failed) == (tool, 10, 7, (3, 3))
    assert any("3 further samples" in what for what in unmeasured(results))
    # A time of 20 ms is between 19 and 21 ms.
    assert [slower_bounds(results, limit) for limit in (18, 20, 22, 202)] == [(7, 7), (1, 7), (1, 1), (0, 0)]
    assert (results.values["p50"], results.values["max"]) == (20.0, 200.0)


def test_a_label_with_a_number_is_a_request(tmp_path: Path) -> None:
    """`home-2` is part of `home` only if there is a `home-0` too."""
    assert read_text(tmp_path, HEADER + row() + row(label="home-2", success="false")).failed == (1, 1)


BAD = {
    "truncated": CONTENTS["jmeter"][:-20],
    "NaN": HEADER + row("nan"),
    "negative": HEADER + row(-1),
    "huge": HEADER + row(10**9),
    "neither true nor false": HEADER + row(success="yes"),
    "no row": HEADER,
    "an open quote": HEADER + row() + 'a,"b\n' + row(),
    "XML, truncated": CONTENTS["jmeter-xml"][:-20],
    "XML, empty": document(),
    "XML, NaN": document(element(t="nan")),
    "XML, no time": document("<httpSample s='true'/>"),
    "XML, entities": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + document(element(lb="&b;"))[39:],
    "XML, an external entity": '<!DOCTYPE x SYSTEM "file:///etc/passwd">' + document(element()).partition("\n")[2],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path: Path, name: str) -> None:
    """Each is one clear line."""
    with pytest.raises(DataError) as caught:
        read_text(tmp_path, BAD[name])
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300
