"""A temporary folder is removed after its block, whenever a signal arrives."""

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


class _SignalError(Exception):
    """Raised by the signal handler of these tests."""


@pytest.fixture(autouse=True)
def sigterm_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SIGTERM raises an exception, and temporary folders are created in the folder of the test."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise _SignalError

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.signal(signal.SIGTERM, handle)
    yield
    assert signal.getsignal(signal.SIGTERM) is handle
    signal.signal(signal.SIGTERM, before)


def signalled(work: Callable[..., Any], *, first: bool) -> Callable[..., Any]:
    """Return a function that calls `work` and sends SIGTERM to this process before or after it."""

    def wrapper(*args: object, **kwargs: object) -> object:
        if first:
            os.kill(os.getpid(), signal.SIGTERM)
        result = work(*args, **kwargs)
        if not first:
            os.kill(os.getpid(), signal.SIGTERM)
        return result

    return wrapper


def test_the_folder_is_removed_after_its_block(tmp_path: Path) -> None:
    """The folder is removed with its content."""
    with temporary_folder("x-") as folder:
        assert folder.parent == tmp_path
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("first", [False, True])
def test_a_signal_during_the_creation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, first: bool) -> None:
    """The block does not start, and no folder remains."""
    monkeypatch.setattr(tempfile, "mkdtemp", signalled(tempfile.mkdtemp, first=first))
    with pytest.raises(_SignalError), temporary_folder("x-"):
        pytest.fail("the block was started")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("first", [False, True])
def test_a_signal_during_the_removal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, first: bool) -> None:
    """The signal takes effect after the folder was removed."""
    monkeypatch.setattr(shutil, "rmtree", signalled(shutil.rmtree, first=first))
    with pytest.raises(_SignalError), temporary_folder("x-") as folder:
        (folder / "file").write_text("x")
    assert not list(tmp_path.iterdir())


def test_a_signal_in_the_block(tmp_path: Path) -> None:
    """The folder is removed."""
    with pytest.raises(_SignalError), temporary_folder("x-"):
        os.kill(os.getpid(), signal.SIGTERM)
    assert not list(tmp_path.iterdir())
