"""Command line of the demo, called by `scripts/demo` after it has prepared the environment."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130


def main() -> int:
    """Run the demo; return 0 if every expectation held, 1 if not, 130 if interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    arguments = parse()
    try:
        return run(arguments.folder.resolve(), reduced=arguments.reduced)
    except KeyboardInterrupt:
        print("\nDemo: interrupted", flush=True)
        return INTERRUPTED


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="ghmlops on a real model and two pull requests.")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="folder of all output")
    parser.add_argument("--reduced", action="store_true", help="use fewer flights, as the tests do")
    return parser.parse_args()


def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Raise the exception that terminates the children."""
    raise KeyboardInterrupt


def run(folder: Path, *, reduced: bool) -> int:
    """Run the demo in `folder`, which is locked against other runs."""
    # Imported here, so that an interrupt during the import of large packages is handled too.
    from demo_flights import flights
    from demo_flights.children import Children, DemoError, clean_environment, interpreter
    from demo_flights.flow import STEPS, Demo
    from demo_flights.screen import Screen
    from ghmlops.core.errors import GhmlopsError

    demo = Demo(
        folder=folder,
        span=flights.REDUCED if reduced else flights.WHOLE_YEAR,
        children=Children(environment=clean_environment(os.environ, interpreter())),
        screen=Screen(stream=sys.stdout, clock=time.monotonic, steps=STEPS),
    )
    start_time = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            demo.run()
    except BlockingIOError:
        print(f"Demo: another run uses {folder}", flush=True)
        return 1
    except (DemoError, GhmlopsError) as error:
        print(f"\nDemo: failed: {error}\nThe output so far is in {demo.run_folder}", flush=True)
        return 1
    print(f"\nDemo: completed as expected in {time.monotonic() - start_time:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
