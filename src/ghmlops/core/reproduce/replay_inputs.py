"""What a run was asked for, as its evidence tells, so that it can be asked for again; it may be another job's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.evidence.document import Evidence, entries_of
from ghmlops.core.model import Frozen
from ghmlops.core.policy.regression import Dataset

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

INPUTS = "inputs"
"""Key of `Evidence.details`."""
_SIDES = ("baseline", "candidate", "labels", "noise")
_Text = Annotated[str, msgspec.Meta(max_length=4096)]
_Specs = Annotated[tuple[_Text, ...], msgspec.Meta(max_length=1000)]


class Named(Frozen, frozen=True, kw_only=True):
    """The artifacts of one data set as they were named; `core.artifact_spec` says how they may be."""

    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    baseline: Annotated[_Specs, msgspec.Meta(min_length=1)]
    candidate: Annotated[_Specs, msgspec.Meta(min_length=1)]
    labels: _Specs = ()
    noise: _Specs = ()


class ReplayInputs(Frozen, frozen=True, kw_only=True, rename="kebab"):
    """What a run was asked for: `Evidence.details["inputs"]`, by which it can be asked for again."""

    policy: _Text
    engine: Literal["duckdb", "spark"] = "duckdb"
    memory_limit: Annotated[str, msgspec.Meta(max_length=40)] = "1GiB"
    datasets: Annotated[tuple[Named, ...], msgspec.Meta(min_length=1, max_length=1000)]


def write_inputs(policy: str, engine: str, memory_limit: str, datasets: Iterable[Dataset]) -> dict[str, Any]:
    """Return the plain object for `Evidence.details["inputs"]`; `policy` is the file's path as it was given."""
    named = [{field: getattr(one, field) for field in Named.__struct_fields__} for one in datasets]
    given = {"policy": policy, "engine": engine, "memory-limit": memory_limit, "datasets": named}
    asked = msgspec.convert(given, ReplayInputs)
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(asked))
    return plain


def read_inputs(evidence: Evidence, shown: str) -> ReplayInputs:
    """Read what a run was asked for out of its evidence; messages call the file `shown`.

    Raises:
        EvidenceError: it is not there, or not of its exact shape.
    """
    hint = "only evidence that this release of `ghmlops regression` wrote can be run again"
    if INPUTS not in entries_of(evidence):
        raise EvidenceError(f"{shown} does not say which artifacts were compared", hint=hint)
    try:
        return msgspec.convert(entries_of(evidence)[INPUTS], ReplayInputs)
    except msgspec.ValidationError as error:
        raise EvidenceError(f"{shown}: what it says of its inputs is malformed: {error}", hint=hint) from None


def again(named: ReplayInputs, given: Mapping[str, str], known: Collection[str], shown: str) -> tuple[Dataset, ...]:
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
