"""Job of `regression`: which artifacts are compared, with which engine, and which inputs are refused."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.commands.regression.inputs import Inputs
from ghmlops.commands.regression.job import Job, prepare
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.errors import InputError, PolicyError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nservice: scorer\n"
SINGLE = HEAD + "regression: {task: binary, key: [id], label: y, score: s, artifacts: {baseline: a, candidate: b}}\n"
SEVERAL = HEAD + (
    "regression:\n  task: binary\n  key: [id]\n  label: y\n  score: s\n  datasets:\n"
    "    eu: {baseline: a, candidate: b}\n    us: {baseline: c, candidate: d}\n"
)


def job(folder: Path, policy: str, **inputs: Any) -> Job:
    (folder / "policy.yml").write_text(policy, encoding="utf-8")
    services = Services(
        context=Context(), environ={}, cwd=folder, now=lambda: datetime.now(UTC), console=Console(io.StringIO())
    )
    return prepare(Inputs(policy="policy.yml", **inputs), services)


def test_inputs_override_the_artifacts_of_the_policy(tmp_path: Path) -> None:
    """What the inputs do not name is that of the policy."""
    (dataset,) = job(tmp_path, SINGLE, candidate="new.parquet", labels="labels.parquet").datasets
    assert (dataset.baseline, dataset.candidate, dataset.labels) == (("a",), ("new.parquet",), ("labels.parquet",))


def test_several_data_sets_come_from_the_policy(tmp_path: Path) -> None:
    """An input cannot say which of them it means."""
    assert [dataset.name for dataset in job(tmp_path, SEVERAL).datasets] == ["eu", "us"]
    with pytest.raises(InputError, match="--candidate") as caught:
        job(tmp_path, SEVERAL, candidate="x")
    assert "datasets" in caught.value.hint


def test_the_engine_has_its_limit_in_bytes(tmp_path: Path) -> None:
    """The evidence has the limit as it was written."""
    spark = job(tmp_path, SINGLE, engine="spark", memory_limit="2GiB", spark_master="local[2]")
    assert (spark.engine.name, spark.engine.memory, spark.engine.master) == ("spark", 2 * 1024**3, "local[2]")
    assert spark.memory_limit == "2GiB"


@pytest.mark.parametrize(
    ("inputs", "fact"), [({"engine": "sqlite"}, "sqlite"), ({"memory_limit": "much"}, "memory-limit")]
)
def test_an_unusable_engine_is_an_input_error(tmp_path: Path, inputs: dict[str, str], fact: str) -> None:
    """The message names the input, and the hint a valid value."""
    with pytest.raises(InputError, match=fact) as caught:
        job(tmp_path, SINGLE, **inputs)
    assert caught.value.hint


def test_a_policy_without_the_section_is_refused(tmp_path: Path) -> None:
    """The hint shows one."""
    with pytest.raises(PolicyError, match="regression") as caught:
        job(tmp_path, HEAD)
    assert "regression:" in caught.value.hint
