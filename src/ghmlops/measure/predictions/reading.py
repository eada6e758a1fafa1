"""From two artifacts to everything that is judged: the one entry to this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.contract import blocking
from ghmlops.core.contract_facts import Facts, SchemaFacts, SideFacts
from ghmlops.core.metrics import metrics_of
from ghmlops.core.regression import Observed
from ghmlops.measure.predictions.aggregates import Cut, read_cells, read_columns
from ghmlops.measure.predictions.layout import read_layout
from ghmlops.measure.predictions.pairing import pair
from ghmlops.measure.predictions.session import open_session
from ghmlops.measure.predictions.staging import count_side, slices, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ghmlops.core.policy import Regression
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.session import Session


def read_schema(artifacts: Mapping[str, tuple[Path, str]], policy: Regression, memory: int) -> SchemaFacts:
    """Check files, columns and types without reading rows.

    Args:
        artifacts: role (`baseline`, `candidate`, `labels`) to path and how messages call it.
        policy: names the columns.
        memory: bytes that the engine may use.

    Raises:
        DataError: a file or a column cannot be used.
        InputError: the memory limit is too small.
    """
    with open_session(artifacts, memory) as session:
        return read_layout(session, policy).schema


def read_predictions(
    artifacts: Mapping[str, tuple[Path, str]],
    policy: Regression,
    memory: int,
    progress: Callable[[str], None],
) -> Observed:
    """Read, count, pair and sum up. Where the contract forbids a comparison, only its facts are returned.

    Arguments and errors as `read_schema`; `progress` is told what is being done.
    """
    with open_session(artifacts, memory) as session:
        layout = read_layout(session, policy)
        facts = _count(session, layout, progress)
        if blocking(facts):
            return Observed(facts=facts)
        progress("pairing rows by key")
        found = pair(session, layout)
        facts = Facts(
            task=facts.task,
            schema=facts.schema,
            baseline=facts.baseline,
            candidate=facts.candidate,
            labels=facts.labels,
            pairs=found,
        )
        return _sum_up(session, layout, facts, progress) if found.usable else Observed(facts=facts)


def _count(session: Session, layout: Layout, progress: Callable[[str], None]) -> Facts:
    schema, sides = layout.schema, dict[str, SideFacts]()
    if not (schema.mismatched_keys or schema.mismatched_labels):
        stage(session, layout)
    for role in session.roles:
        progress(f"checking the {role}")
        if schema.mismatched_keys or schema.mismatched_labels:
            rows = session.count(role)
            sides[role] = SideFacts(rows=rows)
        else:
            sides[role] = count_side(session, layout, role)
    return Facts(
        task=layout.policy.task,
        schema=schema,
        baseline=sides["baseline"],
        candidate=sides["candidate"],
        labels=sides.get("labels"),
    )


def _sum_up(session: Session, layout: Layout, facts: Facts, progress: Callable[[str], None]) -> Observed:
    policy = layout.policy
    every = metrics_of(policy.task)
    hunted = tuple(metric for metric in every if metric.hunted)
    grouped, short = bool(policy.group), slices(layout)
    progress("summing up all rows")
    overall = read_cells(session, Cut(grouped=grouped), tuple(m for m in every if m.overall))
    by_slice = []
    for columns in policy.slices:
        progress(f"summing up by {', '.join(columns)}")
        cut = tuple(dict.fromkeys(short[column] for column in columns))
        table = read_cells(session, Cut(columns=cut, minimum=policy.minimum_rows, grouped=grouped), hunted)
        by_slice.append((tuple(dict.fromkeys(columns)), table))
    windows = None
    if policy.window:
        progress("summing up by window")
        hourly = policy.window == "1h"
        cut_by_time = Cut(columns=("w",), minimum=policy.minimum_rows, grouped=grouped, hourly=hourly)
        windows = read_cells(session, cut_by_time, hunted)
    scores = None
    if policy.task == "binary":
        progress("reading scores")
        scores = read_columns(session, grouped=grouped)
    return Observed(facts=facts, overall=overall, columns=scores, slices=tuple(by_slice), windows=windows)
