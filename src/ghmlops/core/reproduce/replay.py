"""Two runs of one regression: were the inputs the same, and were the results? Pure; the command is in `commands`.

What tells two runs apart without meaning anything is left out: `started`, `seconds`, `run_id`, `run_attempt`, and the
leg, which only names the file. Everything else is compared, to the last digit and in its order: results are the same
where the bytes of the evidence are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ghmlops.core.details.regression import regression_details
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.predictions.subgroup import subgroup_name
from ghmlops.core.reproduce.replay_inputs import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_SHOWN = 200
"""Differences that are kept; all are counted."""
KINDS = ("data", "code", "environment", "policy", "ghmlops", "settings")
"""Of inputs, in the order in which they are named."""
Leaf = str | float | int | bool | None
"""A JSON value; of lists and objects only how they are called."""
_FINGERPRINTS = ("code", "environment", "policy")
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChange:
    """An input that is not what it was; `before` or `after` is empty where it was not known."""

    kind: str
    """One of `KINDS`."""
    name: str
    """Which: `holdout/baseline`, `head_sha`, `memory-limit`; may be the kind itself."""
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultChange:
    """A result that is not what it was."""

    part: str
    """`summary`, `findings`, `measurements`, `not measured`, `details`, or `order`."""
    status: Literal["changed", "missing", "added"]
    """`missing`: only in the first run; `added`: only in the second."""
    entry: str
    """Where: id, data set, slice or window; a path in `details`."""
    field: str = ""
    before: Leaf = None
    after: Leaf = None

    def __str__(self) -> str:
        """Return it as a clause of a sentence."""
        if self.status != "changed":
            return f"{self.entry} is {self.status}"
        field = f"{self.field} " if self.field else ""
        return f"{self.entry}: {field}{_shown(self.before)} became {_shown(self.after)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay found."""

    inputs: tuple[InputChange, ...]
    changes: tuple[ResultChange, ...]
    """At most `MOST_SHOWN`."""
    changed: dict[str, int]
    """Part to how many of its entries (findings, not fields) differ; only parts that do."""
    total: dict[str, int]
    """Part to how many entries there are on either side."""
    unknown: tuple[str, ...] = ()
    """Kinds of input of which neither run has a fingerprint."""

    @property
    def same_inputs(self) -> bool:
        """True where both runs had the same data, code, environment, policy, release and settings."""
        return not self.inputs

    @property
    def same_results(self) -> bool:
        """True where the evidence is the same, byte for byte, but for what must differ."""
        return not self.changed


def compare(before: Evidence, after: Evidence) -> Replayed:
    """Compare evidence with the evidence of a second run. `after` may hold tuples; both are compared as JSON."""
    after = msgspec.json.decode(msgspec.json.encode(after), type=Evidence)
    inputs = tuple(sorted(_input_changes(before, after), key=lambda c: KINDS.index(c.kind)))
    shown: list[ResultChange] = []
    changed, total = dict[str, int](), dict[str, int]()
    for part, first, second in _parts(before, after):
        places = dict.fromkeys(chain(first, second))
        total[part] = len(places)
        for place in places:
            found = list(_differences(part, place, first.get(place, _ABSENT), second.get(place, _ABSENT)))
            if found:
                changed[part] = changed.get(part, 0) + 1
                shown += found[: max(0, MOST_SHOWN - len(shown))]
    if not changed and _bytes(before) != _bytes(after):
        changed["order"] = 1
        shown.append(ResultChange(part="order", status="changed", entry="the same entries stand in another order"))
    known = [kind for kind in _FINGERPRINTS if kind in {**before.provenance.fingerprints, **_prints(after)}]
    return Replayed(
        inputs=inputs,
        changes=tuple(shown),
        changed=changed,
        total=total,
        unknown=tuple(kind for kind in _FINGERPRINTS if kind not in known),
    )


def _prints(evidence: Evidence) -> dict[str, str]:
    return evidence.provenance.fingerprints


def _input_changes(before: Evidence, after: Evidence) -> Iterator[InputChange]:
    first, second = _prints(before), _prints(after)
    names = dict.fromkeys(chain(first, second))
    if not any(name not in _FINGERPRINTS for name in names):
        yield InputChange(kind="data", name="data", before="", after="")  # nothing known is not the same
    for name in names:
        old, new = first.get(name, ""), second.get(name, "")
        if old != new:
            kind = name if name in _FINGERPRINTS else "data" if _comparable(old, new) else "ghmlops"
            yield InputChange(kind=kind, name=name, before=old, after=new)
    for kind, field in (("code", "head_sha"), ("ghmlops", "version"), ("settings", "seed")):
        old, new = (getattr(evidence.provenance, field) for evidence in (before, after))
        if old != new:
            yield InputChange(kind=kind, name=field, before=_word(old), after=_word(new))
    one, other = (regression_details(evidence.details).inputs for evidence in (before, after))
    for field in ("policy", "engine", "memory_limit"):
        old, new = getattr(one, field, ""), getattr(other, field, "")
        if old != new:
            yield InputChange(kind="settings", name=field.replace("_", "-"), before=old, after=new)


def _comparable(old: str, new: str) -> bool:
    """False for fingerprints of contents that two engines computed: equal contents differ there."""
    kinds = [print_.rsplit(":", 2)[0] for print_ in (old, new) if print_.startswith("content:")]
    return len(set(kinds)) < 2


def _word(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


_Entries = dict[str, Any]


def _parts(before: Evidence, after: Evidence) -> Iterator[tuple[str, _Entries, _Entries]]:
    """Yield each part of the results as place to plain value, of both runs."""
    for part, read in (
        ("summary", _summary),
        ("findings", _findings),
        ("measurements", lambda e: _placed(e.measurements, ("id", "arm"))),
        ("not measured", lambda e: _placed(e.not_measured, ("what",))),
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
    found: _Entries = {}
    for one in evidence.findings:
        where = subgroup_name(one.slice, one.window)
        _add(found, " ".join(filter(None, (one.id, one.dataset and f"of {one.dataset}", where and f"at {where}"))), one)
    return found


def _placed(entries: Iterable[msgspec.Struct], fields: tuple[str, ...]) -> _Entries:
    found: _Entries = {}
    for one in entries:
        _add(found, " of the ".join(str(getattr(one, field)) for field in fields), one)
    return found


def _add(found: _Entries, place: str, value: msgspec.Struct) -> None:
    """Add an entry; a place that is taken is numbered, because two findings of one rule may stand at one place."""
    free, number = place, 1
    while free in found:
        number += 1
        free = f"{place} ({number})"
    found[free] = msgspec.to_builtins(value)


def _differences(part: str, place: str, before: Any, after: Any) -> Iterator[ResultChange]:  # noqa: ANN401
    """Yield what differs between two JSON values, by the path to it. No recursion: the file may be nested deeply."""
    waiting = [("", before, after)]
    while waiting:
        path, old, new = waiting.pop()
        if old is _ABSENT or new is _ABSENT:
            at = " ".join(filter(None, (place, path)))
            yield ResultChange(part=part, status="added" if old is _ABSENT else "missing", entry=at)
        elif isinstance(old, dict) and isinstance(new, dict):
            names = list(dict.fromkeys(chain(old, new)))
            dot = "." if path else ""
            waiting += [(f"{path}{dot}{n}", old.get(n, _ABSENT), new.get(n, _ABSENT)) for n in reversed(names)]
        elif isinstance(old, list) and isinstance(new, list):
            longest = max(len(old), len(new))
            waiting += [(f"{path}[{i}]", _item(old, i), _item(new, i)) for i in reversed(range(longest))]
        elif type(old) is not type(new) or old != new:
            yield ResultChange(
                part=part, status="changed", entry=place, field=path, before=_leaf(old), after=_leaf(new)
            )


def _item(values: list[Any], place: int) -> object:
    return values[place] if place < len(values) else _ABSENT


def _leaf(value: object) -> Leaf:
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value):,}"
    return cut(value) if isinstance(value, str) else value if isinstance(value, int | float) else None


def _bytes(evidence: Evidence) -> bytes:
    """Return the results alone, as they stand in the file."""
    return msgspec.json.encode([evidence.outcome, evidence.reason_code, evidence.reason, evidence.findings,
                                evidence.measurements, evidence.not_measured, _details(evidence)])  # fmt: skip


def _shown(value: object) -> str:
    return cut(_word(value)) if value is not None else "none"
