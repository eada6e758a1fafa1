"""Atomic writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.files import write_atomically
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_file_and_its_folders_are_created(tmp_path: Path) -> None:
    """The file contains the text, is readable by others, and no temporary file is left."""
    path = write_atomically(tmp_path / "new" / "report.html", "content")
    assert path.read_text() == "content"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_failed_write_keeps_the_existing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the write fails, the existing file is unchanged and no temporary file is left."""
    path = write_atomically(tmp_path / "verdict.json", b"earlier")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(InputError, match=r"verdict\.json"):
        write_atomically(path, b"later")
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_path_that_is_a_folder_is_an_input_error(tmp_path: Path) -> None:
    """A folder in place of the file, or a file in place of its folder, is an input error."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError):
        write_atomically(tmp_path / "file" / "inside", "y")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError):
        write_atomically(tmp_path / "folder", "y")
