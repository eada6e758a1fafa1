"""Policy section `harvest`: its types and defaults. `core.policyfile.production.harvest` reads it.

Durations are in seconds, ratios are fractions. Nothing is taken from the traffic that this section does not name.
"""

from __future__ import annotations

from typing import Literal

from ghmlops.core.policy.section import Section

GoldenKind = Literal["errors", "disagreements", "rare", "random"]


class Traffic(Section, frozen=True, kw_only=True):
    """Logs of live requests: one JSON object per line."""

    files: str
    """Path below the working directory; `*` and `**` match names."""
    id: str
    """Path of the request's identifier in a line; `a.b` is the key `b` of the object `a`."""
    time: str
    """Path of the time of the request: numbers since 1970, or ISO 8601."""
    body: str = ""
    """Path of the object that was sent; empty: the line itself."""
    client: str = ""
    """Path of what identifies a client; it is read to find poisoned traffic, and never written."""
    score: str = ""
    """Path of the score that was answered, for the area under the ROC curve of each day."""
    client_share: float = 0.2
    """Share of all requests above which a single client is not sampled."""


class Keep(Section, frozen=True, kw_only=True):
    """The sample of payloads."""

    fields: tuple[str, ...]
    """Paths in the body that are taken. A path of an object needs `.*`, which takes everything in it."""
    file: str = "data/requests.parquet"
    """Parquet file with the columns `body` and `weight`."""
    rows: int = 20_000
    slices: tuple[str, ...] = ()
    """Fields whose values are slices."""
    rare: int = 30
    """Number of requests of each slice value, if there are as many."""


class Demand(Section, frozen=True, kw_only=True):
    """The profile of arrivals, which `latency` replays."""

    file: str = "data/demand.json"
    period: float = 7 * 86_400.0
    """Seconds after which the demand repeats itself."""


class Outcomes(Section, frozen=True, kw_only=True):
    """Outcomes that come later than the requests, one row each."""

    file: str
    """Parquet, CSV or JSON Lines."""
    key: str
    """Column with the identifier of the request."""
    label: str
    mature: float
    """Age in seconds of a request at which its label counts; a label that came later does not count."""
    time: str = ""
    """Column with the time of the outcome."""
    censored: str = ""
    """Boolean column: the request has no outcome because of what was answered, so that its label says nothing."""
    days: str = "data/outcomes.csv"
    """File with the outcomes of each day, which `watch` can read."""


class RetrainCost(Section, frozen=True, kw_only=True):
    """Prices in one unit."""

    retrain: float
    """Price of a training."""
    point_of_auc_per_day: float
    """Price of a decline of the area under the ROC curve by 0.01, per day."""


class Retrain(Section, frozen=True, kw_only=True):
    """When the model is trained again."""

    cost: RetrainCost
    dispatch: str
    """File name of the workflow, which shows its input `request` in its `run-name`."""
    branch: str = "main"
    """Branch on which the workflow runs."""
    cooldown: float = 7 * 86_400.0
    """Seconds between two trainings."""
    max_per_month: int = 2


class Disagreements(Section, frozen=True, kw_only=True):
    """Answers of two models to the same requests: Parquet files that `regression` compares, or those of `shadow`."""

    baseline: str
    candidate: str
    value: str
    """Column that is compared, such as the decision; `a.b` is this column, or the key `b` of the column `a`."""
    key: str = "request_id"
    """Column with the identifier of the request."""
    recording: str = ""
    """Recording of `shadow` with the column `key`, for answers whose key is the number of a row; empty: none."""
    tolerance: float = 0.0
    """Largest difference of two numbers that is no disagreement."""


class Golden(Section, frozen=True, kw_only=True):
    """Cases with a label, on which no model is trained; they change by pull request only."""

    file: str = "data/golden.parquet"
    rows: int = 5_000
    """Most cases of the set."""
    add: tuple[GoldenKind, ...] = ("errors", "rare", "random")
    base: str = "main"
    """Branch that the pull request goes to."""
    training: str = ""
    """Parquet file with the training data, whose rows may not be cases."""
    training_key: str = "request_id"
    """Column with the identifier of the request in the training data."""
    disagreements: Disagreements | None = None
    """Answers among which the kind `disagreements` is looked for."""


class Harvest(Section, frozen=True, kw_only=True):
    """What is taken from live traffic."""

    traffic: Traffic
    keep: Keep | None = None
    demand: Demand | None = None
    outcomes: Outcomes | None = None
    golden: Golden | None = None
    retrain: Retrain | None = None
