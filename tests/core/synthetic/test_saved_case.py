"""Files of saved failures: written, read back, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.policy.before_traffic.synthetic import Assertion
from ghmlops.core.synthetic.ask import Expected, When
from ghmlops.core.synthetic.constants import REPLAY_CONTEXT
from ghmlops.core.synthetic.message import Part, message
from ghmlops.core.synthetic.saved_case import SavedCase, read, write

CASE = SavedCase(
    relation="batch",
    endpoint="POST /predict",
    expected=Expected.SAME,
    change="in a batch of 2",
    changed=message(0, "/predict", b"[1, 2]", part=Part(total=2, offset=1)),
    source=message(0, "/predict", b"\xff", when=When.AFTER_OTHER),
    tolerances={"$.p": 0.1},
)


def test_a_file_is_read_back() -> None:
    """Bodies that are no text survive, too."""
    (case,) = read(write((CASE,)), "file")
    assert case == CASE
    assert case.source is not None
    assert (case.changed.body, case.source.body) == (b"[1, 2]", b"\xff")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"schema": "x", "cases": []}',
        b"\xff",
        b"[" * 100_000,
        write(()),
        write((CASE,)).replace(b"v1", b"v9"),
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    """Whatever is no file of cases is one clear error."""
    with pytest.raises(DataError, match="file"):
        read(content, "file")


def edited(**fields: Any) -> bytes:
    """Return a file whose second case has other values."""
    content = json.loads(write((CASE, CASE)))
    content["cases"][1] |= fields
    return json.dumps(content).encode()


PLAIN = {"endpoint": 0, "path": "/predict", "text": "1"}


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"context": [PLAIN] * (REPLAY_CONTEXT + 1)}, "context"),
        ({"score": "a["}, "a["),
        ({"assertions": {"b..": {"type": "text"}}}, "b.."),
        ({"changed": {**PLAIN, "part": {"total": 2, "offset": 2, "whole": True}}}, "part"),
        ({"source": {**PLAIN, "part": {"total": 2, "offset": -1}}}, "part"),
        ({"context": [{**PLAIN, "part": {"total": 0, "offset": 0}}]}, "part"),
        ({"changed": {**PLAIN, "part": {"total": 3, "offset": 2, "count": 2}}}, "part"),
        ({"changed": {**PLAIN, "part": {"total": 3, "offset": 1, "count": 0}}}, "part"),
        ({"tolerances": {"$.p": None}}, "tolerances"),
    ],
)
def test_a_case_that_cannot_be_asked_is_named(fields: dict[str, Any], word: str) -> None:
    """A file of cases is untrusted: its number in the file, and what is wrong, before anything is sent."""
    with pytest.raises(DataError) as refused:
        read(edited(**fields), "some.cases")
    text = str(refused.value)
    assert text.startswith("some.cases: ")
    assert word in text
    assert "\n" not in text
    assert len(text) < 400


def test_a_case_with_everything_is_read() -> None:
    """The limits are those of the cases that a run saves."""
    fields = {
        "context": [PLAIN] * REPLAY_CONTEXT,
        "score": "a.b[0]",
        "assertions": {'"x.y".z': {"type": "text"}},
        "changed": {**PLAIN, "part": {"total": 3, "offset": 1, "count": 2}},
    }
    _, case = read(edited(**fields), "some.cases")
    assert (len(case.context), case.score) == (REPLAY_CONTEXT, "a.b[0]")
    assert case.assertions == {'"x.y".z': Assertion(type="text")}
