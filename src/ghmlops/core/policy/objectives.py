"""Objectives (SLOs) of the candidate alone."""

from __future__ import annotations

import msgspec

from ghmlops.core.policy.section import Section

OBJECTIVES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


class Objectives(Section, frozen=True, kw_only=True):
    """Limits on the candidate alone: seconds for quantiles of the response time, a ratio for errors."""

    quantiles: dict[str, float] = msgspec.field(default_factory=dict)
    errors: float | None = None
    first_token: dict[str, float] = msgspec.field(default_factory=dict)
    """Streams: seconds from the scheduled send to the first token, by quantile."""
    first_output_token: dict[str, float] = msgspec.field(default_factory=dict)
    """Streams: seconds from the scheduled send to the first token of text or of a tool call, after any reasoning."""
    token_gap: dict[str, float] = msgspec.field(default_factory=dict)
    """Streams: seconds between tokens, by quantile of the gaps within each response."""

    @property
    def on_tokens(self) -> bool:
        """True if there is an objective on the tokens of a stream."""
        return bool(self.first_token or self.first_output_token or self.token_gap)

    @property
    def empty(self) -> bool:
        """True if there is no objective."""
        return not self.quantiles and self.errors is None and not self.on_tokens
