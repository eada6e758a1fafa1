"""The artifacts of every data set: found, fetched, opened and read."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from ghmlops.core.details.regression import SourceRow
from ghmlops.core.errors import InputError
from ghmlops.core.quantities import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ghmlops.commands.regression.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.resolve_artifact import Resolved
    from ghmlops.core.policy.regression import Dataset, Regression
    from ghmlops.core.predictions.observation import NoiseFloor, Observation
    from ghmlops.measure.predictions.artifacts.source import Source
    from ghmlops.measure.predictions.engine.engines import Engine

ENGINES = ("duckdb", "spark")


def engine_of(inputs: Inputs) -> Engine:
    """Return the engine that the inputs ask for.

    Raises:
        InputError: there is no such engine; the memory limit is malformed.
    """
    from ghmlops.measure.predictions.engine.engines import Engine

    if inputs.engine not in ENGINES:
        raise InputError(f'input `engine`: "{inputs.engine}" is not known', hint=f"one of {', '.join(ENGINES)}")
    try:
        memory = size(inputs.memory_limit)
    except ValueError as error:
        raise InputError(f"input `memory-limit`: {error}", hint="--memory-limit 1GiB") from None
    return Engine(name=inputs.engine, memory=memory, master=inputs.spark_master)


def observe(
    inputs: Inputs, services: Services, policy: Regression, datasets: Sequence[Dataset]
) -> tuple[list[Observation], list[SourceRow]]:
    """Read every data set; returns what was seen, and where each artifact came from.

    Raises:
        InputError, DataError, PolicyError, GitHubError: as `regression.run`.
    """
    from ghmlops.measure.predictions.engine.engines import open_engine, start_engine
    from ghmlops.measure.predictions.reading import read_predictions

    progress = services.console.progress
    seen, origins = [], list[SourceRow]()
    with start_engine(engine_of(inputs)) as engine:
        for one in datasets:
            with resolved(one, inputs, services) as found:
                origins += [
                    SourceRow(dataset=one.name, role=role, origin=artifact.provenance)
                    for role, artifact in found.items()
                ]
                sources = {role: source_of(artifact) for role, artifact in found.items() if role != "noise"}
                with open_engine(engine, sources) as session:
                    read = read_predictions(session, policy, progress, score_distance="noise" in found)
                floor = None
                if "noise" in found and read.tables:
                    progress("reading the second baseline")
                    floor = _noise(
                        engine, policy, {role: source_of(artifact) for role, artifact in found.items()}, services
                    )
                seen.append(dataclasses.replace(read, dataset=one.name, noise=floor))
    return seen, origins


@contextlib.contextmanager
def resolved(one: Dataset, inputs: Inputs, services: Services) -> Iterator[dict[str, Resolved]]:
    """Find the artifacts of a data set by role; what had to be fetched is removed at the end.

    Raises:
        InputError: both sides are the same files.
    """
    from ghmlops.commands.shared.resolve_artifact import resolve
    from ghmlops.measure.temporary import temporary_folder

    with temporary_folder("ghmlops-artifacts-") as work:
        found = {}
        for role in ("baseline", "candidate", "labels", "noise"):
            if specs := getattr(one, role):
                given = specs[0] if len(specs) == 1 else specs
                found[role] = resolve(given, role, token=inputs.token, services=services, work=work)
        for role, what in (("candidate", "the candidate"), ("noise", "the second baseline")):
            if role in found and set(found[role].files) & set(found["baseline"].files):
                raise InputError(
                    f"{found[role].display_name} is the baseline and {what}: comparing a file with itself shows nothing",
                    hint="give the two files that --baseline and --candidate are to compare; a copy may stand for one "
                    "of them",
                )
        yield found


def source_of(artifact: Resolved) -> Source:
    """Return a resolved artifact as the engines take it."""
    from ghmlops.measure.predictions.artifacts.source import Source

    return Source(files=artifact.files, display_name=artifact.display_name, hive_root=artifact.hive_root)


def _noise(engine: Engine, policy: Regression, sources: Mapping[str, Source], services: Services) -> NoiseFloor | None:
    """Compare the baseline with the second baseline, as far as the noise floor asks."""
    import msgspec

    from ghmlops.core.policy.regression import Changed
    from ghmlops.core.predictions.observation import SCORE_DISTANCE, NoiseFloor
    from ghmlops.measure.predictions.engine.engines import open_engine
    from ghmlops.measure.predictions.reading import read_predictions

    own = policy.renamed.get("baseline", {})
    plain = msgspec.structs.replace(
        policy,
        slices=(),
        window="",
        features=(),
        search=0,
        metrics=(),
        changed=Changed(),
        renamed={**policy.renamed, "candidate": own},
    )
    pair = {"baseline": sources["baseline"], "candidate": sources["noise"]}
    pair |= {"labels": sources["labels"]} if "labels" in sources else {}
    with open_engine(engine, pair) as session:
        read = read_predictions(session, plain, services.console.progress, score_distance=True)
    if not read.tables:
        raise InputError(
            f"{sources['noise'].display_name}: the second baseline has no row in common with the baseline",
            hint="`noise` is the same recipe with another seed, on the same rows",
        )
    table = read.tables[()]
    return NoiseFloor(counts=table.counts, score_distance=table.sums.get(SCORE_DISTANCE))
