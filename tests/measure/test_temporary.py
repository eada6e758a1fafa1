"""A temporary folder is gone after its block, whenever a signal comes."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from ghmlops.measure.temporary import temporary_folder


class _EndedError(Exception):
    """What the handler of this test raises."""


@pytest.fixture(autouse=True)
def handled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SIGTERM raises, and temporary folders are made in the test's own."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise _EndedError

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.signal(signal.SIGTERM, end)
    yield
    assert signal.getsignal(signal.SIGTERM) is end
    signal.signal(signal.SIGTERM, before)


def signalled(work: Callable[..., Any], *, first: bool) -> Callable[..., Any]:
    """Return `work` with a signal before or after it, which the process sends itself."""

    def both(*args: object, **kwargs: object) -> object:
        if first:
            os.kill(os.getpid(), signal.SIGTERM)
        found = work(*args, **kwargs)
        if not first:
            os.kill(os.getpid(), signal.SIGTERM)
        return found

    return both


def test_the_folder_is_gone_after_its_block(tmp_path: Path) -> None:
    with temporary_folder("x-") as folder:
        assert folder.parent == tmp_path
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("first", [False, True])
def test_a_signal_while_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, first: bool) -> None:
    """The block is not begun, and nothing is left."""
    monkeypatch.setattr(tempfile, "mkdtemp", signalled(tempfile.mkdtemp, first=first))
    with pytest.raises(_EndedError), temporary_folder("x-"):
        pytest.fail("the block was begun")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("first", [False, True])
def test_a_signal_while_it_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, first: bool) -> None:
    """It takes effect when the folder is gone."""
    monkeypatch.setattr(shutil, "rmtree", signalled(shutil.rmtree, first=first))
    with pytest.raises(_EndedError), temporary_folder("x-") as folder:
        (folder / "file").write_text("x")
    assert not list(tmp_path.iterdir())


def test_a_signal_in_the_block(tmp_path: Path) -> None:
    with pytest.raises(_EndedError), temporary_folder("x-"):
        os.kill(os.getpid(), signal.SIGTERM)
    assert not list(tmp_path.iterdir())
