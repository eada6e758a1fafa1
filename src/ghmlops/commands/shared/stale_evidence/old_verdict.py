"""A verdict of an earlier run is never taken for that of this one: it is removed before anything is judged.

A command that fails, or is killed, leaves no verdict: an error of its inputs or of the network says nothing about the
commit, and the steps that follow find no file instead of an older result.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from ghmlops.act.evidence import remove_file
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "verdict.json"
FLAGS = ("verdict-file", "evidence-dir", "measuring", "dry-run")
"""Inputs that determine the file."""
_NO = ("false", "0", "no", "off")


def remove_old_verdict(cwd: Path, file: str, evidence_dir: str) -> None:
    """Remove the verdict of an earlier run; there may be none.

    Args:
        cwd: folder of the command.
        file: name of the verdict file.
        evidence_dir: name of the folder of the evidence that is about to be judged.

    Raises:
        InputError: The file cannot be removed, or it is evidence that is about to be judged.
    """
    path = cwd / file
    if path.name != NAME and path.suffix == ".json" and path.parent.resolve() == (cwd / evidence_dir).resolve():
        raise InputError(
            f"input `verdict-file`: {file} would be read as evidence, because it is in the evidence folder",
            hint=f"name it {PurePath(evidence_dir) / NAME}, or choose another folder",
        )
    remove_file(path)


def remove_unread_verdict(name: str, values: Mapping[str, str], cwd: Path) -> None:
    """Remove the verdict of a command whose inputs cannot be read.

    Args:
        name: the command.
        values: values of `FLAGS` that are set.
        cwd: folder of the command.

    Raises:
        InputError: The file cannot be removed.
    """
    folder = values.get("evidence-dir", "evidence")
    if name == "gate":  # A dry run writes the verdict, too.
        remove_old_verdict(cwd, values.get("verdict-file", NAME), folder)
    elif name == "report" and all(values.get(flag, "false").lower() in _NO for flag in ("dry-run", "measuring")):
        remove_old_verdict(cwd, str(PurePath(folder) / NAME), folder)
