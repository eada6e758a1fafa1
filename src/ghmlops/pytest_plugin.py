"""The pytest plugin: the fixture `ghmlops` and the marker `ghmlops_latency`.

pytest imports this module at every start, so that it imports nothing but pytest; the library follows at the first use.
`-p no:ghmlops` disables it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType

MARKER = "ghmlops_latency"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, which `--strict-markers` requires."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(policy, url='', url_fixture='', baseline_url='', baseline_url_fixture='', fail_on='inconclusive', "
        "seed=1): after the test, measure the latency of the service as `ghmlops latency` does, and judge it.",
    )


@pytest.fixture(scope="session")
def ghmlops() -> ModuleType:
    """The library: `ghmlops.assert_no_regression(baseline, candidate, **policy)`, `ghmlops.compare(...)`."""
    import ghmlops

    return ghmlops


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run the test; if it has the marker and passes, measure the latency while its fixtures are still set up."""
    marker = pyfuncitem.get_closest_marker(MARKER)
    result = yield
    if marker is not None:
        _measure(pyfuncitem, marker)
    return result


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set up the fixtures that a marker names, although the test does not request them.

    A fixture that does not exist is an error of that test, with pytest's own list of fixtures.
    """
    for item in items:
        marker = item.get_closest_marker(MARKER)
        if marker is None or not isinstance(item, pytest.Function):
            continue
        for key in ("url_fixture", "baseline_url_fixture"):
            name = marker.kwargs.get(key)
            if name and name not in item.fixturenames:
                item.fixturenames.append(name)


def _measure(item: pytest.Function, marker: pytest.Mark) -> None:
    from ghmlops.api import assert_latency
    from ghmlops.core.errors import GhmlopsError, InputError

    settings = dict(marker.kwargs)
    try:
        for key in ("url", "baseline_url"):
            if fixture := settings.pop(f"{key}_fixture", ""):
                settings[key] = str(item.funcargs.get(fixture) or item._request.getfixturevalue(fixture))
        if not settings.get("url"):
            raise InputError(f"the marker `{MARKER}` names no service", hint="pass `url` or `url_fixture`")
        assert_latency(settings.pop("url"), *marker.args, **settings)
    except AssertionError as error:
        pytest.fail(str(error), pytrace=False)
    except GhmlopsError as error:
        pytest.fail(f"{error.message}; {error.hint}" if error.hint else error.message, pytrace=False)
    except TypeError as error:
        pytest.fail(f"the marker `{MARKER}`: {error}", pytrace=False)
