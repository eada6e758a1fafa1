"""Exact binomial bounds and tests. Imports only `scipy.special`: `scipy.stats` takes several times longer to load."""

from __future__ import annotations

from ghmlops.core.stats import special


def upper_bound(count: float, n: float, level: float) -> float:
    """Return the exact one-sided upper confidence bound of a proportion.

    Source: Clopper and Pearson (1934), Biometrika 26, 404-413.

    Args:
        count: Number of successes, 0 to n; effective counts of dependent trials may be fractional.
        n: Number of trials; without trials the bound is 1.
        level: Confidence level of this one bound, e.g. 0.99.
    """
    if count >= n:
        return 1.0
    return float(special.betaincinv(count + 1, n - count, level))


def lower_bound(count: float, n: float, level: float) -> float:
    """Return the exact one-sided lower confidence bound of a proportion.

    Source: Clopper and Pearson (1934), Biometrika 26, 404-413.

    Args:
        count: Number of successes, 0 to n; effective counts of dependent trials may be fractional.
        n: Number of trials; without trials the bound is 0.
        level: Confidence level of this one bound, e.g. 0.99.
    """
    if count <= 0:
        return 0.0
    return float(special.betaincinv(count, n - count + 1, 1.0 - level))


def p_at_least(count: int, n: int, proportion: float) -> float:
    """Return P(X >= count) for X ~ Binomial(n, proportion): the exact p-value against a larger proportion.

    Args:
        count: Number of successes.
        n: Number of trials.
        proportion: Probability of a success under the null hypothesis.
    """
    if count <= 0:
        return 1.0
    if count > n:
        return 0.0
    return float(special.betainc(count, n - count + 1, proportion))


def p_even_split(first: int, second: int) -> float:
    """Return the exact two-sided p-value of the null hypothesis that each trial falls on either side with p = 1/2.

    Without trials the p-value is 1.
    """
    n = first + second
    return min(1.0, 2.0 * p_at_least(max(first, second), n, 0.5))


def odd_one_out_p(candidate: int, others: int) -> float:
    """Return the exact one-sided p-value against one of three arms being the odd one more often than the other two.

    Null hypothesis: the arms are exchangeable, so each is the odd one (the other two agree) with probability 1/3. Rows
    on which all agree, or all differ, carry no information and are not counted. Compared with McNemar's test of
    candidate against twin, rows on which the baseline is the odd one count as well.

    Source: the triangle test of ISO 4120:2021 in its exact binomial form; each row is one triangle.

    Args:
        candidate: Number of rows on which the suspected arm is the odd one.
        others: Number of rows on which one of the other two is.
    """
    return p_at_least(candidate, candidate + others, 1.0 / 3.0)


def mcnemar_exact_p(only_baseline: int, only_candidate: int) -> float:
    """Return the exact one-sided p-value of McNemar's test against the candidate failing more often.

    Null hypothesis: a discordant pair (exactly one of the two failed) is equally likely to fall either way. Concordant
    pairs carry no information about the difference and are not counted.

    Source: McNemar (1947), Psychometrika 12, 153-157, in its exact (conditional binomial) form.

    Args:
        only_baseline: Number of pairs in which only the baseline failed.
        only_candidate: Number of pairs in which only the candidate failed.
    """
    return p_at_least(only_candidate, only_baseline + only_candidate, 0.5)


def paired_excess_bound(only_baseline: int, only_candidate: int, n: int, level: float) -> float:
    """Return an upper confidence bound of P(candidate fails) - P(baseline fails) from paired requests; at least 0.

    The excess is delta * (2 theta - 1), with delta the proportion of discordant pairs and theta the proportion of these
    in which the candidate failed. Each receives its exact upper bound at half of the error probability (Bonferroni), so
    the product is a bound at `level`.

    Args:
        only_baseline: Number of pairs in which only the baseline failed.
        only_candidate: Number of pairs in which only the candidate failed.
        n: Number of pairs; without pairs the bound is 1.
        level: Confidence level of the bound, e.g. 0.99.
    """
    discordant = only_baseline + only_candidate
    bound_level = 1.0 - (1.0 - level) / 2.0
    theta = upper_bound(only_candidate, discordant, bound_level)
    return upper_bound(discordant, n, bound_level) * max(0.0, 2.0 * theta - 1.0)
