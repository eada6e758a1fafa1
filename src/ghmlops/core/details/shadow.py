"""Details of the evidence of `shadow`: every request accounted for, answers by kind, places that differ, examples."""

from __future__ import annotations

from ghmlops.core.model import Frozen
from ghmlops.core.policy.before_traffic.shadow import Shadow


class RequestCounts(Frozen, frozen=True, kw_only=True):
    """Recorded requests: all of them are compared, or are in `drops` with a reason.

    Attributes:
        recorded: requests of the recording.
        refused: of these, requests that are never sent again.
        compared: requests that baseline and twin answered.
        identical: of these, requests that the candidate answered like the baseline, byte for byte or value for value.
        truncated: whether the recording is longer than what was read.
        credentials: recorded headers with credentials that were not sent again.
        asked_again: requests that were sent again to prove single changes, over all arms.
    """

    recorded: int
    refused: int
    compared: int
    identical: int
    truncated: bool
    credentials: int
    asked_again: int


class DropRow(Frozen, frozen=True, kw_only=True):
    """Requests that were not compared for one reason, and the first of them."""

    reason: str
    requests: int
    example: str


class EndpointRow(Frozen, frozen=True, kw_only=True):
    """One endpoint: compared requests, identical answers, and rows that changed beyond the noise of the baseline.

    Attributes:
        endpoint: method and path template.
        compared: requests whose answers were compared.
        identical: of these, requests with the same answer.
        changed: places at which a change is proven.
        noisy: places at which baseline and twin differ.
        worst: place with the smallest p-value; empty if nothing differs.
    """

    endpoint: str
    compared: int
    identical: int
    changed: int
    noisy: int
    worst: str


class AnswerRow(Frozen, frozen=True, kw_only=True):
    """Answers of one kind: a status, or why there is none; or a flaw of their JSON."""

    kind: str
    baseline: int
    twin: int
    candidate: int


class PlaceRow(Frozen, frozen=True, kw_only=True):
    """One place that differs.

    Attributes:
        endpoint: method and path template.
        path: path in the answer.
        aspect: `value`, `shape` or `order`.
        proven_by: `test`, `re-asking`, or empty if the noise of the baseline explains the differences.
        rows: rows on which candidate and baseline differ.
        noise_rows: rows on which twin and baseline differ.
        odd_candidate: rows on which the candidate is the odd one.
        odd_others: rows on which baseline or twin is.
        tolerance: learned tolerance.
        p: p-value, corrected for all places.
    """

    endpoint: str
    path: str
    aspect: str
    proven_by: str
    rows: int
    noise_rows: int
    odd_candidate: int
    odd_others: int
    tolerance: float | None
    p: float | None


class ProofRow(Frozen, frozen=True, kw_only=True):
    """One row that was asked again at one place, `repetitions` times per arm."""

    endpoint: str
    path: str
    aspect: str
    row: int
    repetitions: int
    proven: bool


class ExampleRow(Frozen, frozen=True, kw_only=True):
    """A row on which the candidate differs; values of private fields are hidden."""

    endpoint: str
    path: str
    row: int
    baseline: str
    candidate: str


class ShadowDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="shadow"):
    """Details of the evidence of `shadow`.

    Attributes:
        settings: the section `shadow` in force, without header values.
        requests: what became of the recorded requests.
        endpoints: one row per endpoint.
        places: places that differ, the surest change first.
        examples: rows on which the candidate differs, of the first places.
        proofs: rows that were asked again.
        answers: answers by kind and arm.
        flaws: answers whose body is no plain JSON, by flaw and arm.
        drops: requests that were not compared, by reason.
        confirms: digest of the evidence of the failed run that this run repeats; empty for any other run.
    """

    settings: Shadow
    requests: RequestCounts
    endpoints: list[EndpointRow]
    places: list[PlaceRow]
    examples: list[ExampleRow]
    proofs: list[ProofRow]
    answers: list[AnswerRow]
    flaws: list[AnswerRow]
    drops: list[DropRow]
    confirms: str
