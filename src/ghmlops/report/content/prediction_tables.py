"""The tables of a prediction diff: metrics, slices, windows, classes, flips, columns, drift."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome
from ghmlops.report.content import evidence_tables as given
from ghmlops.report.content import findings
from ghmlops.report.content.evidence_tables import Known, Row
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Code, Column, Inline, Mark, Table, Text, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Field = tuple[Column, Callable[[Row], Cell]]

MOST_CLASSES = 8
"""Classes of a matrix of flips; more are a list only."""
_NAME = 120


def _outcome(row: Row) -> Cell:
    judged = given.outcome(row)
    return (Mark(judged),) if judged else (Words("shown"),)


def _code(key: str) -> Callable[[Row], Cell]:
    return lambda row: (Code(shown, _NAME),) if (shown := given.text(row, key)) else findings.NOTHING


def _count(key: str) -> Callable[[Row], Cell]:
    return lambda row: (Words(numbers.count(given.whole(row, key))),)


def _probability(key: str) -> Callable[[Row], Cell]:
    return lambda row: (Words(numbers.probability(given.figure(row, key))),)


def _number(key: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = given.figure(row, key)
        return findings.NOTHING if value is None else (Words(numbers.plain(value)),)

    return cell


def _compared(facts: Known) -> list[Field]:
    """Return baseline, candidate and change of a row."""

    def change(row: Row) -> Cell:
        found = given.comparison(row, facts)
        return (*findings.change(found), *(findings.plot(found) if given.outcome(row) else ()))

    return [
        (Column("Baseline → candidate"), lambda row: findings.values(given.comparison(row, facts))),
        (Column("Change"), change),
    ]


def _dataset(rows: Sequence[Row]) -> list[Field]:
    return [(Column("Data set"), _code("dataset"))] if given.several(rows) else []


_OUTCOME: Field = (Column("Outcome"), _outcome)
_METRIC: Field = (Column("Metric"), _code("metric"))
_ROWS: Field = (Column("Rows", right=True), _count("rows"))


def _table(title: str, rows: Sequence[Row], fields: Sequence[Field], *, spare: int | None = None) -> Table:
    """Build a table of at most `given.MOST_ROWS` rows; without `spare` none of them tells of harm."""
    shown = rows[: given.MOST_ROWS]
    more = f" ({len(rows) - len(shown):,} more are in the evidence file)" if len(rows) > len(shown) else ""
    return Table(
        title=title + more,
        columns=tuple(column for column, _ in fields),
        rows=[tuple(cell(row) for _, cell in fields) for row in shown],
        spare=len(shown) if spare is None else max(spare - (len(rows) - len(shown)), 0),
    )


def _title(file: Evidence, key: str, what: str) -> str:
    unreadable = given.listed(file, key).unreadable
    more = f" ({unreadable:,} entries are not readable)" if unreadable else ""
    return f"{findings.source(file.command, file.leg)[:60]}: {what}{more}"


def metrics(file: Evidence, *, harm_only: bool = False) -> Table:
    """Return every overall metric, what was judged first, the worst first; or those alone that did not pass."""
    rows = given.worst_first(given.listed(file, "metrics").rows, "")
    if harm_only:
        rows = rows[: len(rows) - given.harmless(rows)]
    facts = given.known(file)

    def at(pick: str) -> Callable[[Row], Cell]:
        def cell(row: Row) -> Cell:
            found = given.comparison(row, facts)
            value = found.baseline if pick == "baseline" else found.candidate
            return (Words(numbers.number(value, numbers.value_scale(found))),)

        return cell

    fields: list[Field] = [
        *(_OUTCOME, _METRIC, *_dataset(rows), _ROWS),
        (Column("Baseline", right=True), at("baseline")),
        (Column("Candidate", right=True), at("candidate")),
        _compared(facts)[1],
        (Column("Limit"), lambda row: (Words(numbers.limit(given.comparison(row, facts))),)),
    ]
    return _table(_title(file, "metrics", "metrics"), rows, fields, spare=given.harmless(rows))


def places(file: Evidence, key: str, column: str, what: str) -> Table:
    """Return a family of slices or windows, the worst first, with what each probability is after correction."""
    rows = given.worst_first(given.listed(file, key).rows, "p")
    corrected = [("p", "p"), ("holm", "Holm p"), ("bh", "FDR q")]
    fields: list[Field] = [
        *(_OUTCOME, (Column(column.capitalize()), _code(column)), *_dataset(rows), _METRIC, _ROWS),
        *_compared(given.known(file)),
        *((Column(title, right=True), _probability(held)) for held, title in corrected),
    ]
    return _table(_title(file, key, what), rows, fields, spare=given.harmless(rows))


def moments(title: str, rows: Sequence[Row], facts: Known) -> Table:
    """Return the windows of one metric in time order."""
    fields: list[Field] = [(Column("Window"), _code("window")), _ROWS, *_compared(facts), _OUTCOME]
    return _table(title, rows, fields)


def classes(file: Evidence) -> Table:
    """Return recall and F1 of each class, the worst first, then the largest fall."""
    rows = given.worst_first(given.listed(file, "classes").rows, "change")
    fields: list[Field] = [
        *(_OUTCOME, (Column("Class"), _code("class")), *_dataset(rows), _METRIC, _ROWS),
        *_compared(given.class_units(given.known(file))),
    ]
    return _table(_title(file, "classes", "classes"), rows, fields, spare=given.harmless(rows))


def flips(file: Evidence) -> list[Table]:
    """Return which answers became which, as a matrix where there are few classes, and with the label as a list."""
    rows = [row for row in given.listed(file, "flips").rows if given.whole(row, "rows")]
    rows.sort(key=lambda row: (_became(row) in _SAME, -(given.whole(row, "rows") or 0)))
    names = sorted({given.text(row, key) for row in rows for key in ("baseline", "candidate")})
    fields: list[Field] = [
        *(*_dataset(rows), (Column("Label"), _code("label"))),
        *((Column("Baseline"), _code("baseline")), (Column("Candidate"), _code("candidate")), _ROWS),
        (Column("Became"), lambda row: (Words(_became(row)),)),
    ]
    matrix = [_matrix(file, rows, names)] if 2 <= len(names) <= MOST_CLASSES else []
    return [*matrix, _table(_title(file, "flips", "answers by label"), rows, fields)]


_SAME = ("right as before", "wrong as before", "as before")


def _became(row: Row) -> str:
    label, before, after = (given.text(row, key) for key in ("label", "baseline", "candidate"))
    if not label:
        return "as before" if before == after else "another answer"
    if before == after:
        return "right as before" if after == label else "wrong as before"
    if label in (before, after):
        return "right → wrong" if before == label else "wrong → right"
    return "wrong in another way"


def _matrix(file: Evidence, rows: Sequence[Row], names: Sequence[str]) -> Table:
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[given.text(row, "baseline"), given.text(row, "candidate")] += given.whole(row, "rows") or 0

    def cell(before: str, after: str) -> Cell:
        return (Words(numbers.count(counts[before, after]), strong=before != after and counts[before, after] > 0),)

    made: list[tuple[Cell, ...]] = [((Code(b, 60),), *(cell(b, after) for after in names)) for b in names]
    return Table(
        title=_title(file, "flips", "answers of the baseline (down) and of the candidate (across)"),
        columns=(Column("Baseline"), *(Column(name[:60] or numbers.MISSING, right=True) for name in names)),
        rows=made,
        spare=len(made),
    )


_DETERMINISM = {"changed": Outcome.WARN, "within tolerance": Outcome.PASS, "bit-identical": Outcome.PASS}


def columns(file: Evidence) -> Table:
    """Return which columns are the same in both artifacts; the changed ones first, the most changed rows first."""
    order = list(_DETERMINISM)
    rows = [row for row in given.listed(file, "columns").rows if given.text(row, "class") in order]
    rows.sort(key=lambda row: (order.index(given.text(row, "class")), -(given.whole(row, "changed") or 0)))

    fields: list[Field] = [
        *((Column("Column"), _code("column")), *_dataset(rows)),
        (Column("Reproduced"), lambda row: (Words(given.text(row, "class"), strong=_moved(row)),)),
        *(_ROWS, (Column("Changed", right=True), _count("changed"))),
        (Column("Largest change", right=True), _number("largest")),
        (Column("Tolerance", right=True), _number("tolerance")),
    ]
    return _table(_title(file, "columns", "columns, reproduced or not"), rows, fields)


def _moved(row: Row) -> bool:
    return _DETERMINISM[given.text(row, "class")] is not Outcome.PASS


def drift(file: Evidence) -> Table:
    """Return how far each column's distribution moved, the worst first, then the largest PSI."""
    rows = sorted(given.listed(file, "drift").rows, key=lambda row: -(given.figure(row, "psi") or 0.0))
    rows = given.worst_first(rows, "")
    distances = [("psi", "PSI"), ("ks", "KS"), ("js", "JS"), ("wasserstein", "Wasserstein")]
    fields: list[Field] = [
        *(_OUTCOME, (Column("Column"), _code("column")), *_dataset(rows)),
        *((Column(title, right=True), _number(key)) for key, title in distances),
    ]
    return _table(_title(file, "drift", "drift of distributions"), rows, fields, spare=given.harmless(rows))


def rank(file: Evidence) -> Table:
    """Return how alike both artifacts order the rows."""
    rows = given.listed(file, "rank").rows
    fields: list[Field] = [*_dataset(rows), _ROWS, (Column("Spearman", right=True), _number("spearman"))]
    return _table(_title(file, "rank", "rank correlation of the scores"), rows, fields)


def plain(file: Evidence, key: str, what: str, most: int) -> Table:
    """Return a table whose columns the evidence names, at most `most` of them."""
    rows = given.listed(file, key).rows
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = [name for name in names if name != "dataset" or given.several(rows)][:most]
    hidden = len([name for name in names if name != "dataset"]) - len([name for name in shown if name != "dataset"])
    more = f" ({hidden:,} more columns left out)" if hidden else ""
    numeric = {name: all(_is_number(row.get(name)) for row in rows) for name in shown}
    fields: list[Field] = [(Column(name, right=numeric[name]), _any(name)) for name in shown]
    return _table(_title(file, key, what) + more, rows if fields else [], fields)


def _any(name: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value, said = given.figure(row, name), given.text(row, name)
        if isinstance(row.get(name), float) and value is not None:
            shown: Inline = Words(numbers.plain(value))
        else:  # a whole number may be a key: its digits stay as they are
            shown = Text(said, _NAME) if said else Words(numbers.MISSING)
        return (shown,)

    return cell


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
