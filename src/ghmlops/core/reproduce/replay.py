"""Comparison of two runs of `regression`: whether their inputs are the same, and whether their results are.

Fields that identify a run without describing it are ignored: `started`, `seconds`, `run_id`, `run_attempt`, and the
leg, which only names the file. Everything else is compared exactly and in order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from ghmlops.core.details.regression import regression_details
from ghmlops.core.details.replay import Scalar
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.evidence.reservations import not_measured_of
from ghmlops.core.predictions.subgroup import subgroup_name
from ghmlops.core.reproduce.replay_inputs import abbreviate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_CHANGES = 200
"""Differences in the evidence of a replay; all of them are counted."""
INPUT_KINDS = ("data", "code", "environment", "policy", "ghmlops", "settings")
"""Kinds of input, in the order of the report."""
_FINGERPRINTS = ("code", "environment", "policy")
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChange:
    """An input that differs between the two runs; an unknown value is empty.

    Attributes:
        kind: one of `INPUT_KINDS`.
        name: `holdout/baseline`, `head_sha`, `memory-limit` or the kind itself.
        before: value in the first run.
        after: value in the second run.
    """

    kind: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultChange:
    """A result that differs between the two runs.

    Attributes:
        part: `summary`, `findings`, `measurements`, `not measured`, `details` or `order`.
        status: `missing` if only the first run has it, `added` if only the second.
        entry: the finding, measurement, note or table, by its id, data set and subgroup.
        field: path of the field within the entry.
        before: value in the first run; lists and objects are described by their length.
        after: value in the second run.
    """

    part: str
    status: Literal["changed", "missing", "added"]
    entry: str
    field: str = ""
    before: Scalar = None
    after: Scalar = None

    def __str__(self) -> str:
        """Return a clause for a sentence."""
        if self.status != "changed":
            return f"{self.entry} is {self.status}"
        field = f"{self.field} " if self.field else ""
        return f"{self.entry}: {field}{_display(self.before)} became {_display(self.after)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """Comparison of a run with its replay.

    Attributes:
        inputs: inputs that differ.
        changes: results that differ, at most `MAX_CHANGES`.
        changed: number of entries (findings, not fields) that differ, by part; only parts that differ.
        total: number of entries in either run, by part.
        unknown: kinds of input without a fingerprint in both runs.
    """

    inputs: tuple[InputChange, ...]
    changes: tuple[ResultChange, ...]
    changed: dict[str, int]
    total: dict[str, int]
    unknown: tuple[str, ...] = ()

    @property
    def same_inputs(self) -> bool:
        """Whether both runs had the same data, code, environment, policy, release and settings."""
        return not self.inputs

    @property
    def same_results(self) -> bool:
        """Whether the results are the same, byte for byte."""
        return not self.changed


class Closeness(NamedTuple):
    """How far two numbers may be apart and still count as the same result."""

    relative: float
    absolute: float

    def holds(self, first: object, second: object) -> bool:
        """Return whether both are numbers that are close enough; never for a tolerance of 0."""
        if self == _EXACT or isinstance(first, bool) or isinstance(second, bool):
            return False
        if not isinstance(first, int | float) or not isinstance(second, int | float):
            return False
        return math.isclose(first, second, rel_tol=self.relative, abs_tol=self.absolute)


_EXACT = Closeness(0.0, 0.0)
_Entries = dict[str, Any]
"""Plain value of each entry by its name."""


def compare_runs(before: Evidence, after: Evidence, *, relative: float = 0.0, absolute: float = 0.0) -> RunComparison:
    """Compare the evidence of two runs.

    Args:
        before: Evidence of the first run, which may come from a file.
        after: Evidence of the second run, which may come from memory.
        relative: Numbers that differ by no more than this ratio of the larger one are the same.
        absolute: Numbers that differ by no more than this are the same. If both are 0, the bytes must be equal.
    """
    close = Closeness(relative, absolute)
    after = msgspec.json.decode(msgspec.json.encode(after), type=Evidence)  # both as JSON: lists, no tuples
    changes: list[ResultChange] = []
    changed, total = dict[str, int](), dict[str, int]()
    for part, first, second in _parts(before, after):
        entries = dict.fromkeys(chain(first, second))
        total[part] = len(entries)
        for entry in entries:
            old, new = first.get(entry, _ABSENT), second.get(entry, _ABSENT)
            differences = list(_differences(part, entry, old, new, close))
            if differences:
                changed[part] = changed.get(part, 0) + 1
                changes += differences[: max(0, MAX_CHANGES - len(changes))]
    if not changed and close == _EXACT and _result_bytes(before) != _result_bytes(after):
        changed["order"] = 1
        changes.append(ResultChange(part="order", status="changed", entry="the same entries are in another order"))
    fingerprints = {**before.provenance.fingerprints, **after.provenance.fingerprints}
    return RunComparison(
        inputs=tuple(sorted(_input_changes(before, after), key=lambda change: INPUT_KINDS.index(change.kind))),
        changes=tuple(changes),
        changed=changed,
        total=total,
        unknown=tuple(kind for kind in _FINGERPRINTS if kind not in fingerprints),
    )


def _input_changes(before: Evidence, after: Evidence) -> Iterator[InputChange]:
    first, second = before.provenance.fingerprints, after.provenance.fingerprints
    names = dict.fromkeys(chain(first, second))
    if not any(name not in _FINGERPRINTS for name in names):
        yield InputChange(kind="data", name="data", before="", after="")  # unknown data are not the same data
    for name in names:
        old, new = first.get(name, ""), second.get(name, "")
        if old != new:
            kind = name if name in _FINGERPRINTS else "data" if _are_comparable(old, new) else "ghmlops"
            yield InputChange(kind=kind, name=name, before=old, after=new)
    for kind, field in (("code", "head_sha"), ("ghmlops", "version"), ("settings", "seed")):
        values = [getattr(evidence.provenance, field) for evidence in (before, after)]
        if values[0] != values[1]:
            yield InputChange(kind=kind, name=field, before=_text(values[0]), after=_text(values[1]))
    settings = [regression_details(evidence.details).inputs for evidence in (before, after)]
    for field in ("policy", "engine", "memory_limit"):
        old, new = (getattr(inputs, field, "") for inputs in settings)
        if old != new:
            yield InputChange(kind="settings", name=field.replace("_", "-"), before=old, after=new)


def _are_comparable(old: str, new: str) -> bool:
    """Return whether equal contents would have equal fingerprints: those of two engines differ in any case."""
    engines = [print_.rsplit(":", 2)[0] for print_ in (old, new) if print_.startswith("content:")]
    return len(set(engines)) < 2


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _parts(before: Evidence, after: Evidence) -> Iterator[tuple[str, _Entries, _Entries]]:
    """Yield each part of the results with its entries in both runs."""
    for part, read in (
        ("summary", _summary),
        ("findings", _findings),
        ("measurements", lambda evidence: _entries(evidence.measurements, ("id", "arm"))),
        ("not measured", lambda evidence: _entries(not_measured_of(evidence), ("what",))),
        ("details", _details),
    ):
        yield part, read(before), read(after)


def _summary(evidence: Evidence) -> _Entries:
    return {"the outcome": {name: getattr(evidence, name) for name in ("outcome", "reason_code", "reason")}}


def _details(evidence: Evidence) -> _Entries:
    """Return the settings and tables by name, without the inputs: fingerprints identify these, whatever their paths."""
    details = regression_details(evidence.details)
    results: _Entries = msgspec.to_builtins(msgspec.structs.replace(details, inputs=None, replay=None, sources=[]))
    return {name: value for name, value in results.items() if name in details.__struct_fields__}  # not the tag


def _findings(evidence: Evidence) -> _Entries:
    entries: _Entries = {}
    for finding in evidence.findings:
        subgroup = subgroup_name(finding.slice, finding.window)
        parts = (finding.id, finding.dataset and f"of {finding.dataset}", subgroup and f"at {subgroup}")
        _add(entries, " ".join(filter(None, parts)), finding)
    return entries


def _entries(values: Iterable[msgspec.Struct], fields: tuple[str, ...]) -> _Entries:
    entries: _Entries = {}
    for value in values:
        _add(entries, " of the ".join(str(getattr(value, field)) for field in fields), value)
    return entries


def _add(entries: _Entries, name: str, value: msgspec.Struct) -> None:
    """Add an entry; a repeated name is numbered, because one rule may have two findings on the same rows."""
    unique, number = name, 1
    while unique in entries:
        number += 1
        unique = f"{name} ({number})"
    entries[unique] = msgspec.to_builtins(value)


def _differences(part: str, entry: str, before: Any, after: Any, close: Closeness) -> Iterator[ResultChange]:  # noqa: ANN401
    """Yield the differences of two JSON values, each with its path."""
    pending = [("", before, after)]
    while pending:
        path, old, new = pending.pop()
        if old is _ABSENT or new is _ABSENT:
            name = " ".join(filter(None, (entry, path)))
            yield ResultChange(part=part, status="added" if old is _ABSENT else "missing", entry=name)
        elif isinstance(old, dict) and isinstance(new, dict):
            names = list(dict.fromkeys(chain(old, new)))
            dot = "." if path else ""
            pending += [(f"{path}{dot}{n}", old.get(n, _ABSENT), new.get(n, _ABSENT)) for n in reversed(names)]
        elif isinstance(old, list) and isinstance(new, list):
            length = max(len(old), len(new))
            pending += [(f"{path}[{i}]", _item(old, i), _item(new, i)) for i in reversed(range(length))]
        elif (type(old) is not type(new) or old != new) and not close.holds(old, new):
            yield ResultChange(
                part=part, status="changed", entry=entry, field=path, before=_scalar(old), after=_scalar(new)
            )


def _item(values: list[Any], index: int) -> object:
    return values[index] if index < len(values) else _ABSENT


def _scalar(value: object) -> Scalar:
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value):,}"
    return abbreviate(value) if isinstance(value, str) else value if isinstance(value, int | float) else None


def _result_bytes(evidence: Evidence) -> bytes:
    """Return the results as they are encoded in the file."""
    summary = [evidence.outcome, evidence.reason_code, evidence.reason]
    return msgspec.json.encode(
        [*summary, evidence.findings, evidence.measurements, not_measured_of(evidence), _details(evidence)]
    )


def _display(value: object) -> str:
    return abbreviate(_text(value)) if value is not None else "none"
