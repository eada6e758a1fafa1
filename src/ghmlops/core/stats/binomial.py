"""Exact binomial bounds and tests. Only `scipy.special` is loaded, which is light; `scipy.stats` is not."""

from __future__ import annotations

from scipy import special


def upper_bound(count: float, n: float, level: float) -> float:
    """Return the exact (Clopper-Pearson) one-sided upper bound of a proportion.

    Args:
        count: successes seen, 0..n; effective counts of dependent trials need not be whole.
        n: trials; with none the bound is 1.
        level: confidence of this one bound, e.g. 0.99.
    """
    if count >= n:
        return 1.0
    return float(special.betaincinv(count + 1, n - count, level))


def lower_bound(count: float, n: float, level: float) -> float:
    """Return the exact (Clopper-Pearson) one-sided lower bound of a proportion; arguments as `upper_bound`."""
    if count <= 0:
        return 0.0
    return float(special.betaincinv(count, n - count + 1, 1.0 - level))


def p_at_least(count: int, n: int, proportion: float) -> float:
    """Return P(X >= count) for X binomial(n, proportion): the exact one-sided p-value."""
    if count <= 0:
        return 1.0
    if count > n:
        return 0.0
    return float(special.betainc(count, n - count + 1, proportion))


def p_even_split(first: int, second: int) -> float:
    """Return the exact two-sided p-value that `first` and `second` are a fair split of their sum; 1 for none."""
    n = first + second
    return min(1.0, 2.0 * p_at_least(max(first, second), n, 0.5))


def mcnemar_p_harm(only_baseline: int, only_candidate: int) -> float:
    """Return the exact one-sided p-value of McNemar's test that the candidate fails more often.

    Args:
        only_baseline: pairs in which only the baseline failed.
        only_candidate: pairs in which only the candidate failed. Pairs alike say nothing and are not counted.

    Source: McNemar (1947), in its exact (binomial) form: under no change a discordant pair falls either way evenly.
    """
    return p_at_least(only_candidate, only_baseline + only_candidate, 0.5)


def paired_excess_bound(only_baseline: int, only_candidate: int, n: int, level: float) -> float:
    """Return an upper bound of P(fails on the candidate) - P(fails on the baseline) from `n` pairs; at least 0.

    The excess is delta * (2 theta - 1) for the share delta of discordant pairs and the share theta of these in which
    the candidate failed. Both get their exact upper bound at half of the risk (Bonferroni): the bound holds at `level`.
    """
    discordant = only_baseline + only_candidate
    each = 1.0 - (1.0 - level) / 2.0
    theta = upper_bound(only_candidate, discordant, each)
    return upper_bound(discordant, n, each) * max(0.0, 2.0 * theta - 1.0)
