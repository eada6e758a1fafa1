"""`python -m ghmlops` and the console script: end with 130 on a signal, also while the package is imported."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the command line and return its exit code.

    `ghmlops.cli` installs handlers that clean up. Before and after, there is nothing to clean up.
    """
    _leave_on_signals()
    _open_standard_streams()
    try:
        from ghmlops.cli import main as run
    except MemoryError:
        return 2  # Python's exit code 1 would read as a verdict.
    code = run()
    _leave_on_signals()
    return code


def _leave_on_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, _leave)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    os._exit(INTERRUPTED)


def _open_standard_streams() -> None:
    """Open closed standard streams as the null device: the next file that is opened would get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # The lowest free number, which is this one.


if __name__ == "__main__":
    sys.exit(main())
