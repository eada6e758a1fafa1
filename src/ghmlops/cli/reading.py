"""Reads what a run is asked for: its folder, command, inputs and context."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ghmlops import __version__
from ghmlops.cli.results import write_stdout
from ghmlops.commands import COMMANDS, command_module
from ghmlops.commands.shared.arguments import flag_values, parse_inputs
from ghmlops.core.errors import DataError, GhmlopsError, InputError, nearest
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ghmlops.commands.shared.base import Common
    from ghmlops.commands.shared.console import Console
    from ghmlops.core.context import Context

MAX_EVENT_BYTES = 32 * 1024 * 1024


@contextlib.contextmanager
def working_directory(args: Sequence[str], environ: Mapping[str, str]) -> Iterator[None]:
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


def read(args: list[str], environ: Mapping[str, str], console: Console) -> tuple[str, Common, Context] | None:
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


def _parse(args: list[str], environ: Mapping[str, str]) -> tuple[str, Common] | None:
    if not args or args[0] in ("-h", "--help", "help"):
        write_stdout(_overview())
        return None
    if args[0] == "--version":
        write_stdout(f"ghmlops {__version__}\n")
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
