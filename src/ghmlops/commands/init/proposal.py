"""Derives the proposal for a repository from its files and the inputs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ghmlops.core.adoption.policy_text import Proposal
from ghmlops.core.adoption.roles import Roles, derive
from ghmlops.core.adoption.scripts import model_files, predict_command, train_command
from ghmlops.core.adoption.service import derive_service
from ghmlops.core.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ghmlops.commands.init.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.adoption.facts import Table

MAX_TABLES = 50
"""Parquet files that are read; more of them are a data set, whose pattern `--candidate` names."""
MAX_TABLE_BYTES = 1 << 30
"""Larger files are not read in full to count their values."""
_BASELINE = re.compile(r"(?i)base(line)?|reference|old|production|champion")
_CANDIDATE = re.compile(r"(?i)candidate|new|challenger")
_PREDICTIONS = re.compile(r"(?i)pred|score|output|result|candidate|forecast")
_LABELS = re.compile(r"(?i)label|truth|target|outcome")
_PAYLOADS = re.compile(r"(?i).*(request|payload|input|example|sample)[^/]*\.(jsonl|parquet)")


def propose(inputs: Inputs, services: Services) -> Proposal:
    """Return what can be derived; what the inputs state is never derived.

    Raises:
        InputError: Two inputs contradict each other, or a package that reads Parquet is missing.
        DataError: A Parquet file that an input names cannot be read.
    """
    from ghmlops.measure.repository.files import folder_in_checkout, list_files, read_texts

    if inputs.command and inputs.url:
        raise InputError("--command and --url are both set", hint="a service is started or has an address; keep one")
    names = list_files(services.cwd)
    texts = read_texts(services.cwd, names)
    service = derive_service(texts)
    folder = folder_in_checkout(services.cwd)
    command = "" if inputs.url else inputs.command or service.command
    payloads = inputs.payloads or next((name for name in names if _PAYLOADS.fullmatch(name)), "")
    proposal = Proposal(
        service=inputs.service or _service_name(services.cwd.resolve().name),
        environment=inputs.environment,
        command=command,
        url=inputs.url,
        build=inputs.build or (_build(services, names, texts) if command else ""),
        predict=inputs.predict,
        paths=(f"{folder}/**",) if folder else (),
        ready=inputs.ready or service.ready or "/",
        path=inputs.path or service.path,
        payloads=payloads,
        labels=inputs.labels,
    )
    parquet = [name for name in names if name.endswith(".parquet") and name != payloads]
    proposal = _with_predictions(proposal, inputs, services, parquet)
    return _with_predict(proposal, inputs, services, names, texts)


def _with_predict(
    proposal: Proposal, inputs: Inputs, services: Services, names: list[str], texts: Mapping[str, str]
) -> Proposal:
    """Return the proposal with the script that makes the predictions, if no commit contains them."""
    from ghmlops.measure.repository.files import uncommitted

    candidate = proposal.candidate
    if inputs.predict or inputs.baseline or not uncommitted(services.cwd, [candidate] if candidate in names else []):
        return proposal
    predict = predict_command(_modules(texts), candidate)
    build = "" if proposal.command else _build(services, names, texts)
    text = "\n".join(filter(None, (build, predict))) if predict else ""
    return replace(proposal, predict=text, uncommitted=True)


def _modules(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name.endswith(".py")}


def _service_name(folder: str) -> str:
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in folder).strip("-")
    return name[:100] or "my-service"


def _build(services: Services, names: list[str], texts: Mapping[str, str]) -> str:
    """Return the shell text that installs what the service needs, and trains a model that is not committed."""
    from ghmlops.measure.repository.files import uncommitted

    install = ""
    if "requirements.txt" in names:
        install = "python -m pip install -r requirements.txt"
    elif "pyproject.toml" in names or "setup.py" in names:
        install = "python -m pip install ."
    modules = _modules(texts)
    models = [file for files in model_files(modules).values() for file in files]
    return "\n".join(filter(None, (install, train_command(modules, uncommitted(services.cwd, models)))))


def _with_predictions(proposal: Proposal, inputs: Inputs, services: Services, names: list[str]) -> Proposal:
    if inputs.candidate and inputs.candidate in names:
        names = [inputs.candidate, *(n for n in names if n != inputs.candidate)]
    tables, unread = _tables(services, names, stated={inputs.candidate, inputs.baseline, inputs.labels})
    proposal = replace(proposal, unread=unread)
    choice = Roles(
        task=inputs.task,
        key=_split(inputs.key),
        label=inputs.label,
        score=_split(inputs.score),
        prediction=inputs.prediction,
        time=inputs.time,
        slices=_split(inputs.slices),
        classes=_split(inputs.classes),
    )
    labels = next((t for t in tables if t.path == inputs.labels), None)
    labels = labels or next((t for t in tables if _LABELS.search(t.path.rpartition("/")[2])), None)
    derived = [(table, *_roles(table, choice, labels)) for table in tables if table is not labels]
    if not inputs.candidate:
        derived = [row for row in derived if row[1].predicts]
        if not derived:
            return replace(proposal, roles=choice) if inputs.predict else proposal
    derived.sort(key=lambda row: _rank(row[0].path, inputs.candidate))
    candidate = inputs.candidate or derived[0][0].path
    table = next((row for row in derived if row[0].path == candidate), None)
    baseline = inputs.baseline or _baseline(candidate, [row[0].path for row in derived])
    roles, separate = (table[1], table[2]) if table else (choice, inputs.labels)
    return replace(
        proposal,
        candidate=candidate,
        baseline=baseline,
        roles=roles,
        labels=inputs.labels or separate,
        rows=table[0].rows if table else 0,
    )


def _roles(table: Table, choice: Roles, labels: Table | None) -> tuple[Roles, str]:
    """Return the roles of a table, and the path of the file with its labels if that is a separate one."""
    own = derive(table, choice)
    if own.label or labels is None:
        return own, ""
    joined = derive(table, choice, labels)
    complete = joined.label and all(labels.column(name) for name in joined.key)
    return (joined, labels.path) if complete else (own, "")


def _rank(path: str, stated: str) -> tuple[bool, bool, bool, bool, int, str]:
    """Order tables: the stated one, names of a candidate, any but a baseline, names of predictions, the shallowest."""
    name = path.rpartition("/")[2]
    by_name = (not _CANDIDATE.search(name), bool(_BASELINE.search(name)), not _PREDICTIONS.search(path))
    return (path != stated, *by_name, path.count("/"), path)


def _baseline(candidate: str, paths: list[str]) -> str:
    """Return the table of the same folder that is named like a baseline; otherwise the same file of the base commit."""
    folder = candidate.rpartition("/")[0]
    same = [p for p in paths if p.rpartition("/")[0] == folder and p != candidate]
    return next((p for p in same if _BASELINE.search(p.rpartition("/")[2])), candidate)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _tables(services: Services, names: list[str], stated: Collection[str]) -> tuple[list[Table], tuple[str, ...]]:
    """Return the facts about the files, and a line about each that cannot be read and that no input states.

    A repository may contain damaged files on purpose, for its own tests.
    """
    small = [n for n in names if (services.cwd / n).stat().st_size <= MAX_TABLE_BYTES][:MAX_TABLES]
    if not small:
        return [], ()
    try:
        import duckdb  # noqa: F401  (read_table needs it)
    except ModuleNotFoundError:
        raise InputError(
            "DuckDB, which reads the Parquet files of this repository, is not installed",
            hint='run `pip install "ghmlops[regression]"`',
        ) from None
    from ghmlops.measure.repository.tables import read_table

    tables, unread = [], []
    for name in small:
        try:
            tables.append(read_table(services.cwd / name, name))
        except DataError as error:
            if name in stated:
                raise
            unread.append(f"{error.message} ({error.hint})")
    return tables, tuple(unread)
