"""Details of the evidence of a shadow run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.answers.walk import child
from ghmlops.core.details.shadow import (
    AnswerRow,
    DropRow,
    EndpointRow,
    ExampleRow,
    PlaceRow,
    ProofRow,
    RequestCounts,
    ShadowDetails,
)
from ghmlops.core.model import finite
from ghmlops.core.shadow.constants import EXAMPLES_PER_PLACE, MAX_EXAMPLE_ROWS, MAX_PLACE_ROWS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ghmlops.core.answers.places import PlaceVerdict
    from ghmlops.core.policy.before_traffic.shadow import Shadow
    from ghmlops.core.shadow.outcome import Run

HIDDEN = "(private)"
NOT_QUOTED = "(not quoted)"
"""Stands for every answer of a service that may repeat a credential."""
_STEPS = re.compile(r'\["(?:[^"\\]|\\.)*"\]|\.[A-Za-z_][A-Za-z0-9_-]*')
_TOGETHER = ".*"


def shadow_details(run: Run, *, truncated: bool, credentials: int, asked_again: int, confirms: str) -> ShadowDetails:
    """Return the details of a run.

    Args:
        run: the run.
        truncated: whether the recording is longer than what was read.
        credentials: recorded credentials that were not sent again.
        asked_again: requests of the proofs, over all arms.
        confirms: digest of the evidence of the failed run that this run repeats.
    """
    comparison = run.comparison
    return ShadowDetails(
        settings=_public(run.policy),
        requests=RequestCounts(
            recorded=comparison.sendable + comparison.refused,
            refused=comparison.refused,
            compared=comparison.compared,
            identical=comparison.identical,
            truncated=truncated,
            credentials=credentials,
            asked_again=asked_again,
        ),
        endpoints=[_endpoint(run, name) for name in comparison.tallies],
        places=[_place(run, verdict) for verdict in run.verdicts[:MAX_PLACE_ROWS]],
        examples=_examples(run),
        proofs=[
            ProofRow(
                endpoint=question.endpoint,
                path=question.place.path,
                aspect=question.place.aspect.value,
                row=question.row,
                repetitions=repetitions,
                proven=proven,
            )
            for question, repetitions, proven in run.proofs
        ],
        answers=_by_arm(comparison.answers),
        flaws=_by_arm(comparison.flaws),
        drops=[
            DropRow(reason=reason, requests=drop.requests, example=drop.example)
            for reason, drop in sorted(
                (comparison.refusals | comparison.losses).items(), key=lambda item: -item[1].requests
            )
        ],
        confirms=confirms,
    )


def is_private(path: str, names: Collection[str]) -> bool:
    """Return whether a path leads through a field that the policy calls private, or may do so.

    Fields that are counted together at their parent have no names of their own.
    """
    if not names:
        return False
    steps = {child("", name) for name in names}
    return path.endswith(_TOGETHER) or any(step in steps for step in _STEPS.findall(path))


def _public(policy: Shadow) -> Shadow:
    """Return the section without the values of headers, which may contain a secret."""
    send = msgspec.structs.replace(policy.send, headers=dict.fromkeys(policy.send.headers, ""))
    return msgspec.structs.replace(policy, send=send)


def _endpoint(run: Run, name: str) -> EndpointRow:
    tally = run.comparison.tallies[name]
    verdicts = [verdict for verdict in run.verdicts if verdict.endpoint == name]
    again = {question.place for question in run.proven_rows if question.endpoint == name}
    return EndpointRow(
        endpoint=name,
        compared=tally.n,
        identical=tally.equal,
        changed=sum(verdict.proven or verdict.place in again for verdict in verdicts),
        noisy=sum(verdict.twin_rows > 0 for verdict in verdicts),
        worst=verdicts[0].place.path if verdicts else "",
    )


def _place(run: Run, verdict: PlaceVerdict) -> PlaceRow:
    again = any(q.endpoint == verdict.endpoint and q.place == verdict.place for q in run.proven_rows)
    return PlaceRow(
        endpoint=verdict.endpoint,
        path=verdict.place.path,
        aspect=verdict.place.aspect.value,
        proven_by="test" if verdict.proven else "re-asking" if again else "",
        rows=verdict.candidate_rows,
        noise_rows=verdict.twin_rows,
        odd_candidate=verdict.odd_candidate,
        odd_others=verdict.odd_others,
        tolerance=finite(verdict.tolerance),
        p=finite(verdict.adjusted),
    )


def _examples(run: Run) -> list[ExampleRow]:
    rows = []
    for verdict in run.verdicts:
        private = is_private(verdict.place.path, run.policy.private)
        hidden = HIDDEN if private else "" if run.quotes else NOT_QUOTED
        for example in verdict.examples[:EXAMPLES_PER_PLACE]:
            rows.append(
                ExampleRow(
                    endpoint=verdict.endpoint,
                    path=verdict.place.path,
                    row=example.row,
                    baseline=hidden or example.baseline,
                    candidate=hidden or example.candidate,
                )
            )
            if len(rows) == MAX_EXAMPLE_ROWS:
                return rows
    return rows


def _by_arm(counts: Mapping[str, Mapping[str, int]]) -> list[AnswerRow]:
    kinds = dict.fromkeys(kind for of_arm in counts.values() for kind in of_arm)
    return [AnswerRow(kind=kind, **{arm: of_arm.get(kind, 0) for arm, of_arm in counts.items()}) for kind in kinds]
