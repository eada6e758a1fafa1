"""The special functions are SciPy's own, and SciPy stays complete for everybody else in the process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from scipy import special as complete

from ghmlops.core.stats import special

CHECK = """\
import sys, threading
from ghmlops.core.stats import special
assert "scipy.special" not in sys.modules and "numpy.f2py" not in sys.modules
from scipy import special as complete
assert all(getattr(special, name) is getattr(complete, name) for name in special.__all__)
assert abs(complete.softmax([0.0, 0.0])[0] - 0.5) < 1e-15
from scipy import stats
assert stats.norm.cdf(0.0) == 0.5
"""
RACE = """\
import sys, threading
errors = []
def load():
    try:
        from scipy import special
        special.softmax([1.0])
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=load) for _ in range(4)]
for thread in threads[:2]: thread.start()
from ghmlops.core.stats.special import ndtr
for thread in threads[2:]: thread.start()
for thread in threads: thread.join()
from scipy import special
assert (errors, ndtr) == ([], special.ndtr), errors
"""
OTHER_VERSION = """\
import importlib, sys
real = importlib.import_module
def without(name, *rest):
    if name == "scipy.special._ufuncs": raise ModuleNotFoundError(name)
    return real(name, *rest)
importlib.import_module = without
from ghmlops.core.stats import special
assert special.ndtr(0.0) == 0.5 and "scipy.special" in sys.modules
"""


def run(program: str) -> str:
    """Run a program in a fresh interpreter and return its error."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    return done.stderr if done.returncode else ""


def test_the_functions_are_those_of_scipy() -> None:
    """The same objects, so that every number is equal to the bit; `digamma` is SciPy's name of `psi`."""
    assert all(getattr(special, name) is getattr(complete, name) for name in special.__all__)
    assert special.digamma is complete.psi
    assert np.isclose(special.digamma(1.0), -0.5772156649015329, rtol=1e-15)


def test_the_rest_of_scipy_is_not_loaded() -> None:
    """A later import of the package is complete, with functions that are not ufuncs, and so is `scipy.stats`."""
    assert run(CHECK) == ""


def test_other_threads_import_the_complete_package() -> None:
    """A thread that imports SciPy at the same time waits and never receives a part of it."""
    assert run(RACE) == ""


def test_another_version_of_scipy() -> None:
    """If the functions are arranged in another way, the complete package is used."""
    assert run(OTHER_VERSION) == ""
