"""TPC-H tables as the Parquet files that a pandas user would have written.

``python -m benchmarks.tpch.data 1`` generates scale factor 1 under ``build/tpch/sf1``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2] / "build" / "tpch"
TABLES = (
    "region",
    "nation",
    "supplier",
    "customer",
    "part",
    "partsupp",
    "orders",
    "lineitem",
)
Column: TypeAlias = pa.Array | pa.ChunkedArray
ROW_GROUP = 250_000
LARGE = 10  # scale factor from which a row group has LARGE_ROW_GROUP rows
LARGE_ROW_GROUP = 1_000_000


def directory(scale_factor: float) -> Path:
    """Where the tables of a scale factor are kept, whether or not they exist yet."""
    return ROOT / f"sf{scale_factor:g}"


def ensure(scale_factor: float) -> Path:
    """Return the directory with one ``<table>.parquet`` per table, generating it once.

    Columns are int64, float64 (the decimals), timestamps (the dates) and strings; row groups
    have 250,000 rows (1,000,000 from scale factor 10) and statistics.  Memory is that of a few
    row groups, the disk holds one table twice.  Raises RuntimeError if the generator is not
    installed.
    """
    target = directory(scale_factor)
    if target.is_dir():
        return target
    rows = LARGE_ROW_GROUP if scale_factor >= LARGE else ROW_GROUP
    ROOT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=f".{target.name}-") as work:
        raw, ready = Path(work, "raw"), Path(work, "ready")
        ready.mkdir()
        for table in TABLES:  # one at a time, so that the disk holds one raw table only
            _generate(scale_factor, table, raw)
            _convert(raw / f"{table}.parquet", ready / f"{table}.parquet", rows)
            shutil.rmtree(raw)
        try:
            ready.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise another process finished first: same data
                raise
    return target


def _generate(scale_factor: float, table: str, out: Path) -> None:
    beside = Path(sys.executable).with_name("tpchgen-cli")
    program = str(beside) if beside.exists() else shutil.which("tpchgen-cli")
    if program is None:
        raise RuntimeError("tpchgen-cli is not installed: pip install -e '.[test]'")
    command = [program, "parquet", "-s", f"{scale_factor:g}", "-T", table, "-o", str(out), "-q"]
    subprocess.run(command, check=True)


def _convert(source: Path, target: Path, rows: int) -> None:
    """Rewrite one generated file with pandas' types and metadata, in bounded memory."""
    with pq.ParquetFile(source) as file:
        schema = _pandas_schema(file)
        with pq.ParquetWriter(target, schema, compression="snappy") as writer:
            for chunk in _chunks(file, rows):
                columns = [_cast(chunk[field.name], field.type) for field in schema]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _chunks(file: pq.ParquetFile, rows: int) -> Iterator[pa.Table]:
    """Tables of `rows` rows, the last one shorter, whatever the row groups of the source are."""
    pending: list[pa.RecordBatch] = []
    count = 0
    for batch in file.iter_batches(batch_size=min(rows, 100_000)):
        pending.append(batch)
        count += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(pending)
            yield table.slice(0, rows)
            pending = table.slice(rows).to_batches()
            count -= rows
    if count:
        yield pa.Table.from_batches(pending)


def _cast(column: Column, target: pa.DataType) -> Column:
    if not pa.types.is_decimal(column.type):
        return column.cast(target)
    # An integer divided by a power of ten is the nearest float64, as a CSV reader gives it:
    # 0.07 == float("0.07").  Arrow's own cast may be one unit in the last place off.
    power = 10**column.type.scale
    unscaled = pc.multiply(column, pa.scalar(power)).cast(pa.int64())
    return pc.divide(unscaled.cast(target), float(power))


def _pandas_schema(source: pq.ParquetFile) -> pa.Schema:
    """The schema `DataFrame.to_parquet` writes for these columns and a RangeIndex."""
    schema = pa.schema(pa.field(f.name, _pandas_type(f.type)) for f in source.schema_arrow)
    first = next(source.iter_batches(batch_size=1))
    sample = pa.table([_cast(first[f.name], f.type) for f in schema], schema=schema)
    metadata = json.loads(pa.Schema.from_pandas(sample.to_pandas()).metadata[b"pandas"])
    rows = source.metadata.num_rows
    index = {"kind": "range", "name": None, "start": 0, "stop": rows, "step": 1}
    metadata["index_columns"] = [index]
    return schema.with_metadata({b"pandas": json.dumps(metadata).encode()})


def _pandas_type(source: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(source):
        return pa.int64()
    if pa.types.is_decimal(source):
        return pa.float64()
    if pa.types.is_date(source):
        return pa.timestamp("us")  # every engine reads microseconds; not every one nanoseconds
    return pa.string()


if __name__ == "__main__":
    for argument in sys.argv[1:] or ["1"]:
        print(ensure(float(argument)))
