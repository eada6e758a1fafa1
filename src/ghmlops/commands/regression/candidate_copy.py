"""Copies the candidate's predictions for a job that measures again, under the paths by which the policy names them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ghmlops.core.artifacts.spec import LocalSpec, parse_specs
from ghmlops.core.errors import InputError
from ghmlops.core.reproduce.replay_inputs import outside_reason
from ghmlops.measure.predictions.artifacts.find import named_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.regression import Dataset


def copy_candidate(
    datasets: Sequence[Dataset], folder: str, services: Services, *, private: Sequence[str] = ()
) -> None:
    """Copy the files of every candidate that is inside the working directory; a note names each other one.

    The folder becomes an artifact, so nothing is copied if the policy has private columns.

    Args:
        datasets: data sets with the specifications of their artifacts.
        folder: folder to copy to, as the user named it.
        services: services of the command.
        private: private columns of the policy.

    Raises:
        DataError: The files of a candidate have vanished.
        InputError: The folder cannot be written.
    """
    if private:
        services.console.note(
            f"the candidate's predictions are not copied to {folder}, because the policy has private columns "
            f"({', '.join(private)}); no other job can compare them again"
        )
        return
    target = services.cwd / folder
    for dataset in datasets:
        for spec in parse_specs(dataset.candidate, "the candidate"):
            if not isinstance(spec, LocalSpec) or outside_reason(spec.pattern):
                services.console.note(f"{spec.text} is not copied: it is not inside the working directory")
                continue
            for name, file in named_files(spec, services.cwd).items():
                try:
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target / name)
                except OSError as error:
                    raise InputError(
                        f"cannot copy {name} to {folder}: {error.strerror}",
                        hint="name a folder with enough space: --predictions-dir FOLDER",
                    ) from None
