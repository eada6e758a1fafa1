"""The extra that contains a package which is not installed, so that a command names it in one line."""

from __future__ import annotations

from ghmlops.core.errors import InputError

EXTRAS = {
    "duckdb": ("regression", "latency"),
    "grpc": ("grpc",),
    "google": ("grpc",),
    "h2": ("latency",),
    "hpack": ("latency",),
    "httptools": ("latency",),
    "numpy": ("verdict", "latency", "regression"),
    "psutil": ("preview",),
    "pyarrow": ("cloud", "spark"),
    "pyspark": ("spark",),
    "requests": ("github",),
    "schemathesis": ("schemathesis",),
    "scipy": ("verdict", "latency", "regression"),
    "sqlglot": ("regression",),
    "urllib3": ("github",),
    "uvloop": ("latency",),
}
"""Importable package to the extras of pyproject.toml that contain it, or that contain a package which requires it."""
COMMAND_EXTRAS = {
    "baseline": ("github",),
    "capacity": ("latency",),
    "check": ("preview", "latency", "regression"),
    "gate": ("github", "verdict"),
    "harvest": ("github", "regression"),
    "import": ("latency",),
    "latency": ("latency",),
    "merge-shards": ("latency",),
    "preview": ("preview",),
    "promote": ("github", "verdict"),
    "regression": ("regression",),
    "remeasure": ("github", "preview", "regression", "verdict"),
    "report": ("github", "verdict"),
    "revert": ("github",),
    "scale": ("regression", "verdict"),
    "slash-command": ("github",),
    "shadow": ("latency",),
    "store": ("github",),
    "synthetic": ("latency",),
    "watch": ("github", "regression"),
}
"""Command to the extras that its action installs; a command without a row needs none."""


def missing_extra(error: ModuleNotFoundError, command: str) -> InputError | None:
    """Return the error about a package of an extra that is not installed; `None` about any other module.

    The hint lists all extras of the command, so that the next missing package does not become the next error.

    Args:
        error: error of the import.
        command: the command that runs.
    """
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return None
    extras = COMMAND_EXTRAS.get(command, ())
    if not set(extras) & set(EXTRAS[package]):
        extras = (*extras, EXTRAS[package][0])
    return InputError(
        f"{command} needs the package {package}, which is not installed",
        hint=f'install the extra: `pip install "ghmlops[{",".join(extras)}]"`',
        reason_code="missing-extra",
    )
