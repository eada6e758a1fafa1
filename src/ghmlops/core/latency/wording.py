"""Number formats and phrases shared by the reasons of latency findings."""

from __future__ import annotations


def format_ms(value: float) -> str:
    """Return a time in milliseconds with three significant digits, without unit: `1.17`, `142`, `1,250`."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def format_change(change: float | None) -> str:
    """Return a relative change as a signed percentage: `+72.1 %`, `+208 %`; `no limit` if it is unbounded."""
    if change is None:
        return "no limit"
    return f"{change:+,.0%}".replace("%", " %") if abs(change) >= 1 else f"{change:+.1%}".replace("%", " %")


def format_share(share: float) -> str:
    """Return a share as a percentage without trailing zeros: `10 %`, `0.5 %`."""
    return f"{100 * share:.4g} %"


def format_bound(bound: float) -> str:
    """Return a confidence bound of a share with three decimals: `0.982 %`."""
    return f"{100 * bound:.3f} %"
