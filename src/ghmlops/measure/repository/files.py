"""Lists and reads the files of a repository that `init` looks at."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_FILES = 20_000
"""Files of a repository that are listed; the others are not looked at."""
MAX_TEXT = 256 * 1024
"""Bytes of a text file; longer ones are data."""
_SKIPPED = ("node_modules", "site-packages", "__pycache__", "venv", "build", "dist", "evidence")
_TEXTS = ("Procfile", "Dockerfile", "pyproject.toml")


def list_files(root: Path) -> list[str]:
    """Return the paths of the files relative to `root`, sorted.

    Hidden folders, environments and whatever is no regular file are left out: a link repeats a file, and opening a
    named pipe would wait for its writer.
    """
    names: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(d for d in folders if not d.startswith(".") and d not in _SKIPPED)
        relative = os.path.relpath(folder, root)
        prefix = "" if relative == "." else f"{relative}/"
        names += [f"{prefix}{name}" for name in files if _is_regular(os.path.join(folder, name))]
        if len(names) > MAX_FILES:
            break
    return sorted(names[:MAX_FILES])


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False  # It was removed after its folder was listed.


def read_texts(root: Path, names: list[str]) -> dict[str, str]:
    """Return the text of Procfile, Dockerfile, pyproject.toml and the Python files by path, in this order.

    Files that are too long or not UTF-8 are left out.
    """

    def rank(name: str) -> tuple[int, str]:
        base = name.rpartition("/")[2]
        return (_TEXTS.index(base) if base in _TEXTS else len(_TEXTS), name)

    selection = sorted((n for n in names if n.rpartition("/")[2] in _TEXTS or n.endswith(".py")), key=rank)
    texts = {}
    for name in selection:
        try:
            with (root / name).open("rb") as stream:
                data = stream.read(MAX_TEXT + 1)
            if len(data) <= MAX_TEXT:
                texts[name] = data.decode()
        except (OSError, UnicodeDecodeError):
            continue  # An unreadable file says nothing about the service.
    return texts


def uncommitted(root: Path, names: Iterable[str]) -> frozenset[str]:
    """Return those of the files that no commit will contain: git does not track them, or ignores them.

    Before the first commit only ignored files are among them; outside of a checkout, none.
    """
    from ghmlops.measure.checkout import git_read, head_sha

    files = frozenset(names)
    if not files or not git_read(root, "rev-parse", "--git-dir"):
        return frozenset()
    options = () if head_sha(root) else ("--others", "--ignored", "--exclude-standard")
    listing = git_read(root, "--literal-pathspecs", "ls-files", "-z", *options, "--", *sorted(files))
    listed = frozenset(listing.split("\0"))
    absent = frozenset(name for name in files if not (root / name).exists())
    return (files & listed) | absent if options else files - listed


def folder_in_checkout(root: Path) -> str:
    """Return the path of the folder from the top folder of the checkout; empty for the top folder, and outside."""
    from ghmlops.measure.checkout import top_folder

    top = top_folder(root)
    relative = os.path.relpath(root.resolve(), top) if top else "."
    return "" if relative == "." else relative


def branch_name(root: Path) -> str:
    """Return the branch that is checked out; `main` outside of a checkout and on a detached head."""
    from ghmlops.core.errors import GitError
    from ghmlops.measure.checkout import git_read

    try:
        return git_read(root, "symbolic-ref", "--quiet", "--short", "HEAD").strip() or "main"
    except GitError:
        return "main"
