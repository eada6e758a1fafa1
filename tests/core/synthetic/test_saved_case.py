"""Files of saved failures: written, read back, refused."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.synthetic.ask import Expected, When
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
