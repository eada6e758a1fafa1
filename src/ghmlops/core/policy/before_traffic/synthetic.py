"""Policy section `synthetic`: generated and metamorphic requests before live traffic."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from ghmlops.core.policy.before_traffic.expect import Expect
from ghmlops.core.policy.section import Section

Scalar = str | int | float | bool | None
Trend = Literal["up", "down"]
TRENDS: tuple[Trend, ...] = get_args(Trend)
ValueType = Literal["number", "text", "boolean", "list", "object"]
VALUE_TYPES: tuple[ValueType, ...] = get_args(ValueType)
BUILT_IN = (
    "same-twice", "batch", "batch-order", "under-load", "cold-warm", "key-order", "number-spelling", "unknown-field",
    "equal-instants", "unicode-forms", "unseen-category", "extreme-values", "illegal-input",
)  # fmt: skip
"""Relations that need no declaration; they run unless the policy says `off`."""
DECLARED = ("absent", "invariant", "monotone", "rescaled")
"""Relations about fields that the policy names."""


class BatchSettings(Section, frozen=True, kw_only=True):
    """How rows are sent as one request."""

    sizes: tuple[int, ...] = (2, 8, 64)
    """Rows per batch; sizes that the run has too few rows for are reduced."""
    path: str = ""
    """Path of an endpoint for batches; if empty, the path of the single request."""
    instances: str | None = None
    """Key of the list of whole bodies; empty: the list is the body. `None`: the body itself has a list of instances."""


class Rescale(Section, frozen=True, kw_only=True):
    """The same quantity in another unit."""

    factor: float
    """Value in the other unit divided by the value in the usual one."""
    rename: str = ""
    """Field of the value in the other unit; if empty, the field keeps its name."""
    set: dict[str, Scalar] = msgspec.field(default_factory=dict)
    """Further fields, for example the name of the unit."""


WHOLE_ANSWER = "$"
"""Path of an assertion about the whole answer."""


class Assertion(Section, frozen=True, kw_only=True):
    """What must hold of one value of every answer, or of the whole answer."""

    range: tuple[float, float] | None = None
    """Least and greatest number; of a list, of each element."""
    sum: float | None = None
    """Sum of a list of numbers, to 1e-6."""
    type: ValueType | None = None
    latency: float | None = None
    """Longest service time in seconds; of the whole answer."""


class Schemathesis(Section, frozen=True, kw_only=True):
    """Schemathesis, which tests both services against their OpenAPI description."""

    schema: str
    """OpenAPI description as JSON."""
    examples: int = 50
    """Generated requests per operation and phase, at most."""
    exclude_checks: tuple[str, ...] = ()
    """Checks of Schemathesis that do not run."""
    budget: float = 120.0
    """Seconds per service; a run that is not at its end by then is inconclusive."""


class Synthetic(Section, frozen=True, kw_only=True):
    """The synthetic test."""

    payloads: str = ""
    """Payload file from which rows are generated (key `from`); if empty, that of the section `latency`."""
    requests: int = 2000
    """Maximum number of requests to both services together; shrinking a failure is counted apart."""
    expect: Expect = "new-model"
    """`same`: the candidate must also answer generated rows as the baseline does."""
    off: tuple[str, ...] = ()
    """Built-in relations that do not run."""
    batch: BatchSettings = BatchSettings()
    connections: int = 8
    """Requests in flight for the relation `under-load`."""
    absent: dict[str, Scalar] = msgspec.field(default_factory=dict)
    """Fields that may be left out, with their default; null: only that null means absent."""
    invariant: tuple[str, ...] = ()
    """Fields that do not influence the answer."""
    monotone: dict[str, Trend] = msgspec.field(default_factory=dict)
    """Fields with which the score never decreases (`up`) or never increases (`down`)."""
    rescaled: dict[str, Rescale] = msgspec.field(default_factory=dict)
    score: str = ""
    """Path of the score in the answer; if empty, the only number of the answer."""
    ranges: dict[str, tuple[float, float]] = msgspec.field(default_factory=dict)
    """Legal ranges of numeric fields; of other fields the observed range."""
    assertions: dict[str, Assertion] = msgspec.field(default_factory=dict)
    """Assertions on answers (key `assert`), by path."""
    ignore: tuple[str, ...] = ()
    """Paths of answers that are not compared."""
    tolerance: float | None = None
    """Difference of two numbers that counts as equal; `None` (`auto`): learned by asking the baseline twice."""
    private: tuple[str, ...] = ()
    """Fields whose real values are neither sent nor shown."""
    cases: tuple[str, ...] = ()
    """Files of saved failures that are replayed in every run."""
    budget: float = 60.0
    """Maximum duration in seconds, without shrinking."""
    schemathesis: Schemathesis | None = None
    """`None`: it does not run."""

    def runs(self, relation: str) -> bool:
        """Return whether a built-in relation is not switched off."""
        return relation not in self.off
