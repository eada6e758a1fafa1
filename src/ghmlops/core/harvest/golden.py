"""Selects cases for the golden set, keeps contradictions out, and finds cases that were trained on.

The set grows by cases that are wrong, disputed, rare or random; its weights say nothing about the traffic, since what
the model answered decides which outcomes exist.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.model import Finding, Frozen, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_DOCS = "actions/harvest/README.md#the-golden-set"
KEY_DIGITS = 16
"""Digits of the digest that stands for an identifier."""
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
"""Letters only, so that no digest looks like the number of a card or a telephone."""


class GoldenRow(Frozen, frozen=True, kw_only=True):
    """A case.

    Attributes:
        key: digest of the identifier of the request.
        body: the payload as JSON text with sorted keys.
        label: the outcome.
        reason: why it was added: `errors`, `disagreements`, `rare` or `random`.
    """

    key: str
    body: str
    label: str
    reason: str


class Disagreements(NamedTuple):
    """Identifiers in the answers of two models by what became of them: the first that applies, and rows without one.

    Attributes:
        contradicting: identifiers to which a model gave several answers.
        unpaired: identifiers in one of the files only.
        orphans: identifiers that no request of the logs has.
        equal: requests with the same answer.
        different: requests with different answers.
        usable: of these, requests with an outcome that counts.
        unreadable: rows without an identifier.
    """

    contradicting: int = 0
    unpaired: int = 0
    orphans: int = 0
    equal: int = 0
    different: int = 0
    usable: int = 0
    unreadable: int = 0


class Selection(NamedTuple):
    """The set with its additions, and how many cases of each kind were left out."""

    rows: list[GoldenRow]
    added: int
    contradicting: int
    trained: int
    trained_before: int


class Training(NamedTuple):
    """What the training data contains.

    Attributes:
        keys: digests of its identifiers.
        bodies: its payloads by `comparable`.
        fields: fields that are compared.
        missing: fields that it does not have, so that there are no payloads.
    """

    keys: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    fields: Sequence[str] = ()
    missing: Sequence[str] = ()

    def has(self, row: GoldenRow) -> bool:
        """Return whether a case is in the training data, by identifier or by content."""
        if row.key in self.keys:
            return True
        return bool(self.bodies) and comparable_body(msgspec.json.decode(row.body), self.fields) in self.bodies


def digest_key(identifier: str) -> str:
    """Return the digest that stands for an identifier."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:KEY_DIGITS].translate(_LETTERS)


def canonical(body: str) -> str:
    """Return a JSON text with sorted keys and numbers in one notation, so that equal payloads are equal texts."""
    return msgspec.json.encode(_plain(msgspec.json.decode(body)), order="sorted").decode()


def _plain(value: object) -> object:
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
    return value


def comparable(values: Mapping[str, object]) -> str:
    """Return the values of fields as a text that is equal for equal contents.

    Null is an absent field, since the rows of a table have every column, and numbers have six digits, since training
    data often has 32-bit ones.

    Args:
        values: value of each field.
    """
    return msgspec.json.encode(_bare(dict(values)), order="sorted").decode()


def comparable_body(content: object, fields: Sequence[str]) -> str:
    """Return the fields of a payload as a text that is equal for equal contents.

    Args:
        content: the payload.
        fields: paths of the fields that are compared, `.*` at the end included.
    """
    values: dict[str, object] = {}
    for field in fields:
        value = content
        for part in field.removesuffix(".*").split("."):
            value = value.get(part) if isinstance(value, dict) else None
        values[field] = value
    return comparable(values)


def _bare(value: object) -> object:
    match value:
        case dict():
            return {key: _bare(inner) for key, inner in value.items() if inner is not None}
        case list():
            return [_bare(inner) for inner in value]
        case float():
            return _plain(float(f"{value:.6g}"))
    return value


def select(
    present: Sequence[GoldenRow],
    candidates: Mapping[str, Sequence[GoldenRow]],
    *,
    rows: int,
    training: Training | None = None,
) -> Selection:
    """Return the set with additions, in turn from each kind of candidates; nothing is removed.

    A payload with several labels, among candidates and cases, is added with none of them. A case that the training data
    contains, by identifier or by content, is not added.

    Args:
        present: cases of the set.
        candidates: new cases by reason, the most wanted first.
        rows: most cases of the set.
        training: the training data.
    """
    training = training or Training()
    labels: dict[str, set[str]] = defaultdict(set)
    for row in (*present, *(row for kind in candidates.values() for row in kind)):
        labels[row.body].add(row.label)
    result = list(present)
    keys, bodies = {row.key for row in present}, {row.body for row in present}
    contradicting: set[str] = set()
    trained: set[str] = set()
    for row in _in_turn(candidates.values()):
        if len(labels[row.body]) > 1:
            contradicting.add(row.key)
        elif training.has(row):
            trained.add(row.key)
        elif len(result) < rows and row.key not in keys and row.body not in bodies:
            keys.add(row.key)
            bodies.add(row.body)
            result.append(row)
    before = sum(1 for row in present if training.has(row))
    return Selection(result, len(result) - len(present), len(contradicting), len(trained), before)


def _in_turn(kinds: Iterable[Sequence[GoldenRow]]) -> Iterable[GoldenRow]:
    queues = [list(kind) for kind in kinds]
    for place in range(max(map(len, queues), default=0)):
        for queue in queues:
            if place < len(queue):
                yield queue[place]


def golden_findings(selection: Selection, state: str) -> list[Finding]:
    """Return the findings about the golden set. `state` says what was done with the additions."""
    reason = (
        f"The golden set has {len(selection.rows) - selection.added:,} cases, and {selection.added:,} to add: {state}; "
        f"{selection.trained:,} candidates are in the training data and were left out."
    )
    findings = [_finding("harvest-golden", reason, Outcome.PASS, len(selection.rows))]
    if selection.contradicting:
        reason = f"{selection.contradicting:,} candidates have a payload with several labels; none of them is added."
        findings.append(_finding("harvest-golden-contradictions", reason, Outcome.WARN, selection.contradicting))
    if selection.trained_before:
        reason = (
            f"{selection.trained_before:,} cases of the golden set are in the training data, by identifier or content: "
            "the model was trained on its test."
        )
        findings.append(_finding("harvest-leakage", reason, Outcome.FAIL, selection.trained_before))
    return findings


def disagreement_finding(counts: Disagreements, value: str) -> Finding:
    """Return the finding about the answers of the two models. `value` is the column that was compared."""
    compared = counts.equal + counts.different
    reason = (
        f"The models answered {compared:,} requests of the logs, {counts.different:,} with a different `{value}`; "
        f"{counts.usable:,} of these have an outcome that counts. Not compared: {counts.unpaired:,} identifiers that "
        f"one of the files lacks, {counts.orphans:,} that no request has, {counts.contradicting:,} with several "
        f"answers of one model, and {counts.unreadable:,} rows without an identifier."
    )
    flawed = counts.contradicting or counts.unreadable
    outcome = Outcome.INCONCLUSIVE if not compared else Outcome.WARN if flawed else Outcome.PASS
    return _finding("harvest-disagreements", reason, outcome, compared)


def _finding(name: str, reason: str, outcome: Outcome, n: int) -> Finding:
    description = "The golden set is a test that the model was not trained on."
    return Finding(id=name, metric="cases", outcome=outcome, reason=reason, docs=_DOCS, description=description, n=n)
