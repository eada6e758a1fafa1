"""The runner's files: step outputs and the job summary."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMMARY_LIMIT = 1_000_000
"""Bytes; GitHub drops a step's summary above 1 MiB without a word."""
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def write_outputs(file: str, outputs: Mapping[str, str]) -> None:
    """Append step outputs, each between lines of a random delimiter so that no value can add another output.

    Raises:
        InputError: the file cannot be written to.
        ValueError: a name is not kebab-case (a bug, not an input).
    """
    parts = []
    for name, value in outputs.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"output name {name!r}")
        mark = f"ghmlops_{secrets.token_hex(16)}"
        parts.append(f"{name}<<{mark}\n{value}\n{mark}\n")
    _append(file, "".join(parts))


def write_summary(file: str, markdown: str) -> None:
    """Append to the job summary; the caller has kept it under `SUMMARY_LIMIT` by leaving out whole rows.

    Raises:
        InputError: the file cannot be written to.
        ValueError: the text is too long (a bug, not an input).
    """
    if len(markdown.encode()) > SUMMARY_LIMIT:
        raise ValueError("job summary above the limit")
    _append(file, markdown.rstrip("\n") + "\n\n")


def _append(file: str, text: str) -> None:
    try:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(
            f"cannot write {file}: {error.strerror}", hint="the runner sets this path; unset it locally"
        ) from None
