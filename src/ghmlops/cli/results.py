"""Reports a result or an error: standard output, annotations, step outputs and the job summary."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import GhmlopsError, InputError
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.commands.shared.base import Common, Result, Services
    from ghmlops.commands.shared.console import Console


def emit(name: str, result: Result, inputs: Common, services: Services) -> None:
    """Write the result to everything that the environment names; standard output is the last."""
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
        write_stdout(result.text.rstrip("\n") + "\n")


def _print_json(body: Mapping[str, object]) -> None:
    write_stdout(msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n")


def report_error(error: GhmlopsError, environ: Mapping[str, str], console: Console, *, as_json: bool) -> None:
    """Report an error that a command raised in one line, and as JSON where its result would have been."""
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


def report_bug(error: Exception, environ: Mapping[str, str], console: Console) -> None:
    """Report an exception that no command expects with its traceback; a lack of memory in one line."""
    is_memory = isinstance(error, MemoryError) or str(error) == "can't start new thread"
    if is_memory:
        line = "out of memory; give the job more memory, or lower the limits of the command"
        console.note(f"ghmlops: error: {line}")
    else:
        line = "a fault of ghmlops; the log of this step has its traceback"
        console.write("".join(traceback.format_exception(error)))
    _error_files(environ, console, Outcome.ERROR, "out-of-memory" if is_memory else "bug", line)


def write_stdout(text: str) -> None:
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
        discard_stdout()
        raise InputError(f"cannot write to standard output: {error.strerror}", hint="is the disk full?") from None


def discard_stdout() -> None:
    """Prevent Python from writing to a broken standard output again when it exits."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (closed with the process)
