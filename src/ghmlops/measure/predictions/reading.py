"""From two artifacts to everything that is judged: the one entry to this room."""

from __future__ import annotations

import dataclasses
import importlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.predictions.contract.checks import blocking
from ghmlops.core.predictions.contract.facts import Facts, SideFacts
from ghmlops.core.predictions.observed import Observed
from ghmlops.measure.predictions.layout import read_layout
from ghmlops.measure.predictions.sql.counting import count_side, too_fine
from ghmlops.measure.predictions.sql.custom_metrics import check_metrics, columns_of
from ghmlops.measure.predictions.sql.pairing import pair, repeating
from ghmlops.measure.predictions.sql.staging import Plan, attributes, bundled, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.behaviour.distribution import Distribution
    from ghmlops.core.predictions.contract.facts import SchemaFacts
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.counting import Counted
    from ghmlops.measure.predictions.sql.staging import Staged

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
LATER = ("ghmlops.measure.predictions.sql.summing", "ghmlops.core.predictions.judgement")
"""Loaded while the engine reads: with NumPy and SciPy that takes half a second."""


def read_schema(session: Session, policy: Regression) -> SchemaFacts:
    """Check files, columns and types without reading rows.

    Raises:
        DataError: a file or a column cannot be used.
        InputError: the memory limit is too small.
    """
    return read_layout(session, policy).schema


def read_predictions(
    session: Session, policy: Regression, progress: Callable[[str], None], *, apart: bool = False
) -> Observed:
    """Read, count, pair and sum up. Where the contract forbids a comparison, only its facts are returned.

    Args:
        session: over the artifacts `baseline`, `candidate` and, where there is one, `labels`.
        policy: names the columns.
        progress: is told what is being done.
        apart: sum up how far scores are apart, too.

    Raises:
        DataError: a file or a column cannot be used.
        InputError: the memory limit is too small.
        PolicyError: a custom metric is no expression.
    """
    layout = read_layout(session, policy)
    if layout.schema.mismatched_keys or layout.schema.mismatched_labels:
        sides = {role: SideFacts(rows=session.count(role)) for role in session.roles}
        return Observed(facts=_facts(layout, sides))
    layout, features, edges = _features(session, layout)
    at = _staged(session, layout, edges)
    if policy.metrics:
        check_metrics(at)
    threading.Thread(target=_load).start()
    counted = _counted(at, progress)
    prints = {role: one.fingerprint for role, one in counted.items()}
    facts = _facts(layout, {role: one.facts for role, one in counted.items()})
    if blocking(facts):
        return Observed(facts=facts, fingerprints=prints, features=features)
    if all(one.sound for one in counted.values()):
        at = stage(session, dataclasses.replace(layout, sound=True), at.plan)
    progress("pairing rows by key")
    repeats = pair(at, counted)
    sides = {
        role: dataclasses.replace(one.facts, **repeats[role])  # type: ignore[arg-type]
        for role, one in counted.items()
    }
    facts = _facts(layout, sides)
    from ghmlops.measure.predictions.sql.summing import sum_up

    found = sum_up(at, facts, repeating(repeats), progress, apart=apart)
    return dataclasses.replace(found, fingerprints=prints, features=features)


def _load() -> None:
    """Import what is needed later. OpenBLAS would start threads that spin; no product of matrices here is so large."""
    given = os.environ.get(_BLAS_THREADS)
    os.environ.setdefault(_BLAS_THREADS, "1")
    try:
        for name in LATER:
            importlib.import_module(name)
    finally:
        if given is None:
            os.environ.pop(_BLAS_THREADS, None)  # what this process starts may need them


def _features(session: Session, layout: Layout) -> tuple[Layout, tuple[Distribution, ...], dict[str, list[float]]]:
    """Count the features; those of too many values are no slices, and those that are numbers have edges of bins."""
    if not layout.policy.features:
        return layout, (), {}
    from ghmlops.measure.predictions.sql.distributions import OTHERS, quarters, read_features

    features, sliced = read_features(session, layout), layout.policy.slice_columns
    if fine := tuple(d.column for d in features if OTHERS in (d.values or ()) and d.column not in sliced):
        layout = dataclasses.replace(layout, fine=fine, schema=dataclasses.replace(layout.schema, fine=fine))
    edges = {d.column: quarters(d) for d in features if d.edges is not None and d.column not in sliced}
    return layout, features, edges


def _staged(session: Session, layout: Layout, edges: Mapping[str, list[float]]) -> Staged:
    """Stage with one code for all attributes, or one for each where their combinations are too many."""
    custom = columns_of(layout.policy) if layout.policy.metrics else ()
    plan = Plan(bundles=bundled(layout), edges=edges, custom=custom)
    at = stage(session, layout, plan)
    if attributes(layout) and too_fine(session):
        at = stage(session, layout, _one_by_one(plan, layout))
    return at


def _counted(at: Staged, progress: Callable[[str], None]) -> dict[str, Counted]:
    """Count each artifact while its pages are held against their checksums, of which the errors are the more exact."""
    session, counted = at.session, {}
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pages") as beside:
        for role in session.roles:
            progress(f"checking the {role}")
            pages = beside.submit(session.pages, role, session.chunks(role))
            try:
                one = count_side(at, role)
            except DataError:
                pages.result()
                raise
            checked = pages.result()
            facts = dataclasses.replace(one.facts, chunks=checked.chunks, unchecked_chunks=checked.unchecked)
            counted[role] = dataclasses.replace(one, facts=facts)
    return counted


def _one_by_one(plan: Plan, layout: Layout) -> Plan:
    return dataclasses.replace(plan, bundles=tuple((a,) for a in attributes(layout)), together=False)


def _facts(layout: Layout, sides: Mapping[str, SideFacts]) -> Facts:
    return Facts(
        task=layout.policy.task,
        schema=layout.schema,
        baseline=sides["baseline"],
        candidate=sides["candidate"],
        labels=sides.get("labels"),
    )
