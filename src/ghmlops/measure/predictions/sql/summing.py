"""The paired rows summed up: cubes, tables of every cut, likeness, scores. Loaded while the engine reads."""

from __future__ import annotations

import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ghmlops.core.metrics import metrics_of
from ghmlops.core.paired.aggregates import WINDOW
from ghmlops.core.predictions.observed import APART, Observed
from ghmlops.measure.predictions.layout import CLASSED
from ghmlops.measure.predictions.sql.changed_rows import read_changed
from ghmlops.measure.predictions.sql.cubes import Source, count_entries, kinds_of, read_cube, with_groups
from ghmlops.measure.predictions.sql.distributions import probabilities, read_values
from ghmlops.measure.predictions.sql.facts import changes_of, likeness, means_of, pair_facts
from ghmlops.measure.predictions.sql.ranking import rank
from ghmlops.measure.predictions.sql.scores import read_columns, read_fine, read_grid
from ghmlops.measure.predictions.sql.staging import attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.core.paired.aggregates import CellTable, Columns, Grid
    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.behaviour.distribution import Distribution
    from ghmlops.core.predictions.contract.facts import Facts, PairFacts
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.cubes import Read
    from ghmlops.measure.predictions.sql.scores import Fine
    from ghmlops.measure.predictions.sql.staging import Staged

EXACT_ROWS = 250_000
"""Labelled rows up to which scores are read as they are; beyond, those of a binary task are counted in bins."""
MOST_ROWS = 2_000_000
"""The same for the values of a regression, which no bins serve."""
TWO, MOST_ENTRIES = 2, 2_000_000
"""Classes of which nothing is gained by counting only right and wrong; entries of a cube from which on that is done."""
MOST_SEARCHED = 12
"""Attributes whose pairs are searched."""
TOLERANCE, SINGLE_TOLERANCE = 1e-9, 1e-6
"""Scores closer than this are unchanged: absolute up to 1, relative above. The second: one side is single precision."""
Cuts = dict[tuple[str, ...], "CellTable"]


def cuts_of(policy: Regression, layout: Layout) -> tuple[tuple[str, ...], ...]:
    """Return every way in which the rows are cut: slices, windows, and what the search looks at."""
    own = [tuple(dict.fromkeys(columns)) for columns in policy.slices] + [(WINDOW,)] * bool(policy.window)
    attributes = layout.attributes[:MOST_SEARCHED] if policy.search else ()
    searched = [*((column,) for column in attributes), *itertools.combinations(attributes, 2)]
    asked = dict.fromkeys(own)
    known = {frozenset(columns) for columns in asked}
    return (*asked, *(columns for columns in searched if frozenset(columns) not in known))


def sum_up(at: Staged, facts: Facts, bad: tuple[str, ...], progress: Callable[[str], None], *, apart: bool) -> Observed:
    """Return what is known of the pairs. `bad`: the roles in which keys repeat."""
    session, policy = at.session, at.layout.policy
    single = at.layout.schema.single
    tolerance = policy.tolerance.get(at.layout.score, SINGLE_TOLERANCE if single else TOLERANCE)
    classes = (len(policy.classes) or 2) if policy.task in CLASSED else 0
    rows = Source(table="pairs", classes=classes, tolerance=tolerance, means=means_of(at))
    progress("summing up")
    if policy.task == "ranking":
        rank(at)
        whole, source = read_cube(at, rows, ((), ())), Source(table="queries", classes=0, tolerance=0.0)
    else:
        whole, source = None, rows
    read, reads = _reads(at, source, apart=apart and policy.task in (*CLASSED[:1], "regression"))
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="counts") as beside:  # the engine counts on meanwhile
        later = beside.submit(likeness, at, tolerance)
        binned = beside.submit(read_fine, session) if policy.task == "binary" else None
        tables = _tables(at, source, reads)
        like, fine = later.result(), binned.result() if binned else None
    pairs = pair_facts(at, whole or read, like, bad, tolerance)
    facts = dataclasses.replace(facts, pairs=pairs)
    if not pairs.usable:
        return Observed(facts=facts)
    scored: tuple[Distribution, ...] = ()
    if fine is not None:
        scored = (probabilities(at, fine, (facts.baseline.rows, facts.candidate.rows)),)
    elif policy.task in ("regression", "ranking"):
        scored = (read_values(at),)
    columns, grid = _scores(at, pairs, read, fine, progress)
    return Observed(
        facts=facts,
        tables=tables,
        columns=columns,
        grid=grid,
        scores=scored,
        changes=changes_of(at, whole or read, like, pairs),
        changed_rows=read_changed(at, bad) if policy.changed.rows else [],
    )


def _reads(at: Staged, source: Source, *, apart: bool) -> tuple[Read, dict[tuple[str, ...], Read]]:
    """Return the finest cube (of all rows, where attributes do not share one code), and the cube of every cut."""
    policy, layout = at.layout.policy, at.layout
    kinds = kinds_of(metrics_of(policy)) + ((APART,) if apart else ())
    cuts = cuts_of(policy, layout)
    if at.plan.together and not _collapsed(at, tuple(attributes(layout))):
        read = read_cube(at, source, (tuple(attributes(layout)), kinds))
        return read, dict.fromkeys(((), *cuts), read)
    read = read_cube(at, source, ((), kinds))
    shared = read_cube(at, source, (tuple(attributes(layout)), kinds), collapsed=True) if at.plan.together else None
    return read, {(): read} | {
        cut: shared or read_cube(at, source, (cut, kinds), collapsed=_collapsed(at, cut)) for cut in cuts
    }


def _tables(at: Staged, source: Source, reads: Mapping[tuple[str, ...], Read]) -> Cuts:
    """Return the table of every cut, with the sums of the groups where there are such."""
    policy = at.layout.policy
    tables = {cut: read.cube.cut(cut, policy.minimum_rows if cut else 0) for cut, read in reads.items()}
    if not policy.group:
        return tables
    return {cut: with_groups(at, source, reads[cut], (table, tuple(table.sums))) for cut, table in tables.items()}


def _collapsed(at: Staged, cut: tuple[str, ...]) -> bool:
    """True where cells and classes are so many that only right and wrong are told apart in each cell."""
    many = at.layout.policy.task == "multiclass" and len(at.layout.policy.classes) > TWO
    return many and count_entries(at, cut) > MOST_ENTRIES


def _scores(
    at: Staged, pairs: PairFacts, read: Read, fine: tuple[Fine, Fine] | None, progress: Callable[[str], None]
) -> tuple[Columns | None, Grid | None]:
    """Return the scores themselves where they are few or where bins would leave a verdict open, else bins."""
    from ghmlops.core.predictions.judgement import needs_rows

    policy = at.layout.policy
    if policy.task not in ("binary", "regression") or not pairs.labelled:
        return None, None
    grouped = bool(policy.group)
    progress("reading scores")
    if pairs.labelled <= (EXACT_ROWS if policy.task == "binary" else MOST_ROWS):
        return read_columns(at.session, grouped=grouped, codes=read.codes if at.plan.together else {}), None
    if fine is None:
        return None, None
    grid = read_grid(at.session, fine)
    if not grouped and not needs_rows(grid, policy):
        return None, grid
    progress("reading scores once more, because bins are too coarse for the verdict")
    return read_columns(at.session, grouped=grouped, codes={}), grid
