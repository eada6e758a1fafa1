"""Temporary folders that are removed at the end of their block, whenever a signal arrives."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
from typing import TYPE_CHECKING

from ghmlops.clients.owned_folders import create_owned_folder
from ghmlops.measure.interrupts import INTERRUPTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Create a folder whose name starts with `prefix`, and remove it with its content at the end of the block.

    Unlike `tempfile.TemporaryDirectory`, it leaves no folder behind if a signal arrives between the creation of the
    folder and the registration of its clean-up, or during the removal. Folders with this prefix that killed runs left
    are removed first.

    Raises:
        OSError: No temporary folder can be created.
    """
    folder: Path | None = None
    try:
        with deferred_signals():
            folder = create_owned_folder(prefix)
        yield folder
    finally:
        if folder is not None:
            with deferred_signals():
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def deferred_signals() -> Iterator[None]:
    """Defer SIGINT, SIGTERM and SIGHUP to the end of the block; the first one that arrived is then raised.

    Python runs signal handlers in the main thread only; in any other thread this context manager does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []

    def defer(number: int, _frame: FrameType | None) -> None:
        pending.append(number)

    handlers = {number: signal.signal(number, defer) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if pending:
            signal.raise_signal(pending[0])
