"""The golden set: additions, checks against the training data, and the pull request that offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError
from ghmlops.core.harvest.golden import Selection, Training, disagreement_finding, select
from ghmlops.core.model import NotMeasured
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.harvest.disagreements import join_answers
from ghmlops.measure.harvest.golden_table import read_candidates, read_golden, read_training, write_golden

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ghmlops.commands.harvest.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.harvest import Golden, Keep
    from ghmlops.measure.harvest.log_table import LogTable


class GoldenFile(NamedTuple):
    """The selection, the new set in the private folder and its digest if it has additions, what was not compared.

    `findings` are about the answers of two models, if the policy names them.
    """

    selection: Selection
    path: Path | None
    digest: str
    not_measured: list[NotMeasured]
    findings: list[Finding]


def golden_inputs(root: Path, golden: Golden) -> dict[str, Path]:
    """Return the files of the set, of the training data and of the answers, by the name under which they are read.

    Raises:
        DataError: The training data does not exist: without it, no case would be one that was trained on. Or a file of
            the answers does not exist, or is a link out of the folder.
    """
    files = {"golden": root / golden.file} if (root / golden.file).is_file() else {}
    if golden.training:
        files["training"] = root / golden.training
        if not files["training"].is_file():
            raise DataError(
                f"harvest: {golden.training}: no such file",
                hint="provide the training data before the harvest, or correct `golden.training`",
            )
    if (answers := golden.disagreements) is not None:
        named = {"baseline": answers.baseline, "candidate": answers.candidate, "recording": answers.recording}
        files |= {role: _answers_file(root, role, name) for role, name in named.items() if name}
    return files


def _answers_file(root: Path, role: str, name: str) -> Path:
    path = root / name
    if not path.is_file():
        raise DataError(f"harvest: {name}: no such file", hint=f"correct `golden.disagreements.{role}`")
    if not path.resolve().is_relative_to(root.resolve()):
        raise DataError(
            f"harvest: the file of `golden.disagreements.{role}` is a link out of the folder", hint="copy the file"
        )
    return path


def extend_golden(table: LogTable, golden: Golden, keep: Keep, identifiers: Collection[str]) -> GoldenFile:
    """Select additions without identifiers and write the new set into the private folder.

    Raises:
        DataError: A file cannot be read.
    """
    present = read_golden(table, table.others["golden"], golden.file) if "golden" in table.others else []
    training, not_measured = Training(), []
    if "training" in table.others:
        training = read_training(table, table.others["training"], golden.training_key, keep.fields)
    if training.missing:
        why = f"the training data has neither `body` nor `{training.missing[0]}`"
        not_measured.append(NotMeasured(what="leakage by content, other than by identifier", why=why))
    findings = []
    if (answers := golden.disagreements) is not None:
        findings.append(disagreement_finding(join_answers(table, answers), answers.value))
    candidates = read_candidates(table, keep, golden.add, identifiers)
    selection = select(present, candidates, rows=golden.rows, training=training)
    if not selection.added:
        return GoldenFile(selection, None, "", not_measured, findings)
    path = write_golden(table, selection.rows)
    return GoldenFile(selection, path, fingerprint(path).removeprefix("sha256:"), not_measured, findings)


def offer(result: GoldenFile, golden: Golden, inputs: Inputs, services: Services) -> str:
    """Open a pull request with the new set if the input `propose` asks for it, and return what was done.

    Raises:
        InputError: There is no token, or the base does not exist.
        GitError: The remote rejected the branch.
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    from ghmlops.act.git import open_repository
    from ghmlops.act.git.file_proposal import propose_file
    from ghmlops.act.github.pull_requests import open_revert_pull_request as open_pull_request
    from ghmlops.commands.shared.github import connection

    if result.path is None:
        return "nothing is to be done"
    if not inputs.propose or inputs.dry_run:
        return "nothing was offered, since `propose` is false"
    # The name follows from the content: the same set is offered once.
    branch = f"ghmlops-golden-{result.digest[:8]}"
    propose_file(
        open_repository(services.cwd, services.environ),
        golden.file,
        result.path.read_bytes(),
        remote=inputs.remote,
        base=golden.base,
        branch=branch,
        token=inputs.token,
        note=services.console.note,
    )
    added = result.selection.added
    with connection(inputs.token, services) as client:
        number = open_pull_request(
            client,
            head=branch,
            base=golden.base,
            title=f"Add {added} cases to the golden set",
            body=f"{added} cases from live traffic, for a person to look at. SHA-256 of `{golden.file}`: "
            f"`{result.digest}`.\n",
        )
    return f"pull request #{number} offers them"
