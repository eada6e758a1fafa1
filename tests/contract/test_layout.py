"""The layout of the packages: small folders, a small root, a test file for each module."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_MODULES = 15
"""More files than this in one folder are no longer read at one glance."""
MAX_ROOT_MODULES = 6
"""The root of `core` holds only what every package uses."""
TABLES = ("metrics",)
"""Folders with one file per entry of a table."""
TESTED_ELSEWHERE: dict[str, str] = {}
"""Modules without a test file of their name: the test that covers them and why it is another one."""


def modules(folder: Path) -> list[str]:
    """Return the names of the modules directly in a folder."""
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def test_folders_stay_small(root: Path) -> None:
    """No folder holds more than 15 modules, the table of metrics aside; the root of `core` holds at most six."""
    package = root / "src" / "ghmlops"
    folders = [path for path in (package, *package.rglob("*")) if path.is_dir() and path.name not in TABLES]
    sizes = {path.relative_to(package).as_posix(): len(modules(path)) for path in folders}
    assert {name: size for name, size in sizes.items() if size > MAX_MODULES} == {}
    assert sizes["core"] <= MAX_ROOT_MODULES


def test_each_module_has_its_test(root: Path) -> None:
    """Each module has a test file of its name in the mirrored folder, or an entry that names the test and the reason."""
    package, tests = root / "src" / "ghmlops", root / "tests"
    without = {
        name
        for path in package.rglob("*.py")
        if path.stem != "__init__" and "_pb2" not in path.stem
        for name in [path.relative_to(package).as_posix()]
        if not (tests / name).with_name(f"test_{path.name}").exists()
    }
    assert without - set(TESTED_ELSEWHERE) == set()
    assert set(TESTED_ELSEWHERE) - without == set()


def test_exceptions_name_a_test(root: Path) -> None:
    """Each exception names an existing test file and gives a reason."""
    for module, text in TESTED_ELSEWHERE.items():
        test, _, reason = text.partition(": ")
        assert (root / "tests" / test).exists(), f"{module}: {test} does not exist"
        assert reason, f"{module}: no reason"
