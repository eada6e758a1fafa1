"""Appends to the files of the Actions runner: step outputs and the job summary."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError
from ghmlops.core.steps.github_limits import SUMMARY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-z][a-z0-9-]*")


def write_outputs(file: str, outputs: Mapping[str, str]) -> None:
    """Append step outputs, each between lines with a random delimiter, so that no value can define another output.

    Raises:
        InputError: The file is not writable.
        ValueError: A name is not kebab-case (a bug, not an input).
    """
    parts = []
    for name, value in outputs.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"output name {name!r}")
        delimiter = f"ghmlops_{secrets.token_hex(16)}"
        parts.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    _append(file, "".join(parts))


def write_summary(file: str, markdown: str) -> None:
    """Append to the job summary; the caller has shortened the text to `SUMMARY_LIMIT` by omitting rows.

    Raises:
        InputError: The file is not writable.
        ValueError: The text is too long (a bug, not an input).
    """
    if len(markdown.encode()) > SUMMARY_LIMIT:
        raise ValueError("the job summary exceeds its limit")
    _append(file, markdown.rstrip("\n") + "\n\n")


def _append(file: str, text: str) -> None:
    try:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(
            f"cannot write {file}: {error.strerror}", hint="the runner sets this path; unset it on other machines"
        ) from None
