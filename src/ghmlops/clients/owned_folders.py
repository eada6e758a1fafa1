"""Temporary folders and git references that state their process, so that a later run can remove those of a killed one.

A name is `<prefix><pid>-<start time>-<namespace>-<random>`. A folder is removed only if it belongs to this user and its
owner, as seen from the same process namespace, no longer runs.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from functools import cache
from pathlib import Path

_START_FIELD = 19
"""Index of the start time in `/proc/<pid>/stat`, counted after the name of the program."""


def create_owned_folder(prefix: str, temp: str = "") -> Path:
    """Create a temporary folder that names this process, after removing those with this prefix of dead processes.

    Args:
        prefix: Start of the name, `ghmlops-...-`.
        temp: Parent folder; empty for the default of the system.

    Raises:
        OSError: No folder can be created.
    """
    parent = temp or tempfile.gettempdir()
    for folder in abandoned_folders(parent, prefix):
        shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{_owner()}-", dir=parent))


def owned_name(prefix: str) -> str:
    """Return a new name that states this process, for something other than a folder."""
    return f"{prefix}{_owner()}-{secrets.token_hex(8)}"


def abandoned_folders(parent: str, prefix: str) -> list[Path]:
    """Return the folders with a prefix that dead processes of this user left in `parent`."""
    if _namespace() == "0":
        return []
    try:
        with os.scandir(parent) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.name.startswith(prefix)
                and entry.is_dir(follow_symlinks=False)
                and entry.stat(follow_symlinks=False).st_uid == os.getuid()
                and is_abandoned(entry.name, prefix)
            ]
    except OSError:
        return []


def is_abandoned(name: str, prefix: str) -> bool:
    """Return whether the owner of a folder, or of something else with such a name, is known not to run any more."""
    match = re.fullmatch(rf"{re.escape(prefix)}(\d{{1,10}})-(\d{{1,20}})-(\d{{1,20}})-\w+", name)
    if not match or match[3] == "0" or match[3] != _namespace():
        return False
    return _start_time(int(match[1])) != match[2]


def _owner() -> str:
    pid = os.getpid()
    return f"{pid}-{_start_time(pid) or 0}-{_namespace()}"


def _start_time(pid: int) -> str:
    """Return the start time of a process in clock ticks since boot; empty if it does not run."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    return fields[_START_FIELD] if len(fields) > _START_FIELD and fields[0] not in ("Z", "X") else ""


@cache
def _namespace() -> str:
    """Return the number of the namespace of process ids; 0 if unknown, in which case nothing is ever removed."""
    try:
        return re.sub(r"\D", "", os.readlink("/proc/self/ns/pid")) or "0"
    except OSError:
        return "0"
