"""Whether a paired run was saturated: what that withdraws, and the finding that states a rate to try instead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.latency.constants import BLOCK_SIZE, KNEE_SHARE, MIN_PAIRS_TO_PASS, SATURATED
from ghmlops.core.latency.duet import LEVELS
from ghmlops.core.latency.saturation.overload import growth
from ghmlops.core.latency.wording import format_share
from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.latency.duet import Duet
    from ghmlops.core.policy.latency import Arrivals

ID = "saturation"
DOCS = "actions/latency/README.md#saturation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """Signs of saturation in a paired run.

    Attributes:
        growth: Growth of the response time by arm, in seconds per second of the run; 0 if none is shown.
        lasting_noise: Number of requests that the noise of one arm lasts.
        pairs: Number of pairs of blocks from which `lasting_noise` is estimated.
        decision: Decision of the paired verdict.
        rate: Arrival rate in requests per second; 0 for demand that changes over time.
    """

    growth: dict[str, float]
    lasting_noise: float
    pairs: int
    decision: str
    rate: float

    @property
    def baseline_overloaded(self) -> bool:
        """Whether the baseline receives more requests than it completes, so that nothing is comparable."""
        return self.growth["baseline"] > 0

    @property
    def is_saturated(self) -> bool:
        """Whether the run is saturated.

        A failure stands if only the candidate is overloaded: then the candidate cannot serve what the baseline can.
        Lasting noise is a sign only in a run that is long enough for a decision: two or three blocks on a busy machine
        differ as much by chance, and then the length of the run is why nothing is decided, not its rate.
        """
        if self.decision == "fail" and not self.baseline_overloaded:
            return False
        lasting = not self.decision and self.pairs >= MIN_PAIRS_TO_PASS and self.lasting_noise > SATURATED
        return any(self.growth.values()) or lasting

    @property
    def advised_rate(self) -> float:
        """Rate to try instead, in requests per second, with two significant digits; 0 for demand that changes."""
        return advised_rate(self.rate / (1 + max(self.growth.values())))


def saturation_of(duet: Duet, arrivals: Arrivals, observed: Duet | None = None) -> Saturation:
    """Return the signs of saturation in a paired run.

    The response times of all pairs count, also of those after the decision. Demand that changes over time changes the
    response times too; for it only lasting noise is a sign.

    Args:
        duet: The paired verdict.
        arrivals: The arrival process.
        observed: The same verdict after all pairs of the run; by default `duet`.
    """
    rate = 0.0 if arrivals.shaped else arrivals.rate
    pairs = observed or duet
    seconds = BLOCK_SIZE * pairs.shards / rate if rate > 0 else 0.0
    grown = {arm: growth(pairs.other_statistics[name], pairs.windows, seconds) for arm, name in LEVELS.items()}
    return Saturation(
        growth=grown,
        lasting_noise=duet.persistence,
        pairs=duet.pairs,
        decision=duet.decision,
        rate=rate,
    )


def advised_rate(knee: float) -> float:
    """Return the share `KNEE_SHARE` of a knee, rounded down to two significant digits; 0 without a knee."""
    rate = KNEE_SHARE * knee
    if not rate > 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return round(math.floor(rate / unit + 1e-9) * unit, 12)


def saturation_finding(saturation: Saturation, n: int) -> Finding | None:
    """Return the finding of a saturated run; `None` if the run is not saturated.

    Args:
        saturation: Signs of saturation.
        n: Number of judged requests per arm.
    """
    if not saturation.is_saturated:
        return None
    overloaded = [arm for arm, share in saturation.growth.items() if share]
    if overloaded:
        share = max(saturation.growth.values())
        arms = " and ".join(f"the {arm}" for arm in overloaded)
        cause = f"{arms} completed fewer requests than were sent: {format_share(round(share, 3))} of them accumulated"
        if overloaded == ["candidate"]:
            cause += " (a slower candidate can be the cause)"
    else:
        cause = f"the noise of one arm lasted for {saturation.lasting_noise:.0f} requests"
        cause += f" (at most {SATURATED:.0f} are allowed), because requests wait in a queue"
    advice = f"try {saturation.advised_rate:g}/s" if saturation.advised_rate else "lower the demand"
    return Finding(
        id=ID,
        metric=ID,
        description="The arms complete what is sent to them, and their noise does not outlast a block.",
        outcome=Outcome.INCONCLUSIVE,
        reason=f"The rate is too high for this runner: {cause}; {advice}.",
        docs=DOCS,
        unit="requests",
        candidate=round(saturation.lasting_noise, 3),
        margin=SATURATED,
        n=n,
    )


def withdraw(findings: Sequence[Finding], saturation: Saturation) -> list[Finding]:
    """Return `findings`, those that a saturated run does not support made `inconclusive`.

    If the baseline is overloaded, nothing is judged. If only the candidate may be, no pass counts.
    """
    if not saturation.is_saturated or not any(saturation.growth.values()):
        return list(findings)
    outcomes = (Outcome.PASS, Outcome.FAIL) if saturation.baseline_overloaded else (Outcome.PASS,)
    return [
        msgspec.structs.replace(f, outcome=Outcome.INCONCLUSIVE, reason=f"Not judged, because of {ID}: {f.reason}")
        if f.outcome in outcomes
        else f
        for f in findings
    ]
