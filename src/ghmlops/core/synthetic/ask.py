"""What is sent: a generated row, how its body is spelled, and when it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.core.synthetic.rows.fields import Json


class Numbers(StrEnum):
    """Spelling of the numbers of a body."""

    PLAIN = "plain"
    DECIMAL = "decimal"
    """1 as 1.0, and 2.5 as 2.50."""
    EXPONENT = "exponent"
    """1 as 1e0, and 2.5 as 25e-1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a body is written; its value stays the same, but for `extra`.

    Attributes:
        reverse_keys: whether the keys of every object are written in the opposite order.
        numbers: spelling of the numbers.
        extra: name of an additional key of the top-level object; empty for none.
    """

    reverse_keys: bool = False
    numbers: Numbers = Numbers.PLAIN
    extra: str = ""


class When(StrEnum):
    """When a request is sent."""

    ALONE = "alone"
    AFTER_OTHER = "after-other"
    """Directly after a request with another row."""
    UNDER_LOAD = "under-load"
    """While other requests are in flight."""
    EARLIER = "earlier"
    """The answer of the first request of the run, which is not sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows that are sent as one request, and the index of the one whose answer is judged."""

    rows: tuple[Json, ...]
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, independent of the endpoint's template and preset.

    Attributes:
        row: the row; of a batch, the one that is judged.
        spelling: how its body is written.
        when: when it is sent.
        batch: the batch that contains the row; `None`: it is sent alone.
        literal: body that is sent in place of the row's; `None`: the row's.
    """

    row: Json
    spelling: Spelling = Spelling()
    when: When = When.ALONE
    batch: Batch | None = None
    literal: bytes | None = None


class Expected(StrEnum):
    """What must hold of the answer to a follow-up request."""

    SAME = "same"
    """Its answer is that of the source request, up to the noise."""
    NOT_LOWER = "not-lower"
    """Its score is not below that of the source."""
    NOT_HIGHER = "not-higher"
    SERVED = "served"
    """2xx, and only finite numbers."""
    NOT_CRASHED = "not-crashed"
    """As SERVED, or refused by a 4xx status."""
    REFUSED = "refused"
    """4xx."""
    ASSERTED = "asserted"
    """The assertions of the policy hold."""

    @property
    def judged_alone(self) -> bool:
        """Whether only the answer to the changed request is judged."""
        return self in (Expected.SERVED, Expected.NOT_CRASHED, Expected.REFUSED, Expected.ASSERTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A changed request, and what must hold of its answer.

    Attributes:
        ask: the request.
        expected: what must hold.
        change: the change in a few words, without values of rows.
        source: request to compare with; `None`: the unchanged row alone.
        fields: fields that the change touches.
    """

    ask: Ask
    expected: Expected
    change: str
    source: Ask | None = None
    fields: tuple[str, ...] = ()
