"""Files of the baseline's commit, which the repetition reads in place of anything that the change provides."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ghmlops.commands.shared.trusted_inputs import TrustedInputs
from ghmlops.core.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFiles(TrustedInputs):
    """A work tree of the baseline's commit and the predictions that were downloaded for it; nothing else is read.

    Attributes:
        folder: working directory of the measurement, relative to the top folder of the repository.
        downloads: folder of the predictions that were downloaded from runs of the baseline's commit.
    """

    folder: str
    downloads: Path

    def path(self, cwd: Path, name: str) -> Path:  # noqa: ARG002  (the interface: `cwd` is the folder of the change)
        """Return the path of a file, folder or pattern in the work tree, or of a download.

        Raises:
            DataError: It is outside of both, so that the change could have written it.
        """
        if Path(name).is_relative_to(self.downloads):
            return Path(name)
        relative = os.path.normpath(os.path.join(self.folder, name))
        if os.path.isabs(name) or relative.split(os.sep)[0] == "..":
            raise DataError(
                f"{name} is outside of the repository, so it cannot be read from the baseline's commit",
                hint="commit it, or name an artifact of a run: `artifact:NAME@BRANCH`",
            )
        return self.root / relative
