"""Joins the logs of live traffic and of mirrored traffic by request id. Every live request is compared or dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ghmlops.core.shadow.recorded import endpoint_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.shadow.comparison import Comparison
    from ghmlops.core.shadow.logged import LoggedAnswer
    from ghmlops.core.shadow.recorded import Endpoint

_LOGS = ("live", "twin", "candidate")
"""The logs in the order of the arms."""


@dataclass(slots=True)
class ArmLog:
    """The log of one arm.

    Attributes:
        rows: answers by the number of their line or trace, from 1.
        unreadable: lines that are no answer, with the reason.
        truncated: whether the log is longer than what was read.
    """

    rows: list[tuple[int, LoggedAnswer]] = field(default_factory=list)
    unreadable: dict[int, str] = field(default_factory=dict)
    truncated: bool = False


def compare_logs(
    comparison: Comparison, live: ArmLog, candidate: ArmLog, twin: ArmLog | None, declared: Sequence[Endpoint]
) -> None:
    """Compare every live request with the mirrored one of the same id.

    An id that occurs twice in a log belongs to no particular request, so that both are dropped. If every log has
    bodies, a request without one of its bodies is not compared either; otherwise only statuses and content types are.

    Args:
        comparison: receives the answers and the drops.
        live: the log of the live service.
        candidate: the log of the candidate.
        twin: the log of a second mirror at the version of the live service.
        declared: endpoints that the policy calls safe, which give names.
    """
    for row, reason in live.unreadable.items():
        comparison.drop(f"live: unreadable: {reason}", f"line {row}")
    counts = Counter(answer.request_id for _, answer in live.rows)
    mirrors = {"twin": _by_id(twin)} if twin else {}
    mirrors["candidate"] = _by_id(candidate)
    with_bodies = all(any(one.has_body for _, one in log.rows) for log in (live, candidate, twin or live))
    for row, answer in live.rows:
        reason = "live: request id repeated" if counts[answer.request_id] > 1 else ""
        others = {arm: of_arm.get(answer.request_id, []) for arm, of_arm in mirrors.items()}
        reason = reason or next(filter(None, (_flaw(arm, answer, rows) for arm, rows in others.items())), "")
        if reason:
            comparison.drop(reason, f"line {row}")
            continue
        arms = [answer, others["twin"][0] if twin else answer, others["candidate"][0]]
        name, _ = endpoint_name(answer.method, answer.path, declared)
        lacking = next((log for log, arm in zip(_LOGS, arms, strict=True) if not arm.has_body), "")
        # A body that one log lacks is unknown, and no difference.
        answers = [replace(arm.answer, body=b"") if lacking else arm.answer for arm in arms]
        loss = f"{lacking}: body not logged" if lacking and with_bodies else ""
        comparison.add(row, name, answers, bodies=not lacking, loss=loss)
    comparison.orphans = sum(len(rows) for request_id, rows in mirrors["candidate"].items() if request_id not in counts)


def _by_id(log: ArmLog | None) -> dict[str, list[LoggedAnswer]]:
    result: dict[str, list[LoggedAnswer]] = {}
    for _, answer in log.rows if log else ():
        result.setdefault(answer.request_id, []).append(answer)
    return result


def _flaw(arm: str, live: LoggedAnswer, rows: Sequence[LoggedAnswer]) -> str:
    """Return why a mirrored answer cannot be compared with a live one; empty if it can."""
    if not rows:
        return f"{arm}: no mirrored request"
    if len(rows) > 1:
        return f"{arm}: request id repeated"
    same = (rows[0].method, rows[0].path) == (live.method, live.path)
    return "" if same else f"{arm}: id of another request"
