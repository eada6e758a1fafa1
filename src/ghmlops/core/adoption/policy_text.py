"""Writes the policy that `init` proposes, with the reason for each section, and lists what could not be derived."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.adoption.world import attainable_margins

if TYPE_CHECKING:
    from ghmlops.core.adoption.roles import Roles

SCHEMA_COMMENT = (
    "# yaml-language-server: $schema="
    "https://raw.githubusercontent.com/ghmlops/ghmlops/v1/src/ghmlops/schemas/policy-v1.json"
)
"""First line of a policy: editors validate and complete by this schema."""
RATE, SECONDS = 50, 120
"""Requests per second and duration of the proposed plan: 6,000 requests per arm, which decide every quantile."""
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the policy is written from; an empty text or `None` is unknown."""

    service: str
    environment: str = "production"
    command: str = ""
    url: str = ""
    build: str = ""
    predict: str = ""
    """Shell text that writes the predictions of an arm, if no commit contains them."""
    paths: tuple[str, ...] = ()
    ready: str = "/"
    path: str = ""
    payloads: str = ""
    roles: Roles | None = None
    baseline: str = ""
    candidate: str = ""
    labels: str = ""
    uncommitted: bool = False
    """Whether git does not track the predictions of the candidate."""
    rows: int = 0
    """Rows of the predictions; 0 if they are not here."""
    unread: tuple[str, ...] = ()
    """A line about each Parquet file that cannot be read and was left out."""

    @property
    def has_service(self) -> bool:
        """Whether the section `preview` can be written."""
        return bool(self.command or self.url)

    @property
    def has_latency(self) -> bool:
        """Whether the section `latency` can be written."""
        return self.has_service and bool(self.path and self.payloads)

    @property
    def has_regression(self) -> bool:
        """Whether the section `regression` can be written."""
        return bool(self.candidate or self.predict) and self.roles is not None and not missing_roles(self)


def missing_roles(proposal: Proposal) -> list[tuple[str, str]]:
    """Return each role that the section `regression` requires and lacks, with what would supply it."""
    roles = proposal.roles
    if roles is None or not (proposal.candidate or proposal.predict):
        return []
    missing = []
    if not roles.key:
        why = "no column is unique and without nulls; pandas does not store a default index, so add an id column"
        missing.append(("key", f"{why}, or pass --key, several columns by commas"))
    if not roles.task:
        missing.append(("task", "label and prediction do not show it: pass --task"))
    if not roles.label and roles.task != "embedding":
        missing.append(("label", "no column is named like a true answer: pass --label"))
    if not roles.predicts:
        missing.append(("score", "no column is named like the output of a model: pass --score or --prediction"))
    return missing


def scalar(value: str) -> str:
    """Return text as a YAML scalar, in quotes unless it cannot be anything but text."""
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if plain else json.dumps(value, ensure_ascii=False)


def _list(values: tuple[str, ...]) -> str:
    return f"[{', '.join(scalar(value) for value in values)}]"


def policy_text(proposal: Proposal) -> str:
    """Return the policy file."""
    lines = [
        SCHEMA_COMMENT,
        "# Policy of ghmlops: what is measured, and how much worse than its baseline a change may be.",
        "# `ghmlops policy check` validates this file and prints what would run, and what it can detect.",
        "version: 1",
        f"service: {scalar(proposal.service)}",
        *([f"paths: {_list(proposal.paths)}   # a change of other files is not measured"] if proposal.paths else []),
        *_preview(proposal),
        *_latency(proposal),
        *_regression(proposal),
    ]
    sections = (("latency", proposal.has_latency), ("regression", proposal.has_regression))
    names = tuple(name for name, written in sections if written) or ("preview",)
    return "\n".join(
        [
            *lines,
            "",
            "# A deployment to this environment requires evidence of these commands for exactly its commit.",
            "gate:",
            f"  environment: {scalar(proposal.environment)}",
            f"  require: {_list(names)}",
            "",
        ]
    )


def _preview(proposal: Proposal) -> list[str]:
    if not proposal.has_service:
        return []
    build = _shell("build", proposal.build, "in an environment of its own for each arm")
    start = f"  command: {scalar(proposal.command)}" if proposal.command else f"  url: {scalar(proposal.url)}"
    return [
        "",
        "# How the service is started; no shell is involved, and {port} is replaced by a free port.",
        "preview:",
        *build,
        start,
        f"  ready: {scalar(proposal.ready)}   # path that answers 2xx once the service is ready",
        "  timeout: 60s",
    ]


def _shell(key: str, text: str, comment: str) -> list[str]:
    """Return a key with shell text, as a block if it has several lines."""
    lines = text.strip().splitlines()
    if len(lines) > 1:
        return [f"  {key}: |   # {comment}", *(f"    {line}" for line in lines)]
    return [f"  {key}: {scalar(line)}   # {comment}" for line in lines]


def _latency(proposal: Proposal) -> list[str]:
    if not proposal.has_latency:
        return []
    return [
        "",
        "latency:",
        f"  request: {{method: POST, path: {scalar(proposal.path)}, headers: {{content-type: application/json}}}}",
        f"  payloads: {scalar(proposal.payloads)}   # one request body per row",
        f"  arrivals: {{poisson: {RATE}/s, duration: {SECONDS}s, warmup: 5s}}",
        "  slo: {errors: 1%}   # add p99: 200ms for a limit on the candidate alone",
        "  margins: {p50: 2%, p95: 3%, p99: 5%}   # slower than the baseline by more than this fails",
    ]


def _regression(proposal: Proposal) -> list[str]:
    roles = proposal.roles
    if roles is None or not proposal.has_regression:
        return []
    score = scalar(roles.score[0]) if len(roles.score) == 1 else _list(roles.score)
    optional = [
        ("label", scalar(roles.label) if roles.label else ""),
        ("score", score if roles.score else ""),
        ("prediction", scalar(roles.prediction) if roles.prediction else ""),
        ("query", scalar(roles.query) if roles.query else ""),
        ("classes", f"{_list(roles.classes)}   # in the order of the scores" if roles.classes else ""),
        ("time", scalar(roles.time) if roles.time else ""),
        ("slices", _list(roles.slices) if roles.slices else ""),
        ("labels", scalar(proposal.labels) if proposal.labels else ""),
    ]
    attainable = attainable_margins(roles.task, proposal.rows) if proposal.rows else {}
    if attainable:
        margins = ", ".join(f"{metric}: {100 * margin:.3g}%" for metric, margin in attainable.items())
        optional.append(("margins", f"{{{margins}}}   # {proposal.rows:,} rows cannot show the smaller defaults"))
    if proposal.predict:
        sources = _shell("predict", proposal.predict, "in the work tree of each arm; no commit has its predictions")
    else:
        sources = [_artifacts(proposal)]
    return [
        "",
        "regression:",
        f"  task: {roles.task}",
        f"  key: {_list(roles.key)}   # identifies a row in both artifacts",
        *(f"  {name}: {value}" for name, value in optional if value),
        *sources,
    ]


def _artifacts(proposal: Proposal) -> str:
    same = proposal.baseline == proposal.candidate
    comment = "   # the baseline is this file of the base commit" if same else ""
    return f"  artifacts: {{baseline: {scalar(proposal.baseline)}, candidate: {scalar(proposal.candidate)}}}{comment}"
