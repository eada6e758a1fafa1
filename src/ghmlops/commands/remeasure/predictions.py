"""The candidate's predictions of a run: the artifact that belongs to one with evidence, unpacked within limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.remeasure.inputs import Inputs
    from ghmlops.commands.shared.base import Services

MAX_ARCHIVE_BYTES = 8 * 1024**3
"""Bytes of one archive of predictions; a runner of GitHub has 14 GB of free disk."""
MAX_UNPACKED_BYTES = 32 * 1024**3


@dataclass(slots=True, kw_only=True)
class Predictions:
    """Folders with the candidate's predictions, each downloaded once.

    Attributes:
        inputs: inputs of the command.
        services: services of the command.
        folder: temporary folder for downloads, which the caller removes.
        folders: folders that were downloaded, by the name of the artifact.
    """

    inputs: Inputs
    services: Services
    folder: Path
    folders: dict[str, Path] = field(default_factory=dict)

    def of(self, artifact: str) -> Path:
        """Return the folder with the predictions that belong to an artifact with evidence; empty for a folder of it.

        Raises:
            DataError: There are none, or they cannot be unpacked.
            InputError: There is no token.
            GitHubError: They cannot be downloaded.
        """
        if not self.inputs.run_id:
            folder = self.services.cwd / self.inputs.predictions_dir
            if not self.inputs.predictions_dir or not folder.is_dir():
                raise DataError(
                    "there is no folder with the candidate's predictions", hint="name it with --predictions-dir"
                )
            return folder
        name = predictions_name(artifact, self.inputs.artifacts, self.inputs.predictions)
        if name not in self.folders:
            self.folders[name] = self._download(name)
        return self.folders[name]

    def _download(self, name: str) -> Path:
        from ghmlops.commands.shared.resolve_artifact import DOWNLOAD_SECONDS
        from ghmlops.measure.checkout import repository_name
        from ghmlops.measure.github import connect
        from ghmlops.measure.github.artifacts import artifacts_of_run
        from ghmlops.measure.github.download import download
        from ghmlops.measure.github.runs import run_number
        from ghmlops.measure.unpack import Limits, unpack

        context, console, run_id = self.services.context, self.services.console, self.inputs.run_id
        target = self.folder / str(len(self.folders) + 1)
        archive = target.with_suffix(".zip")
        with connect(
            token=self.inputs.token,
            api_url=context.api_url,
            repository=context.repository or repository_name(self.services.cwd),
            note=console.note,
            time_limit=DOWNLOAD_SECONDS,
        ) as client:
            listed = artifacts_of_run(client, run_number(run_id), name=name)
            usable = [artifact for artifact in listed if artifact.name == name and not artifact.expired]
            if not usable:
                raise DataError(
                    f"run {run_id} has no artifact {name} with the candidate's predictions",
                    hint="upload the folder of the input `predictions-dir`, as pr-gate.yml does",
                )
            download(client, max(usable, key=lambda a: a.id), archive, console.progress, max_bytes=MAX_ARCHIVE_BYTES)
        unpack(archive, target, name, lambda _: True, Limits(size=MAX_UNPACKED_BYTES))
        archive.unlink()
        return target


def predictions_name(artifact: str, evidence: str, predictions: str) -> str:
    """Return the name of the artifact with the predictions that belong to an artifact with evidence.

    Args:
        artifact: name of the artifact with evidence.
        evidence: pattern of these names, with one asterisk for the leg and the attempt.
        predictions: pattern of the names of artifacts with predictions, with one asterisk.

    Raises:
        InputError: A pattern does not have exactly one asterisk.
    """
    if predictions.count("*") != 1:
        raise InputError(
            f"input `predictions`: {predictions[:80]!a} does not have one asterisk",
            hint="for example `ghmlops-predictions-*`, where the asterisk stands for `<leg>-<attempt>`",
        )
    start, _, end = evidence.partition("*")
    return predictions.replace("*", artifact[len(start) : len(artifact) - len(end)])
