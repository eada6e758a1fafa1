"""The file by which `baseline` hands the baseline's commit and predictions on to the job that measures."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.artifacts.safe_path import inner_parts
from ghmlops.core.context import is_sha
from ghmlops.core.errors import DataError
from ghmlops.core.policy.regression import ROLES, Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

BASELINE_NAME = "baseline.json"
NO_BASELINE = "none"
"""Value of `base` for a first deployment: there is nothing to compare with."""
UNREADABLE = "baseline-unreadable"
"""Reason code of a baseline that exists and cannot be read; `check` judges it as inconclusive."""
ABSENT = "no-baseline"
"""Reason code of a baseline that does not exist yet; `check` judges it by `gate.first-run`."""
MAX_BYTES = 1 << 20
_INPUT_ROLES = tuple(role for role in (*ROLES, "noise") if role != "candidate")


class BaselineFile(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="ghmlops/baseline/v1"):
    """The content of baseline.json."""

    base_sha: str = ""
    """Empty if there is no baseline yet."""
    source: str = ""
    """`deployment`, `merge-base`, `merge-queue`, `input` or `none`."""
    artifacts: dict[str, str] = {}
    """Specification in the policy to the file, folder or pattern beside this file that holds its predictions."""
    problems: dict[str, str] = {}
    """Specification in the policy to the reason why it could not be downloaded."""
    absent: dict[str, str] = {}
    """Specification in the policy to the reason why no run has the artifact, or has it no longer."""
    build: str = ""
    """Key of the baseline's build in GitHub's cache, which only the default branch saved; empty without one."""


def read_baseline(path: Path, name: str) -> BaselineFile:
    """Read the file; messages call it `name`.

    Raises:
        DataError: It is missing, too large or not such a file, or names files outside its folder.
    """
    hint = "pass the output `baseline-file` of actions/baseline, and download its artifact into that folder"
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        baseline = msgspec.json.decode(data[:MAX_BYTES], type=BaselineFile)
    except OSError as error:
        raise DataError(f"{name}: {error.strerror}", hint=hint) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{name} is not a baseline file: {error}", hint=hint) from None
    if baseline.base_sha and not is_sha(baseline.base_sha):
        raise DataError(f"{name}: `base_sha` is not a full SHA", hint=hint)
    for file in baseline.artifacts.values():
        try:
            inner_parts(file)
        except ValueError as error:
            raise DataError(f"{name} names a file that {error}", hint=hint) from None
    return baseline


def no_baseline(why: str) -> DataError:
    """Return the error for predictions that cannot be compared, because there is no baseline yet."""
    return DataError(
        f"no baseline yet ({why}): it is seeded after the merge",
        hint="`gate: {first-run: ...}` of the policy says how this counts",
        reason_code=ABSENT,
    )


def with_baseline(datasets: Sequence[Dataset], baseline: BaselineFile, folder: str) -> tuple[Dataset, ...]:
    """Return the data sets with the downloaded files in place of the artifacts of workflow runs.

    Args:
        datasets: data sets of the policy.
        baseline: the content of baseline.json.
        folder: folder of that file, as the user named it.

    Raises:
        DataError: An artifact exists and could not be downloaded (reason code `baseline-unreadable`), or it does not
            exist (`no-baseline`).
    """

    def local(spec: str) -> str:
        if spec in baseline.absent:
            raise no_baseline(baseline.absent[spec])
        if not baseline.base_sha and spec.startswith("artifact:"):
            raise no_baseline(f"nothing was deployed, so that no run can have {spec}")
        if spec in baseline.problems:
            raise DataError(
                f"{spec} could not be downloaded: {baseline.problems[spec]}",
                hint="run the job `baseline` again",
                reason_code=UNREADABLE,
            )
        return str(PurePosixPath(folder) / baseline.artifacts[spec]) if spec in baseline.artifacts else spec

    return tuple(
        msgspec.structs.replace(
            dataset, **{role: tuple(local(spec) for spec in getattr(dataset, role)) for role in _INPUT_ROLES}
        )
        for dataset in datasets
    )


def workflow_specs(datasets: Sequence[Dataset]) -> tuple[str, ...]:
    """Return the artifacts of workflow runs that the data sets name for the baseline, its labels and its noise."""
    texts = (spec for dataset in datasets for role in _INPUT_ROLES for spec in getattr(dataset, role))
    return tuple(dict.fromkeys(text for text in texts if text.startswith("artifact:")))
