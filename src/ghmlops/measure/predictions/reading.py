"""Reads two artifacts and returns everything that is judged: the entry point of this package."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.predictions.contract.checks import blocking_findings
from ghmlops.core.predictions.contract.facts import Facts, SideFacts
from ghmlops.core.predictions.observation import Observation
from ghmlops.measure.predictions.artifacts.page_checksums import PageCheck, PageError
from ghmlops.measure.predictions.engine.session import UnreadableError
from ghmlops.measure.predictions.engine.unreadable import set_aside_unreadable
from ghmlops.measure.predictions.epochs import check_epochs
from ghmlops.measure.predictions.schema import read_layout, used_columns
from ghmlops.measure.predictions.sql.counting import count_side, has_too_many_combinations
from ghmlops.measure.predictions.sql.custom_metrics import check_metrics, columns_of_metrics
from ghmlops.measure.predictions.sql.pairing import pair_rows, roles_with_repeats
from ghmlops.measure.predictions.sql.row_values.texts import prepare_texts
from ghmlops.measure.predictions.sql.staging import Plan, attribute_bundles, attribute_names, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.behaviour.distribution import Distribution
    from ghmlops.core.predictions.contract.facts import SchemaFacts
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.counting import ArtifactCounts
    from ghmlops.measure.predictions.sql.staging import StagedViews

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
DEFERRED_MODULES = ("ghmlops.measure.predictions.sql.summing", "ghmlops.core.predictions.judgement")
"""Imported while the engine starts and reads: with NumPy and SciPy this takes a tenth of a second."""


def read_schema(session: Session, policy: Regression) -> SchemaFacts:
    """Check files, columns and types without reading rows.

    Raises:
        DataError: a file or a column cannot be used.
        InputError: the memory limit is too small.
    """
    return read_layout(session, policy).schema


def read_predictions(
    session: Session, policy: Regression, progress: Callable[[str], None], *, score_distance: bool = False
) -> Observation:
    """Read, count, pair and aggregate the artifacts. If the contract prevents a comparison, only facts are returned.

    Args:
        session: a session over the artifacts `baseline`, `candidate` and, if there is a file of labels, `labels`.
        policy: the names of the columns, and what to compare.
        progress: called with a message about each step.
        score_distance: also sum the absolute differences of the scores.

    Raises:
        DataError: a file or a column cannot be used.
        InputError: the memory limit is too small.
        PolicyError: a custom metric is not an expression.
    """
    layout = read_layout(session, policy)
    try:
        return _read(session, layout, progress, score_distance=score_distance)
    except (UnreadableError, PageError) as error:
        set_aside_unreadable(session, {role: used_columns(layout, role) for role in session.roles}, error)
        return _read(session, read_layout(session, policy), progress, score_distance=score_distance)


def _read(session: Session, layout: Layout, progress: Callable[[str], None], *, score_distance: bool) -> Observation:
    """Read the columns of a layout; see `read_predictions`."""
    policy = layout.policy
    layout = msgspec.structs.replace(layout, schema=_with_partition_differences(session, layout.schema))
    if layout.schema.mismatched_keys or layout.schema.mismatched_labels:
        sides = {role: SideFacts(rows=session.count(role)) for role in session.roles}
        return Observation(facts=_facts(layout, sides))
    if policy.task == "text":
        prepare_texts(session)
    check_epochs(session, layout)
    layout, features, edges = _read_features(session, layout)
    views = _stage_views(session, layout, edges)
    if policy.metrics:
        check_metrics(views)
    counts = _count_artifacts(views, progress)
    fingerprints = {role: count.fingerprint for role, count in counts.items()}
    facts = _facts(layout, {role: count.facts for role, count in counts.items()})
    if blocking_findings(facts):
        return Observation(facts=facts, fingerprints=fingerprints, features=features)
    if all(count.valid for count in counts.values()):
        views = stage(session, msgspec.structs.replace(layout, validated=True), views.plan)
    progress("pairing rows by key")
    repeats = pair_rows(views, counts)
    sides = {role: msgspec.structs.replace(count.facts, **repeats[role]) for role, count in counts.items()}
    facts = _facts(layout, sides)
    from ghmlops.measure.predictions.sql.summing import sum_up

    observed = sum_up(views, facts, roles_with_repeats(repeats), progress, score_distance=score_distance)
    return msgspec.structs.replace(observed, fingerprints=fingerprints, features=features)


def _with_partition_differences(session: Session, schema: SchemaFacts) -> SchemaFacts:
    differences = tuple(
        (column, role, differing, rows)
        for role in session.roles
        for column, (differing, rows) in session.partition_differences(role).items()
    )
    return msgspec.structs.replace(schema, partition_differences=differences)


def deferred_imports() -> contextlib.AbstractContextManager[None]:
    """Import the modules that aggregate and judge in another thread, while the engine starts and reads.

    Raises:
        ModuleNotFoundError: A package is missing.
    """
    return _DeferredImports().explaining_errors()


class _DeferredImports(threading.Thread):
    """Imports the modules that aggregate and judge, with one thread for OpenBLAS.

    OpenBLAS would start threads that busy-wait, and no matrix product here is large enough to use them.
    """

    _missing: ModuleNotFoundError | None = None

    def run(self) -> None:
        """Import the modules; remember the package that is missing."""
        previous = os.environ.get(_BLAS_THREADS)
        os.environ.setdefault(_BLAS_THREADS, "1")
        try:
            for name in DEFERRED_MODULES:
                importlib.import_module(name)
        except ModuleNotFoundError as error:
            self._missing = error
        finally:
            if previous is None:
                os.environ.pop(_BLAS_THREADS, None)  # child processes may need more threads

    @contextlib.contextmanager
    def explaining_errors(self) -> Iterator[None]:
        """Import during the block. Its errors of imports become the one of this thread.

        If both threads import a module at the same time and a package is missing, this one gets the error about the
        package, and the other one a half-imported module, from which it "cannot import" a name.

        Raises:
            ModuleNotFoundError: A package is missing.
        """
        self.start()
        try:
            yield
        except ImportError:
            self.join()
            if self._missing is not None:
                raise self._missing from None
            raise


def _read_features(session: Session, layout: Layout) -> tuple[Layout, tuple[Distribution, ...], dict[str, list[float]]]:
    """Return the distributions of the features, and the inner edges of the bins of numeric features.

    Features with too many values are marked in the layout: they are not used as slices.
    """
    if not layout.policy.features:
        return layout, (), {}
    from ghmlops.core.predictions.behaviour.distribution import OTHERS
    from ghmlops.measure.predictions.sql.distributions import quartile_edges, read_features

    features, sliced = read_features(session, layout), layout.policy.slice_columns
    if many_values := tuple(d.column for d in features if OTHERS in (d.values or ()) and d.column not in sliced):
        schema = msgspec.structs.replace(layout.schema, high_cardinality=many_values)
        layout = msgspec.structs.replace(layout, high_cardinality=many_values, schema=schema)
    edges = {d.column: quartile_edges(d) for d in features if d.edges is not None and d.column not in sliced}
    return layout, features, edges


def _stage_views(session: Session, layout: Layout, edges: Mapping[str, list[float]]) -> StagedViews:
    """Stage with one code for all attributes, or one code per attribute if there are too many combinations."""
    custom_columns = columns_of_metrics(layout.policy) if layout.policy.metrics else ()
    plan = Plan(bundles=attribute_bundles(layout), edges=edges, custom_columns=custom_columns)
    views = stage(session, layout, plan)
    if attribute_names(layout) and has_too_many_combinations(session):
        views = stage(session, layout, _one_code_per_attribute(plan, layout))
    return views


def _count_artifacts(views: StagedViews, progress: Callable[[str], None]) -> dict[str, ArtifactCounts]:
    """Count each artifact and verify its page checksums at the same time; errors of the latter are more specific."""
    session, counts = views.session, {}
    with session.helper_thread("pages") as worker:
        for role in session.roles:
            progress(f"checking the {role}")
            listed = session.lists_chunks(role)
            pages = worker.submit(session.check_pages, role, session.column_chunks(role)) if listed else None
            try:
                count = count_side(views, role)
            except DataError:
                if pages:
                    pages.result()
                raise
            check = pages.result() if pages else PageCheck()
            facts = msgspec.structs.replace(
                count.facts, chunks=check.chunks, unchecked_chunks=check.unchecked, lists_chunks=listed
            )
            counts[role] = msgspec.structs.replace(count, facts=facts)
    return counts


def _one_code_per_attribute(plan: Plan, layout: Layout) -> Plan:
    return msgspec.structs.replace(plan, bundles=tuple((a,) for a in attribute_names(layout)), single_cube=False)


def _facts(layout: Layout, sides: Mapping[str, SideFacts]) -> Facts:
    return Facts(
        task=layout.policy.task,
        has_label=bool(layout.policy.label),
        schema=layout.schema,
        baseline=sides["baseline"],
        candidate=sides["candidate"],
        labels=sides.get("labels"),
    )
