"""Converts argv and environment to `Inputs`, and a result or an error to an exit code.

This is the only package that catches every exception.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.cli.interrupt import INTERRUPTED, Interrupt
from ghmlops.cli.reading import read, working_directory
from ghmlops.cli.results import discard_stdout, emit, report_bug, report_error
from ghmlops.commands import command_module
from ghmlops.commands.shared.arguments import json_requested
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.extras import missing_extra
from ghmlops.core.errors import GhmlopsError, InputError
from ghmlops.core.model import Outcome, failed
from ghmlops.core.pillars import find_pillar
from ghmlops.measure.interrupts import INTERRUPTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.shared.base import Common, Result
    from ghmlops.core.context import Context

MIN_ADDRESS_SPACE = 768 * 1024 * 1024
"""Bytes of address space that NumPy, OpenBLAS and DuckDB need to start, with a reserve."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1, 2 or 130 (see the README, "Exit codes")."""
    interrupt = Interrupt()
    for number in INTERRUPTS:
        signal.signal(number, interrupt)
    if sys.stderr is None:  # The caller closed it.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (closed with the process)
    console = Console(sys.stderr)
    try:
        return _main(list(sys.argv[1:] if argv is None else argv), dict(os.environ), console, interrupt)
    except KeyboardInterrupt:
        # Nothing is left to clean up, so that a second signal must not interrupt this block.
        for number in INTERRUPTS:
            signal.signal(number, signal.SIG_IGN)
        console.note("interrupted")
        return INTERRUPTED


def _main(args: list[str], environ: Mapping[str, str], console: Console, interrupt: Interrupt) -> int:
    """Run one command, and report its error; a signal interrupts either."""
    as_json = json_requested(args, environ)
    context: Context | None = None
    name = ""
    try:
        with working_directory(args, environ):
            request = read(args, environ, console)
            if request is None:
                return 0
            name, inputs, context = request
            return _run(name, inputs, context, environ, console)
    except GhmlopsError as error:
        report_error(error, environ, console, as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        discard_stdout()
        return 1
    except Exception as error:  # noqa: BLE001  (Python's exit code 1 would read as a verdict)
        if interrupt.arrived:
            raise KeyboardInterrupt from None
        missing = missing_extra(error, name) if isinstance(error, ModuleNotFoundError) else None
        if missing is not None:
            report_error(missing, environ, console, as_json=as_json)
            return missing.exit_code
        report_bug(error, environ, console)
        return 2


def _run(name: str, inputs: Common, context: Context, environ: Mapping[str, str], console: Console) -> int:
    from ghmlops.commands.shared.base import Services

    _check_address_space(name)
    try:
        cwd = Path.cwd()
    except FileNotFoundError:
        raise InputError("the working directory no longer exists", hint="change to one that does") from None
    services = Services(context=context, environ=environ, cwd=cwd, now=lambda: datetime.now(UTC), console=console)
    result: Result = command_module(name).run(inputs, services)
    console.clear_progress()
    emit(name, result, inputs, services)
    if result.exit_code is not None:
        return result.exit_code
    if result.outcome is Outcome.ERROR:
        return 2
    return 1 if failed(result.outcome, inputs.fail_on) else 0


def _check_address_space(command: str) -> None:
    """Refuse to measure in an address space in which OpenBLAS would end the process with the code of a verdict.

    Raises:
        InputError: The limit is too low.
    """
    try:
        import resource
    except ImportError:
        return  # Windows has no such limit.
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pillar = find_pillar(command)
    measures = command in ("check", "merge-shards") or (pillar is not None and pillar.command != "preview")
    if measures and limit != resource.RLIM_INFINITY and limit < MIN_ADDRESS_SPACE:
        raise InputError(
            f"the address space is limited to {limit:,} bytes, and {command} needs {MIN_ADDRESS_SPACE:,}",
            hint="raise `ulimit -v`",
        )
