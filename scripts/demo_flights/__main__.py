"""The demo's command line. `scripts/demo` prepares the environment and calls it."""

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
    """Run the demo: 0 where all that it promises held, 1 where not, 130 where interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    arguments = parse()
    try:
        return run(arguments.folder.resolve(), reduced=arguments.reduced)
    except KeyboardInterrupt:
        print("\nDemo: interrupted", flush=True)
        return INTERRUPTED


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="ghmlops on a real model and two pull requests.")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where everything is written")
    parser.add_argument("--reduced", action="store_true", help="fewer flights (the tests use it)")
    return parser.parse_args()


def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn a signal into the exception that ends the children."""
    raise KeyboardInterrupt


def run(folder: Path, *, reduced: bool) -> int:
    """Run the demo in `folder`, which no other demo may use meanwhile."""
    # Imported here, so that an interrupt while these large packages load is already understood.
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
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            demo.run()
    except BlockingIOError:
        print(f"Demo: another one is running in {folder}", flush=True)
        return 1
    except (DemoError, GhmlopsError) as error:
        print(f"\nDemo: this did not hold: {error}\nWhat was written so far is in {demo.place}", flush=True)
        return 1
    print(f"\nDemo: all as promised, in {time.monotonic() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
