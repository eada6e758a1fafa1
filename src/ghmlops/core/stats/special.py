"""The functions of `scipy.special` that ghmlops uses, loaded without the rest of that package.

`import scipy.special` takes 0.2 s of processor time, half of it for `numpy.f2py` and `numpy.testing`, which its support
for other array libraries imports. The functions themselves are ufuncs of the extension module `scipy.special._ufuncs`,
which loads in 0.01 s. They are the same objects, so that no number depends on how they were loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from threading import get_ident
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from scipy.special import (
        betainc,
        betaincinv,
        chdtrc,
        digamma,
        expit,
        kolmogorov,
        logit,
        ndtr,
        ndtri,
        rel_entr,
        stdtr,
        stdtrit,
    )

__all__ = [
    "betainc",
    "betaincinv",
    "chdtrc",
    "digamma",
    "expit",
    "kolmogorov",
    "logit",
    "ndtr",
    "ndtri",
    "rel_entr",
    "stdtr",
    "stdtrit",
]
_PACKAGE = "scipy.special"
_ALIASES = {"digamma": "psi"}
"""Names in the extension module that differ from those of the package."""


class _Loaded(Exception):
    """Ends the import of the package after its extension module."""


class _ExtensionOnly:
    """Finder and loader of `scipy.special` that loads its extension module and then lets the import fail.

    Python removes a package whose import fails, and keeps its submodules: the next import of `scipy.special` is a
    complete one. During this one, Python lets other threads that import the package wait; they do not use this finder.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._thread = get_ident()
        self.module: ModuleType | None = None

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Return the specification of the package in this thread, and of nothing else."""
        if name != _PACKAGE or get_ident() != self._thread:
            return None
        spec = ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        spec.submodule_search_locations = list(self._folders)
        return spec

    def create_module(self, _spec: ModuleSpec) -> None:
        """Let Python create the module of the package."""

    def exec_module(self, _module: ModuleType) -> None:
        """Load the extension module.

        Raises:
            _Loaded: Always.
        """
        self.module = importlib.import_module(f"{_PACKAGE}._ufuncs")
        raise _Loaded


def load_functions() -> dict[str, Any]:
    """Return the functions of `__all__` by name: from the extension module, or else from the complete package.

    Raises:
        ModuleNotFoundError: SciPy is not installed.
    """
    if _PACKAGE not in sys.modules and (extension := _extension()) is not None:
        functions = {name: getattr(extension, _ALIASES.get(name, name), None) for name in __all__}
        if None not in functions.values():
            return functions
    package = importlib.import_module(_PACKAGE)
    return {name: getattr(package, name) for name in __all__}


def _extension() -> ModuleType | None:
    """Return the extension module; `None` in a version of SciPy that arranges its functions in another way."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    finder = _ExtensionOnly(spec.submodule_search_locations)
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(_PACKAGE)
    except (_Loaded, ImportError, AttributeError):
        return finder.module
    finally:
        sys.meta_path.remove(finder)
    return None  # Another thread has imported the package.


if not TYPE_CHECKING:
    globals().update(load_functions())
