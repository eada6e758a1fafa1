"""When a training may be started, as a function of the trainings that were requested before."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.harvest.golden import digest_key
from ghmlops.core.harvest.retraining import REFERENCE_DAYS
from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ghmlops.core.harvest.retraining import Decision, Prices

_DOCS = "actions/harvest/README.md#retraining"
_NAME = re.compile(r"[^a-z0-9]+")
_DAY = 86_400


class Limits(NamedTuple):
    """Days between two trainings, and the most trainings of a calendar month."""

    cooldown: float
    per_month: int


def request_prefix(service: str) -> str:
    """Return what the ids of all requests of a service start with, and those of no other service."""
    name = _NAME.sub("-", service.lower()).strip("-")
    # The digest distinguishes services whose names have the same letters, or none of this alphabet.
    return "-".join(filter(None, ("retrain", name, digest_key(service)[:6]))) + "-"


def request_id(service: str, now: float) -> str:
    """Return the id of the request of a day (UTC): whoever decides on the same day asks for the same training."""
    return request_prefix(service) + datetime.fromtimestamp(now, UTC).strftime("%Y%m%d")


def request_days(service: str, names: Iterable[str]) -> list[date]:
    """Return the days of the requests of a service in the names of runs, in ascending order."""
    pattern = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(request_prefix(service))}(\d{{8}})(?!\d)")
    days = []
    for match in filter(None, map(pattern.search, names)):
        try:
            days.append(datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC).date())
        except ValueError:  # Somebody gave a run a name that looks like a request.
            continue
    return sorted(days)


def limit_reason(days: Iterable[date], limits: Limits, now: float) -> str:
    """Return why no training may be started now; empty if it may.

    Args:
        days: days of earlier requests.
        limits: limits of the policy.
        now: time in seconds since the epoch.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    earlier = [day for day in days if day < today]
    if earlier and today - max(earlier) < timedelta(days=limits.cooldown):
        return f"the last one was requested on {max(earlier)}, and the cooldown is {limits.cooldown:g} days"
    month = sum(1 for day in earlier if (day.year, day.month) == (today.year, today.month))
    if month >= limits.per_month:
        return f"{month} were requested this month, and at most {limits.per_month} may be"
    return ""


def retrain_finding(decision: Decision, prices: Prices, state: str) -> Finding:
    """Return the finding about training again. `state` says what was done about it; empty if nothing is to be done."""
    if decision.late:
        outcome = Outcome.INCONCLUSIVE
        reason = (
            f"The log starts more than {REFERENCE_DAYS} days after the last deployment, so that nothing says how good "
            "the model was: harvest the logs since the deployment."
        )
    elif decision.reference is None:
        outcome = Outcome.INCONCLUSIVE
        reason = (
            f"Only {decision.days:,} days since the last deployment have mature labels of both classes, too few to "
            "know how good the model is."
        )
    elif not decision.retrain:
        outcome = Outcome.PASS
        reason = (
            f"Training again does not pay: the area under the ROC curve was {decision.reference:.4f} since the last "
            f"deployment; what is proven of a decline since then saves {decision.saving:.4g}, less than the price of "
            f"{prices.training:.4g}."
        )
    else:
        outcome = Outcome.WARN
        reason = (
            f"Training again pays: the area under the ROC curve fell by about {decision.decline:.4f} from "
            f"{decision.reference:.4f} in the last {decision.span:,} days, which saves {decision.saving:.4g} at a "
            f"price of {prices.training:.4g}; {state}."
        )
    return Finding(
        id="harvest-retrain",
        metric="auc",
        outcome=outcome,
        reason=reason,
        docs=_DOCS,
        description="The model has not become so much worse that training again pays.",
        baseline=decision.reference,
        n=decision.days,
    )
