"""Tables with the answers of both services next to each other, the worst place first.

The evidence contains no value of a private field, so that nothing has to be masked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.shadow import ShadowDetails
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.core.model import Outcome
from ghmlops.report.content.placed_findings import evidence_label
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Section, Table, Text, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.core.details.shadow import ExampleRow, PlaceRow
    from ghmlops.core.details.synthetic import FailureRow
    from ghmlops.core.evidence.document import Evidence

MAX_COMMENT_ROWS = 5
"""Rows of a table in the comment: one for each of the worst places."""
MAX_ROWS = 60
MAX_ANSWER = 120
"""Characters of an answer; the evidence contains no longer ones."""
_PROOFS = {"test": "test", "re-asking": "asked again", "": "no: noise of the baseline"}


def answer_sections(evidence: Sequence[Evidence]) -> list[Section]:
    """Return the sections of the answers that differ; none if nothing differs."""
    sections = [
        Section(title="Answers side by side", tables=_tables(evidence, _shadow_table)),
        Section(title="Violated relations", tables=_tables(evidence, _relations_table)),
    ]
    return [section for section in sections if section.tables]


def comment_tables(evidence: Sequence[Evidence]) -> list[Table]:
    """Return the proven changes and violations of evidence that did not pass, one row per place."""
    blamed = [file for file in evidence if file.outcome is not Outcome.PASS]
    return [table for file in blamed for table in (_proven_changes(file), _proven_violations(file)) if table.rows]


def _tables(evidence: Sequence[Evidence], build: Callable[[Evidence], Table]) -> list[Table]:
    return [table for table in map(build, evidence) if table.rows]


def _places(details: ShadowDetails) -> list[tuple[PlaceRow, list[ExampleRow]]]:
    """Return the places that differ with their examples: proven changes first, in the order of the evidence."""
    examples: dict[tuple[str, str], list[ExampleRow]] = {}
    for example in details.examples:
        examples.setdefault((example.endpoint, example.path), []).append(example)
    ordered = sorted(details.places, key=lambda place: not place.proven_by)
    return [(place, examples.get((place.endpoint, place.path), [])) for place in ordered]


def _shadow_table(file: Evidence) -> Table:
    columns = (
        *(Column("Where"), Column("Changed rows", right=True), Column("Rows of noise", right=True)),
        *(Column("Proven by"), Column("Row", right=True), Column("Baseline"), Column("Candidate")),
    )
    rows: list[tuple[Cell, ...]] = []
    if isinstance(file.details, ShadowDetails):
        for place, examples in _places(file.details):
            counts = (Words(numbers.count(place.rows)),), (Words(numbers.count(place.noise_rows)),)
            proof: Cell = (Text(_PROOFS.get(place.proven_by, place.proven_by), 40),)
            rows += [(_where(place), *counts, proof, *_sides(example)) for example in (examples or (None,))]
    label = evidence_label(file.command, file.leg)
    return Table(
        title=f"{label}: places that differ, the surest change first"[:120], columns=columns, rows=rows[:MAX_ROWS]
    )


def _case(failure: FailureRow) -> str:
    if failure.case is None:
        return numbers.MISSING
    return numbers.count(failure.case) + (", which did not fail again at once" if failure.replays is False else "")


def _proven_changes(file: Evidence) -> Table:
    places = _places(file.details) if isinstance(file.details, ShadowDetails) else []
    proven = [(place, examples) for place, examples in places if place.proven_by and examples]
    rows: list[tuple[Cell, ...]] = [
        (_where(place), *_sides(examples[0])) for place, examples in proven[:MAX_COMMENT_ROWS]
    ]
    title = f"Changed answers, {len(rows)} of {len(proven)} places listed"
    columns = (Column("Where"), Column("Row", right=True), Column("Baseline"), Column("Candidate"))
    return Table(title=title, columns=columns, rows=rows)


def _where(place: PlaceRow) -> Cell:
    aspect = "" if place.aspect == "value" else f" ({place.aspect[:20]})"
    return (Code(place.path, 80), Words(" of "), Text(f"{place.endpoint[:80]}{aspect}", 110))


def _sides(example: ExampleRow | None) -> tuple[Cell, Cell, Cell]:
    if example is None:  # The arms differ all alike, so that no answer is an example of a change.
        return (Words(numbers.MISSING),), (Words(numbers.MISSING),), (Words(numbers.MISSING),)
    row: Cell = (Words(numbers.count(example.row)),)
    return row, (Code(example.baseline, MAX_ANSWER),), (Code(example.candidate, MAX_ANSWER),)


def _failures(file: Evidence) -> list[FailureRow]:
    """Return the violations, proven ones first: only these are saved as a case."""
    failures = file.details.failures if isinstance(file.details, SyntheticDetails) else []
    return sorted(failures, key=lambda failure: failure.case is None)


def _relations_table(file: Evidence) -> Table:
    columns = (
        *(Column("Relation"), Column("Changed request"), Column("Observed"), Column("Fields that it needs")),
        *(
            Column("Answer to the unchanged request"),
            Column("Answer to the changed request"),
            Column("Case", right=True),
        ),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            _relation(failure),
            (Text(failure.change, MAX_ANSWER),),
            (Text(failure.observed, MAX_ANSWER),),
            (Text(failure.needs or numbers.MISSING, 300),),
            *_answers(failure),
            (Words(_case(failure)),),
        )
        for failure in _failures(file)
    ]
    label = evidence_label(file.command, file.leg)
    return Table(title=f"{label}: relations that the candidate violates"[:120], columns=columns, rows=rows[:MAX_ROWS])


def _proven_violations(file: Evidence) -> Table:
    proven = [failure for failure in _failures(file) if failure.case is not None]
    rows: list[tuple[Cell, ...]] = [
        (
            (*_relation(failure), Text(f": {failure.change}", MAX_ANSWER)),
            (Text(failure.needs, 200),),
            *_answers(failure),
        )
        for failure in proven[:MAX_COMMENT_ROWS]
    ]
    title = f"Violated relations, {len(rows)} of {len(proven)} listed"
    columns = (Column("Relation"), Column("Fields"), Column("Unchanged request"), Column("Changed request"))
    return Table(title=title, columns=columns, rows=rows)


def _relation(failure: FailureRow) -> Cell:
    return (Code(failure.relation, 60), Words(" of "), Text(failure.endpoint, 80))


def _answers(failure: FailureRow) -> tuple[Cell, Cell]:
    def cell(answer: str) -> Cell:
        return (Code(answer, MAX_ANSWER),) if answer else (Words(numbers.MISSING),)

    return cell(failure.answer), cell(failure.answer_changed)
