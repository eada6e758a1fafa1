"""What a run was asked for, as its evidence tells, so that it can be asked for again; it may be another job's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.regression import DatasetInputs, RegressionInputs, regression_details
from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.policy.regression import Dataset

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ghmlops.core.evidence.document import Evidence

_SIDES = ("baseline", "candidate", "labels", "noise")


def write_inputs(policy: str, engine: str, memory_limit: str, datasets: Iterable[Dataset]) -> RegressionInputs:
    """Return the inputs of a run for its evidence; `policy` is the path of the policy file as the run received it."""
    artifacts = [{field: getattr(one, field) for field in DatasetInputs.__struct_fields__} for one in datasets]
    inputs = {"policy": policy, "engine": engine, "memory_limit": memory_limit, "datasets": artifacts}
    return msgspec.convert(inputs, RegressionInputs)


def read_inputs(evidence: Evidence, shown: str) -> RegressionInputs:
    """Return the inputs of the run that wrote the evidence; messages call the file `shown`.

    Raises:
        EvidenceError: The evidence does not contain them.
    """
    inputs = regression_details(evidence.details).inputs
    if inputs is None:
        raise EvidenceError(
            f"{shown} does not say which artifacts were compared",
            hint="only evidence that this release of `ghmlops regression` wrote can be run again",
        )
    return inputs


def again(named: RegressionInputs, given: Mapping[str, str], known: Collection[str], shown: str) -> tuple[Dataset, ...]:
    """Return the data sets to compare again.

    Evidence may come from another job, and its words decide what is opened here: only files inside the repository
    are, unless the repository's own policy, or the person who runs this, names the others too.

    Args:
        named: what the evidence says.
        given: side to the artifact that a person names anew (`baseline`, `candidate`, `labels`); empty: not.
        known: artifacts that the policy names.
        shown: how messages call the evidence file.

    Raises:
        EvidenceError: an artifact lies outside of the repository, and only the evidence names it.
        InputError: artifacts are named anew, and there are several data sets.
    """
    flags = {side: (text,) for side, text in given.items() if text}
    if flags and len(named.datasets) > 1:
        raise InputError(
            f"{', '.join(f'--{side}' for side in flags)} beside --replay: {shown} compared "
            f"{len(named.datasets):,} data sets",
            hint="name the artifacts of each in the policy, and leave the flags out",
        )
    found = []
    for one in named.datasets:
        sides: dict[str, tuple[str, ...]] = {side: flags.get(side, getattr(one, side)) for side in _SIDES}
        for side, specs in sides.items():
            for text in specs:
                if side not in flags and text not in known:
                    _check_inside(text, side, shown)
        found.append(Dataset(name=one.name, **sides))
    return tuple(found)


def check_policy_path(text: str, shown: str) -> None:
    """Refuse the path of a policy outside of the repository.

    Raises:
        EvidenceError: it is one.
    """
    if why := leads_out(text):
        raise EvidenceError(
            f'{shown} names the policy "{cut(text)}", which {why}', hint="give the policy's path anew: --policy FILE"
        )


def _check_inside(text: str, side: str, shown: str) -> None:
    if why := leads_out(text):
        anew = "" if side == "noise" else f", or give it anew: --{side} FILE"
        raise EvidenceError(
            f'{shown} names the {side} "{cut(text)}", which {why}; evidence alone must not decide that it is read',
            hint=f"name it in the policy{anew}",
        )


def leads_out(text: str) -> str:
    """Say why an artifact is not a file inside of the working directory, or return nothing.

    A text may be a list, with commas or lines (`core.artifact_spec`), so each of its parts is looked at.
    """
    for part in text.replace("\n", ",").split(","):
        spec = part.strip()
        if spec.startswith("artifact:") or "://" in spec:
            return "is fetched from elsewhere"
        if spec.startswith(("/", "~")):
            return "is an absolute path"
        if ".." in spec.split("/"):
            return "leads out of the repository"
        if not spec or not spec.isprintable():
            return "is no path"
    return ""


def cut(text: str) -> str:
    """Return a text of somebody else's on one printable line of at most 120 characters."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= 120 else shown[:119] + "…"
