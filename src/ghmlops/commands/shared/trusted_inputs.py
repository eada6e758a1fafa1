"""Files of the baseline's commit, which a change cannot replace: the policy, baselines, labels and payloads."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedInputs:
    """A work tree of the baseline's commit, from which the files that it tracks are read.

    Attributes:
        root: top folder of the work tree; it contains nothing but what the commit tracks.
        top: top folder of the checkout of the change, with links resolved.
        judges: whether the policy of this commit judges, in place of that of the change.
    """

    root: Path
    top: Path
    judges: bool = False

    def path(self, cwd: Path, name: str) -> Path:
        """Return the path of a file, folder or pattern: in the work tree, if the baseline's commit tracks a match."""
        relative = repository_path(cwd, self.top, name)
        return self.root / relative if relative and existing(self.root, relative) else cwd / name

    def policy(self, cwd: Path, name: str) -> Path | None:
        """Return the policy file of the baseline's commit; `None` if that commit has no such file."""
        relative = repository_path(cwd, self.top, name)
        return self.root / relative if relative and (self.root / relative).is_file() else None


def repository_path(cwd: Path, top: Path, name: str) -> str:
    """Return the path of `name`, relative to `cwd`, from the top folder of the repository; empty if it is outside.

    Links are not followed, because those of the change lead wherever it wants.
    """
    relative = os.path.relpath(os.path.normpath(cwd.resolve() / name), top)
    return "" if relative.startswith("..") else relative


def existing(root: Path, pattern: str) -> list[Path]:
    """Return the file or folder below `root` with this name; otherwise what matches it as a pattern, sorted."""
    path = root / pattern
    if os.path.lexists(path):
        return [path]
    return sorted(root / name for name in glob.glob(pattern, root_dir=root, recursive=True, include_hidden=True))
