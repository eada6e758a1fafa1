"""Writes the answers of two arms as Parquet, one row per request, for the comparison of predictions."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.answers.walk import leaves
from ghmlops.core.errors import InputError
from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS

if TYPE_CHECKING:
    from types import TracebackType
    from typing import IO

    from ghmlops.core.answers.body import Json

MAX_COLUMNS = 200
"""Values of one answer that become columns; further ones are left out."""
KEY, ENDPOINT = "request", "endpoint"
ARMS = ("baseline", "candidate")


class AnswersFile:
    """The answers of baseline and candidate, collected as lines and converted at the end.

    Args:
        folder: folder that receives `baseline.parquet` and `candidate.parquet`.
        display: the folder as the user wrote it.
        temp: folder of temporary files; empty for the system's.
    """

    def __init__(self, folder: Path, display: str, temp: str = "") -> None:
        self._folder, self._display = folder, display
        self._stack = contextlib.ExitStack()
        self._temp = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ghmlops-", dir=temp or None)))
        self._files: dict[str, IO[bytes]] = {
            arm: self._stack.enter_context((self._temp / f"{arm}.jsonl").open("wb")) for arm in ARMS
        }
        self._rows = 0

    def __enter__(self) -> AnswersFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, row: int, endpoint: str, baseline: Json, candidate: Json) -> None:
        """Add the answers to one request; columns are the paths of the values without `$.`."""
        for file, value in zip(self._files.values(), (baseline, candidate), strict=True):
            columns = {
                path.removeprefix("$").removeprefix("."): leaf for path, leaf in leaves(value, MAX_COLUMNS).items()
            }
            file.write(msgspec.json.encode({KEY: row, ENDPOINT: endpoint} | columns) + b"\n")
        self._rows += 1

    def write(self) -> int:
        """Write both files; return the number of rows. Without rows there are no files.

        Raises:
            InputError: The folder cannot be written.
        """
        import duckdb

        for file in self._files.values():
            file.flush()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for arm in ARMS if self._rows else ():
                lines, target = self._temp / f"{arm}.jsonl", self._temp / f"{arm}.parquet"
                query = "SELECT * FROM read_json(?, format = 'newline_delimited', sample_size = -1)"
                with duckdb.connect(
                    config={"threads": 1, "memory_limit": "512MB", "disabled_optimizers": STATISTICS_OPTIMIZERS}
                ) as engine:
                    relation = engine.sql(query, params=[str(lines)])
                    relation.write_parquet(str(target))
                (self._folder / f"{arm}.parquet").write_bytes(target.read_bytes())
        except (OSError, duckdb.Error) as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            raise InputError(
                f"`shadow.answers`: cannot write to {self._display}: {reason}",
                hint="choose a folder that can be written",
            ) from None
        return self._rows
