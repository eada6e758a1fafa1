"""Converts argv and environment to `Inputs`, and a result or an error to an exit code.

This is the only module that catches every exception.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops import __version__
from ghmlops.commands import COMMANDS, command_module
from ghmlops.commands.shared.arguments import flag_values, json_requested, parse_inputs
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.extras import missing_extra
from ghmlops.core.errors import DataError, GhmlopsError, InputError, nearest
from ghmlops.core.model import Outcome, failed
from ghmlops.core.pillars import find_pillar
from ghmlops.measure.interrupts import INTERRUPTS
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from ghmlops.commands.shared.base import Common, Result, Services
    from ghmlops.core.context import Context

INTERRUPTED = 130
REPEAT_SECONDS = 1.0
"""Signals within this time after one that interrupted the command are the same interrupt."""
MIN_ADDRESS_SPACE = 768 * 1024 * 1024
"""Bytes of address space that NumPy, OpenBLAS and DuckDB need to start, with a reserve."""
MAX_EVENT_BYTES = 32 * 1024 * 1024


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1, 2 or 130 (see the README, "Exit codes")."""
    interrupt = _interrupt_once()
    for number in INTERRUPTS:
        signal.signal(number, interrupt)
    if sys.stderr is None:  # The caller closed it.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (closed with the process)
    console = Console(sys.stderr)
    try:
        return _main(list(sys.argv[1:] if argv is None else argv), dict(os.environ), console)
    except KeyboardInterrupt:
        # Nothing is left to clean up, so that a second signal must not interrupt this block.
        for number in INTERRUPTS:
            signal.signal(number, signal.SIG_IGN)
        console.note("interrupted")
        return INTERRUPTED


def _main(args: list[str], environ: Mapping[str, str], console: Console) -> int:
    """Run one command, and report its error; a signal interrupts either."""
    as_json = json_requested(args, environ)
    context: Context | None = None
    name = ""
    try:
        with _working_directory(args, environ):
            read = _read(args, environ, console)
            if read is None:
                return 0
            name, inputs, context = read
            return _run(name, inputs, context, environ, console)
    except GhmlopsError as error:
        _report_error(error, environ, console, as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        _discard_stdout()
        return 1
    except Exception as error:  # noqa: BLE001  (Python's exit code 1 would read as a verdict)
        missing = missing_extra(error, name) if isinstance(error, ModuleNotFoundError) else None
        if missing is not None:
            _report_error(missing, environ, console, as_json=as_json)
            return missing.exit_code
        _report_bug(error, environ, console)
        return 2


@contextlib.contextmanager
def _working_directory(args: Sequence[str], environ: Mapping[str, str]) -> Iterator[None]:
    """Enter the folder of the input `working-directory`, to which all other paths are relative.

    Raises:
        InputError: It is not a folder that can be entered.
    """
    folder = flag_values(("working-directory",), args, environ).get("working-directory", "")
    if not folder:
        yield
        return
    before = Path.cwd()
    try:
        os.chdir(folder)
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not a path"
        raise InputError(
            f'input `working-directory`: "{printable(folder[:200])}": {problem}',
            hint="name a folder of the checkout, relative to its top",
        ) from None
    try:
        yield
    finally:
        os.chdir(before)


def _read(args: list[str], environ: Mapping[str, str], console: Console) -> tuple[str, Common, Context] | None:
    """Return the command, its inputs and the context of the run; `None` if only a text was requested.

    If they cannot be read, the command cannot replace the evidence of an earlier run, so that it is replaced here.
    """
    from ghmlops.core.context import read_context

    try:
        parsed = _parse(args, environ)
        return None if parsed is None else (*parsed, read_context(environ, _event(environ)))
    except GhmlopsError:
        _replace_evidence(args, environ, console)
        raise


def _replace_evidence(args: list[str], environ: Mapping[str, str], console: Console) -> None:
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.stale_evidence.unfinished import replace_unread
    from ghmlops.core.context import read_context

    services = Services(
        context=read_context(environ, {}),
        environ=environ,
        cwd=Path.cwd(),
        now=lambda: datetime.now(UTC),
        console=console,
    )
    try:
        replace_unread(args[0], args[1:], environ, services)
    except GhmlopsError as error:
        console.note(f"ghmlops: the evidence of an earlier run could not be replaced: {error.message}")


def _report_bug(error: Exception, environ: Mapping[str, str], console: Console) -> None:
    """Report an exception that no command expects with its traceback; a lack of memory in one line."""
    is_memory = isinstance(error, MemoryError) or str(error) == "can't start new thread"
    if is_memory:
        line = "out of memory; give the job more memory, or lower the limits of the command"
        console.note(f"ghmlops: error: {line}")
    else:
        line = "a fault of ghmlops; the log of this step has its traceback"
        console.write("".join(traceback.format_exception(error)))
    _error_files(environ, console, Outcome.ERROR, "out-of-memory" if is_memory else "bug", line)


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


def _print(text: str) -> None:
    """Write the result to standard output.

    Raises:
        InputError: It cannot be written.
    """
    if sys.stdout is None:  # The caller closed it.
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_stdout()
        raise InputError(f"cannot write to standard output: {error.strerror}", hint="is the disk full?") from None


def _discard_stdout() -> None:
    """Prevent Python from writing to a broken standard output again when it exits."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (closed with the process)


class _Interrupted(KeyboardInterrupt):
    """Subclass, because Python terminates itself with SIGINT if a caught `KeyboardInterrupt` passed through an `exec`.

    `dataclasses` uses `exec`, so that this can happen in any import.
    """


def _interrupt_once(clock: Callable[[], float] = time.monotonic) -> Callable[[int, FrameType | None], None]:
    """Return a signal handler that raises, except for signals that follow at once.

    A terminal and `timeout` signal the whole process group, and the launcher passes its own signal on: both are one
    interrupt, and the second must not interrupt the clean-up that the first has started.
    """
    last = -math.inf

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal last
        now = clock()
        if now - last < REPEAT_SECONDS:
            return
        last = now
        raise _Interrupted

    return interrupt


def _parse(args: list[str], environ: Mapping[str, str]) -> tuple[str, Common] | None:
    if not args or args[0] in ("-h", "--help", "help"):
        _print(_overview())
        return None
    if args[0] == "--version":
        _print(f"ghmlops {__version__}\n")
        return None
    names = tuple(command.name for command in COMMANDS)
    if args[0] not in names:
        raise InputError(f'"{printable(args[0])}" is not a command', hint=nearest(args[0], names))
    return args[0], parse_inputs(args[0], command_module(args[0]), args[1:], environ)


def _overview() -> str:
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS]
    return "\n".join(
        [
            "usage: ghmlops COMMAND [--input VALUE ...]",
            "",
            "Measures, judges and gates machine-learning services.",
            "",
            *lines,
            "",
            "`ghmlops COMMAND --help` lists a command's inputs. Every input --some-name can also be set by the",
            "variable GHMLOPS_SOME_NAME. Exit codes: 0 better than --fail-on, 1 at or beyond it, 2 could not judge,",
            "130 interrupted. `ghmlops --version` prints the version.",
            "",
        ]
    )


def _event(environ: Mapping[str, str]) -> dict[str, Any]:
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path or not os.path.isfile(path):
        return {}
    try:
        with Path(path).open("rb") as stream:
            event = json.loads(stream.read(MAX_EVENT_BYTES + 1))
    except OSError as error:
        raise DataError(
            f"event file {path[:200]} cannot be read: {error.strerror}",
            hint="GITHUB_EVENT_PATH names the payload of the event",
        ) from None
    except (ValueError, RecursionError):
        raise DataError(
            f"event file {path} is not JSON", hint="GITHUB_EVENT_PATH names the payload of the event"
        ) from None
    return event if isinstance(event, dict) else {}


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
    _emit(name, result, inputs, services)
    if result.exit_code is not None:
        return result.exit_code
    if result.outcome is Outcome.ERROR:
        return 2
    return 1 if failed(result.outcome, inputs.fail_on) else 0


def _emit(name: str, result: Result, inputs: Common, services: Services) -> None:
    from ghmlops.act.runner import write_outputs, write_summary
    from ghmlops.report.formats.annotations import annotate

    context = services.context
    if context.output_file:
        write_outputs(
            context.output_file,
            {"outcome": result.outcome.value, "reason-code": result.reason_code, **result.outputs},
        )
    if context.summary_file:
        from ghmlops.report.formats.short_summary import short_summary

        summary = result.summary or short_summary(name, result.outcome, result.reason, result.findings)
        write_summary(context.summary_file, summary)
    if context.in_actions and result.annotated:
        services.console.write("".join(line + "\n" for line in annotate(result.findings)))
    if inputs.json:
        head = {"outcome": result.outcome, "reason_code": result.reason_code, "reason": result.reason}
        _print_json({**head, **result.data})
    elif result.text:
        _print(result.text.rstrip("\n") + "\n")


def _print_json(body: Mapping[str, object]) -> None:
    _print(msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n")


def _report_error(error: GhmlopsError, environ: Mapping[str, str], console: Console, *, as_json: bool) -> None:
    from ghmlops.report.formats.annotations import workflow_command

    outcome = Outcome.ERROR if error.exit_code != 1 else Outcome.FAIL
    line = f"{error.message}; {error.hint}" if error.hint else error.message
    console.note(f"ghmlops: error: {line}")
    if environ.get("GITHUB_ACTIONS") == "true":
        console.write(workflow_command("error", line, title="ghmlops") + "\n")
    _error_files(environ, console, outcome, error.reason_code, line)
    if as_json:
        _print_json({"outcome": outcome, "reason_code": error.reason_code, "reason": error.message, "hint": error.hint})


def _error_files(environ: Mapping[str, str], console: Console, outcome: Outcome, reason_code: str, line: str) -> None:
    """Write the outputs and the job summary of a run without a result."""
    from ghmlops.act.runner import write_outputs, write_summary
    from ghmlops.report.formats.short_summary import short_summary

    try:
        if file := environ.get("GITHUB_OUTPUT"):
            write_outputs(file, {"outcome": outcome.value, "reason-code": reason_code})
        if file := environ.get("GITHUB_STEP_SUMMARY"):
            write_summary(file, short_summary("ghmlops", outcome, line))
    except InputError as second:
        console.note(f"ghmlops: error: {second.message}")
