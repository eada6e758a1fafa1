"""`python -m ghmlops` and the console script: end with 130 on a signal, also while the package is imported.

Python itself needs some milliseconds before it runs this module, in which no program can catch a signal;
`scripts/launcher.sh`, which the actions call, catches it for us.
"""

import atexit
import gc
import os
import signal
import sys

TYPE_CHECKING = False  # `typing` takes several milliseconds, in which a signal would end in 143.
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

INTERRUPTED = 130
LAUNCHER = "GHMLOPS_LAUNCHER"
"""Variable with the process id of `scripts/launcher.sh`, if that started this process."""
_OBJECTS_PER_COLLECTION = 100_000
"""Number of new objects after which Python searches for cyclic garbage; its 700 cost 15 ms while modules are loaded."""
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def main() -> int:
    """Run the command line and return its exit code.

    `ghmlops.cli` installs handlers that clean up. Before and after, there is nothing to clean up.
    """
    _leave_on_signals()
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    _follow_launcher(os.environ.pop(LAUNCHER, ""))
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


def _leave(_signal: int, _frame: "FrameType | None") -> "NoReturn":
    os._exit(INTERRUPTED)


def _follow_launcher(launcher: str) -> None:
    """Report to the launcher that signals are handled from now on, and end as on SIGTERM if the launcher is killed."""
    if launcher != str(os.getppid()):
        return
    # The shell started this process with SIGQUIT ignored, and the services that it starts would ignore it too.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    os.kill(os.getppid(), signal.SIGCONT)
    try:
        process = os.pidfd_open(os.getppid())
    except (AttributeError, OSError):
        return  # Only Linux has process descriptors. A launcher that is killed then leaves this process.
    import _thread  # `threading` takes a millisecond.

    # The thread inherits the mask: signals must interrupt the main thread, or wait until that unblocks them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    _thread.start_new_thread(_end_with, (process,))
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _end_with(process: int) -> None:
    """Wait until the launcher has ended, then terminate this process."""
    import select

    poll = select.poll()
    poll.register(process, select.POLLIN)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)


def _open_standard_streams() -> None:
    """Open closed standard streams as the null device: the next file that is opened would get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # The lowest free number, which is this one.


def _end_without_teardown(codes: list[int]) -> None:
    """End with the exit code of the run, if it has one; freeing each object of NumPy and DuckDB would take 30 ms."""
    if codes:
        for stream in (sys.stdout, sys.stderr):
            try:
                if stream is not None:
                    stream.flush()
            except (OSError, ValueError):
                return  # Python reports it.
        os._exit(codes[0])


if __name__ == "__main__":
    _codes: list[int] = []
    # The first handler is the last to run, when all threads and all other handlers have ended.
    atexit.register(_end_without_teardown, _codes)
    _codes.append(main())
    sys.exit(_codes[0])
