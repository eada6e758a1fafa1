"""Tables in memory as artifacts: whatever exports the Arrow C data interface (pandas, polars, pyarrow, DuckDB, ...).

The columns stay where they are. They are read with the types that a Parquet file of the same table would have, so that
the numbers do not depend on whether a table was written to a file first.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts.source import Source

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_EXPORTS = ("__arrow_c_stream__", "__arrow_c_array__")


def is_table(value: object) -> bool:
    """Return whether a value exports the Arrow C data interface."""
    return any(hasattr(value, name) for name in _EXPORTS)


def table_source(value: object, role: str) -> Source:
    """Return a table in memory as the input of an engine.

    Args:
        value: an object that exports the Arrow C data interface; a stream is read to its end.
        role: `baseline`, `candidate`, `labels` or `noise`; part of the name in messages.

    Raises:
        InputError: pyarrow is not installed.
        DataError: the table cannot be exported, or has two columns of one name.
    """
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise InputError(
            "a table in memory is read by pyarrow, which is not installed", hint='pip install "ghmlops[pandas]"'
        ) from None
    name = f"{type(value).__name__} of the {role}"
    try:
        table = pyarrow.table(value)
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        why = str(error).split("\n", 1)[0]
        raise DataError(f"{name}: it cannot be exported to Arrow: {why}", hint="convert the column first") from None
    repeated = sorted({column for column in table.column_names if table.column_names.count(column) > 1})
    if repeated:
        raise DataError(f'{name}: two columns have the name "{repeated[0]}"', hint="rename one of them")
    return Source(files=(), display_name=name, table=_storable(table, name))


def parquet_schema(source: Source) -> bytes:
    """Return a Parquet file with the columns of a table in memory and no rows.

    Raises:
        DataError: Parquet has no type for a column.
    """
    import pyarrow
    import pyarrow.parquet  # type: ignore[import-untyped]

    buffer = io.BytesIO()
    try:
        pyarrow.parquet.write_table(source.table.slice(0, 0), buffer)
    except pyarrow.ArrowException as error:
        why = str(error).split("\n", 1)[0]
        raise DataError(f"{source.display_name}: a column has no type in Parquet: {why}", hint="leave it out") from None
    return buffer.getvalue()


def _storable(table: pa.Table, name: str) -> Any:  # noqa: ANN401  (pyarrow has no type information)
    """Return the table without the types that the engine cannot read directly; only such columns are copied."""
    import pyarrow

    for index, field in enumerate(table.schema):
        if pyarrow.types.is_float16(field.type):
            target = pyarrow.float32()
        elif pyarrow.types.is_duration(field.type):
            target = pyarrow.int64()
        else:
            continue
        try:
            table = table.set_column(index, field.name, table.column(index).cast(target))
        except pyarrow.ArrowException as error:
            raise DataError(f'{name}: column "{field.name}": {error}', hint="convert the column first") from None
    return table
