"""Parses the flags and the environment of a command into its `Inputs`."""

from __future__ import annotations

import argparse
import difflib
import re
import typing
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from ghmlops.core.errors import InputError, nearest
from ghmlops.core.model import Outcome
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from ghmlops.commands.shared.base import Common

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class Parser(argparse.ArgumentParser):
    """argparse with the error messages of this project: one line with a hint."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        raise InputError(message, hint=f"`{self.prog} --help` lists the inputs")

    def flags(self) -> list[str]:
        """Return all flags, without the help."""
        return [flag for action in self._actions for flag in action.option_strings if action.dest != "help"]


def json_requested(args: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Return whether the result is requested as JSON; tested before parsing, so that its errors are JSON, too."""
    for index, arg in enumerate(args):
        if arg == "--json":
            return not (index + 1 < len(args) and args[index + 1].lower() in _FALSE)
        if arg.startswith("--json="):
            return arg.partition("=")[2].lower() in _TRUE
    return environ.get("GHMLOPS_JSON", "").lower() in _TRUE


def flag_values(names: Sequence[str], args: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values of some inputs without checking any other; those that are not set are left out.

    A flag without a value, such as `--dry-run`, has the value `true`.
    """
    values = {name: environ.get(f"GHMLOPS_{name.upper().replace('-', '_')}", "") for name in names}
    for index, arg in enumerate(args):
        flag, equals, value = arg.removeprefix("--").partition("=")
        if arg.startswith("--") and flag in names:
            following = args[index + 1] if index + 1 < len(args) else ""
            values[flag] = value if equals else "true" if not following or following.startswith("--") else following
    return {name: value for name, value in values.items() if value}


def parse_inputs(name: str, module: ModuleType, args: Sequence[str], environ: Mapping[str, str]) -> Common:
    """Return the inputs of a command.

    Args:
        name: name of the command.
        module: its module, with `Inputs`.
        args: its flags; they override the environment.
        environ: the environment; `GHMLOPS_SOME_NAME` sets the input `some-name`.

    Raises:
        InputError: An input is unknown, malformed or missing.
    """
    return _inputs(module.Inputs, _flags(name, module, args), environ)


def input_types(kind: type[Common]) -> dict[str, Any]:
    """Return the annotated type of each field, including its `Doc`."""
    return typing.get_type_hints(kind, include_extras=True)


def _flags(name: str, module: ModuleType, args: Sequence[str]) -> dict[str, str]:
    parser = Parser(
        prog=f"ghmlops {name}", description=(module.__doc__ or "").strip().splitlines()[0], allow_abbrev=False
    )
    defaults = {f.encode_name: f for f in msgspec.structs.fields(module.Inputs)}
    for field, annotated in input_types(module.Inputs).items():
        base, (doc,) = annotated.__origin__, annotated.__metadata__
        flag = "--" + field.replace("_", "-")
        default = defaults[field].default
        tail = "" if default in ("", None, False) or default is msgspec.NODEFAULT else f" (default: {default})"
        text = (doc.description + tail).replace("%", "%%")
        if (doc.extra or {}).get("positional"):
            parser.add_argument(field, nargs="?", help=text)
        elif base is bool:
            parser.add_argument(flag, nargs="?", const="true", help=text, metavar="true|false")
        else:
            parser.add_argument(flag, help=text, metavar=field.upper().split("_")[-1])
    parsed, unknown = parser.parse_known_args(args)
    if unknown:
        raise _unknown(name, unknown[0], [flag for flag in parser.flags() if flag.startswith("--")])
    return {k: v for k, v in vars(parsed).items() if v is not None}


def _unknown(command: str, arg: str, flags: Sequence[str]) -> InputError:
    """Return the error about an argument that a command does not have, with the flag that resembles it."""
    help_text = f"`ghmlops {command} --help` lists the inputs"
    if not arg.startswith("-"):
        return InputError(f'{command} has no argument "{printable(arg)}"', hint=help_text)
    flag = arg.partition("=")[0]
    similar = difflib.get_close_matches(flag.replace("_", "-"), flags, n=1, cutoff=0.6)
    hint = f"did you mean `{similar[0]}`? {help_text}" if similar else help_text
    return InputError(f"{command} has no input `{printable(flag)}`", hint=hint)


def _check_variables(kind: type[Common], environ: Mapping[str, str]) -> None:
    """Check that no variable is an input's with other case or punctuation: it would be ignored.

    Raises:
        InputError: One is.
    """
    fields = [field.name for field in msgspec.structs.fields(kind)]
    names = {field.replace("_", ""): f"GHMLOPS_{field.upper()}" for field in fields}
    for variable in environ:
        if not variable.upper().startswith("GHMLOPS") or not environ[variable]:
            continue
        letters = re.sub(r"[^a-z0-9]", "", variable.lower().removeprefix("ghmlops"))
        if names.get(letters, variable) != variable:
            raise InputError(
                f"the variable `{printable(variable)}` is not one of ghmlops", hint=f"did you mean {names[letters]}?"
            )


def _inputs(kind: type[Common], flags: Mapping[str, str], environ: Mapping[str, str]) -> Common:
    _check_variables(kind, environ)
    values: dict[str, object] = {}
    for field, annotated in input_types(kind).items():
        raw = flags.get(field)
        if raw is None:
            raw = environ.get(f"GHMLOPS_{field.upper()}", "") or None  # GitHub passes an unset input as "".
        if raw is not None:
            values[field] = _convert(field.replace("_", "-"), raw, annotated.__origin__)
    missing = [f.encode_name for f in msgspec.structs.fields(kind) if f.required and f.encode_name not in values]
    if missing:
        name = missing[0].replace("_", "-")
        raise InputError(f"input `{name}` is required", hint=f"pass --{name} or set GHMLOPS_{missing[0].upper()}")
    return msgspec.convert(values, kind)


def _convert(name: str, raw: str, kind: object) -> object:
    if kind is bool:
        if raw.lower() not in _TRUE + _FALSE:
            raise InputError(f'input `{name}`: expected true or false, got "{printable(raw)}"', hint=f"--{name} true")
        return raw.lower() in _TRUE
    if kind is Outcome:
        allowed = ("fail", "inconclusive", "warn")
        if raw not in allowed:
            raise InputError(f'input `{name}`: "{printable(raw)}" is not a valid value', hint=nearest(raw, allowed))
        return Outcome(raw)
    if kind == int | None:
        if not re.fullmatch(r"[0-9]{1,15}", raw.strip()):
            raise InputError(f'input `{name}`: expected a whole number, got "{printable(raw)}"', hint=f"--{name} 1")
        return int(raw)
    if "\x00" in raw:
        raise InputError(f"input `{name}` contains a NUL byte", hint="remove it")
    return raw
