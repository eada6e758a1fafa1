"""Are changes between classes as frequent one way as the other? Stuart-Maxwell's test of the net shifts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_CLOSE = 1e-10


class Homogeneity(NamedTuple):
    """The statistic, its degrees of freedom and its p-value (1 where nothing changed)."""

    statistic: float
    freedom: int
    p: float


def marginal(table: Floats) -> Homogeneity:
    """Test whether every class is as frequent after as before.

    Args:
        table: independent rows by class before and after, shape (k, k).

    Source: Stuart (1955), Maxwell (1970). Classes that never change, and groups of classes that only exchange rows
    among themselves, cost no degree of freedom: the rank of the covariance counts.
    """
    both = table + table.T
    covariance = np.diag(both.sum(axis=1)) - both
    return _quadratic(table.sum(axis=0) - table.sum(axis=1), covariance)


def clustered(cluster: Ints, kind: Ints, rows: Floats, classes: int) -> Homogeneity:
    """Test the same where rows depend on each other inside clusters.

    Args:
        cluster: 0..g-1, shape (m,).
        kind: class 0..classes-1, shape (m,).
        rows: how many rows the cluster gained in the class (or lost, negative), shape (m,); entries add up.
        classes: number of classes.

    Source: the statistic above is the sum of the shifts against their second moments about 0; here over clusters, in
    place of rows.
    """
    from scipy import sparse  # most policies name no group, and it takes longer to load than all that they need

    shape = (int(cluster.max(initial=-1)) + 1, classes)
    shifts = sparse.csr_array((rows, (cluster, kind)), shape=shape)
    return _quadratic(np.asarray(shifts.sum(axis=0)), (shifts.T @ shifts).toarray())


def _quadratic(total: Floats, covariance: Floats) -> Homogeneity:
    active = np.diag(covariance) > 0
    if not active.any():
        return Homogeneity(0.0, 0, 1.0)
    values, vectors = np.linalg.eigh(covariance[np.ix_(active, active)])
    real = values > _CLOSE * values[-1]
    projected = vectors[:, real].T @ total[active]
    statistic, freedom = float(np.sum(projected**2 / values[real])), int(real.sum())
    return Homogeneity(statistic, freedom, float(special.chdtrc(freedom, statistic)))
