"""The sample of payloads: candidates, quarantine, draw, and the file in the private folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from ghmlops.core.details.harvest import HarvestedSlice
from ghmlops.core.harvest.findings import SliceCount, sample_findings
from ghmlops.core.harvest.mentions import Mention, is_word, mention_problems
from ghmlops.core.harvest.payload import make_payload
from ghmlops.core.harvest.sample import Pool, draw
from ghmlops.core.model import NotMeasured
from ghmlops.measure.harvest.candidates import read_candidates
from ghmlops.measure.predictions.engine.dialect import literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ghmlops.core.model import Finding
    from ghmlops.core.policy.production.harvest import Keep
    from ghmlops.measure.harvest.candidates import Candidates
    from ghmlops.measure.harvest.log_table import LogTable


class SampleFile(NamedTuple):
    """The sample in the private folder.

    Attributes:
        path: the file.
        rows: number of its rows.
        findings: findings about the sample.
        slices: slices of the sample.
        quarantined: number of candidates by field and kind of what they contain.
        not_measured: slice columns with more values than are slices.
        identifiers: identifiers of all candidates and their clients, which may not occur in any output.
    """

    path: Path
    rows: int
    findings: list[Finding]
    slices: list[HarvestedSlice]
    quarantined: dict[str, int]
    not_measured: list[NotMeasured]
    identifiers: frozenset[str]


def sample_payloads(table: LogTable, keep: Keep, population: int) -> SampleFile:
    """Draw the sample and write it into the private folder.

    Raises:
        DataError: The private table cannot be read.
    """
    slices = [keep.fields.index(name) for name in keep.slices]
    candidates = read_candidates(table, slices, rows=keep.rows, rare=keep.rare)
    clean, bodies, quarantined, identifiers = _quarantine(keep.fields, candidates)
    pool = candidates.pool
    clean_pool = Pool(
        keys=pool.keys[clean], codes=pool.codes[:, clean], limit=pool.limit, slice_limits=pool.slice_limits
    )
    sample = draw(clean_pool, rows=keep.rows, rare=keep.rare)
    weights = 1.0 / sample.probabilities
    counts = []
    for number, column in enumerate(keep.slices):
        codes = clean_pool.codes[number][sample.indices]
        totals = zip(candidates.values[number], candidates.slice_rows[number], strict=True)
        for code, (value, requests) in enumerate(totals):
            members = codes == code
            counts.append(
                HarvestedSlice(
                    column=column,
                    value=_label(value),
                    requests=requests,
                    rows=int(members.sum()),
                    weight=round(float(weights[members].sum()), 3),
                )
            )
    path = _write(table, [bodies[index] for index in sample.indices], weights.tolist())
    findings = sample_findings(
        [SliceCount(row.column, row.value, row.requests, row.rows) for row in counts],
        quarantined,
        rows=len(sample.indices),
        rare=keep.rare,
        population=population,
    )
    # A value that occurs only in quarantined rows is no part of any output.
    published = [row for row in counts if row.rows]
    named = {f"{field}: {kind}": count for (field, kind), count in sorted(quarantined.items())}
    return SampleFile(path, len(sample.indices), findings, published, named, _omitted(keep, candidates), identifiers)


def _omitted(keep: Keep, candidates: Candidates) -> list[NotMeasured]:
    return [
        NotMeasured(what=f"{count:,} values of the slice column {column}", why="others are more frequent")
        for column, count in zip(keep.slices, candidates.omitted, strict=True)
        if count
    ]


def _label(value: str) -> str:
    try:
        content = msgspec.json.decode(value)
    except msgspec.DecodeError:  # NaN, whose requests are quarantined
        return value
    return content if isinstance(content, str) else value


def _is_specific(identifier: str) -> bool:
    """Return whether an identifier is long enough not to occur by chance, as a short number does."""
    return len(identifier) >= 6


class _Clean(NamedTuple):
    """What may be written, what the other candidates contain, and the identifiers that no output may have."""

    indices: np.ndarray
    bodies: list[str]
    quarantined: Counter[tuple[str, str]]
    identifiers: frozenset[str]


def _quarantine(fields: Sequence[str], candidates: Candidates) -> _Clean:
    """Separate the candidates that may be written from those that contain what may not leave the logs."""
    owners = defaultdict[str, list[int]](list)
    for index, names in enumerate(zip(candidates.identifiers, candidates.clients, strict=True)):
        for name in filter(_is_specific, names):
            owners[name].append(index)
    problems: dict[int, tuple[str, str]] = {}
    bodies: dict[int, str] = {}
    mentions: list[Mention] = []
    rows = zip(candidates.identifiers, candidates.clients, candidates.fields, strict=True)
    for index, (identifier, client, texts) in enumerate(rows):
        own = frozenset(filter(_is_specific, (identifier, client)))
        payload = make_payload(fields, texts, own, owners)
        if payload.problem:
            problems[index] = payload.field, payload.problem
            continue
        bodies[index] = payload.body
        mentions += [Mention(name, index, field) for field, name in payload.mentions]
    # The name of a client is never an ordinary value: no request chooses it.
    words = {name for name in owners.keys() - set(candidates.clients) if is_word(name)}
    for index, problem in mention_problems(mentions, owners, words, len(bodies)).items():
        problems.setdefault(index, problem)
    clean = [index for index in bodies if index not in problems]
    # The outputs have words of their own (`weight`, `requests`); in the bodies, all identifiers were looked for above.
    identifiers = frozenset(owners.keys() - words)
    return _Clean(np.array(clean, np.int64), [bodies[i] for i in clean], Counter(problems.values()), identifiers)


def _write(table: LogTable, bodies: list[str], weights: list[float]) -> Path:
    lines = table.folder / "sample.jsonl"
    rows = zip(bodies, weights, strict=True)
    lines.write_bytes(b"".join(msgspec.json.encode({"body": b, "weight": w}) + b"\n" for b, w in rows))
    path = table.folder / "sample.parquet"
    columns = "{body: 'VARCHAR', weight: 'DOUBLE'}"
    source = f"read_json({literal(str(lines))}, format = 'newline_delimited', columns = {columns})"
    order = "SET threads = 1"  # One thread preserves the order of the rows.
    table.rows(order)
    table.rows("SET preserve_insertion_order = true")
    table.rows(f"COPY (SELECT body, weight FROM {source}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")  # noqa: S608  (quoted)
    return path
