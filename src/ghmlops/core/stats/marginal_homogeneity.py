"""The Stuart-Maxwell test of marginal homogeneity: is every class as frequent after a change as before it?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghmlops.core.stats import Floats, Ints, special

_RANK_TOLERANCE = 1e-10
"""Eigenvalues below this fraction of the largest count as 0 when the rank of the covariance is determined."""


class Homogeneity(NamedTuple):
    """The statistic of a test of marginal homogeneity, its degrees of freedom and its p-value."""

    statistic: float
    df: int
    """Degrees of freedom: the rank of the covariance of the shifts."""
    p: float
    """p-value; 1 if nothing changed."""


def stuart_maxwell(table: Floats, squares: Floats | None = None) -> Homogeneity:
    """Test the null hypothesis that every class is as frequent after as before, for independent rows.

    Classes that never change, and groups of classes that exchange rows only among themselves, add no degree of
    freedom: the rank of the covariance determines them. With two classes this is McNemar's chi-squared test.

    Sources: Stuart (1955), Biometrika 42, 412-416; Maxwell (1970), British Journal of Psychiatry 116, 651-655.

    Args:
        table: Number of rows by class before (first axis) and after (second axis), shape (k, k); of weighted rows the
            sum of their weights.
        squares: Sum of the squared weights, same shape; None: weights are 1. The covariance of the weighted shifts
            under the null hypothesis is the sum of the squares of each row's shift.
    """
    variances = table if squares is None else squares
    both_ways = variances + variances.T
    covariance = np.diag(both_ways.sum(axis=1)) - both_ways
    return _quadratic_form(table.sum(axis=0) - table.sum(axis=1), covariance)


def stuart_maxwell_clustered(cluster: Ints, category: Ints, rows: Floats, classes: int) -> Homogeneity:
    """Test the same null hypothesis if rows depend on each other within clusters.

    The statistic of independent rows is the total shift against the second moment, about 0, of each row's shift. Here
    each cluster's shift takes the place of a row's.

    Args:
        cluster: Cluster of each entry, 0 to g - 1, shape (m,).
        category: Class of each entry, 0 to classes - 1, shape (m,).
        rows: Number of rows by which the class grew in the cluster (negative: shrank), shape (m,); entries of the same
            cluster and class add up.
        classes: Number of classes.
    """
    # Imported here because it takes longer to load than all else that a policy without groups needs.
    from scipy import sparse

    shape = (int(cluster.max(initial=-1)) + 1, classes)
    shifts = sparse.csr_array((rows, (cluster, category)), shape=shape)
    return _quadratic_form(np.asarray(shifts.sum(axis=0)), (shifts.T @ shifts).toarray())


def _quadratic_form(total: Floats, covariance: Floats) -> Homogeneity:
    """Return total' covariance^- total with a generalised inverse, and its chi-squared p-value."""
    active = np.diag(covariance) > 0
    if not active.any():
        return Homogeneity(0.0, 0, 1.0)
    values, vectors = np.linalg.eigh(covariance[np.ix_(active, active)])
    nonzero = values > _RANK_TOLERANCE * values[-1]
    projection = vectors[:, nonzero].T @ total[active]
    statistic, df = float(np.sum(projection**2 / values[nonzero])), int(nonzero.sum())
    return Homogeneity(statistic, df, float(special.chdtrc(df, statistic)))
