"""pandas' kernels in Spark's Python workers, on batches of rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from pandas_dist.backends.spark.columns import ARROW, Column, to_arrow, to_pandas
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call, Lit
from pandas_dist.plan.schema import Field, decode


class Batch:
    """A kernel on Arrow arrays: one per operand that is not a constant.

    ``places``: for each argument of the kernel the number of its operand, or a constant.
    """

    def __init__(
        self,
        expr: Call,
        places: list[Any],
        fields: list[Field],
        columns: list[Column],
        result: Column,
    ) -> None:
        self.name, self.kernel, self.encoded = expr.name, expr.kernel, expr.encoded
        self.places, self.fields, self.columns = places, fields, columns
        self.field, self.result = expr.field, result

    def __call__(self, *batches: pa.Array) -> pa.Array:
        rows = len(batches[0])
        given = [
            self._operand(b, c, f)
            for b, c, f in zip(batches, self.columns, self.fields, strict=True)
        ]
        values = [p.value if isinstance(p, Lit) else given[p] for p in self.places]
        with local_mode():
            result = self.kernel(*values)
        if not isinstance(result, pd.Series):
            result = pd.Series(result, index=range(rows), dtype=self.field.dtype)
        held, column = to_arrow(result, self.field)
        same = (column.missing is None) == (self.result.missing is None)
        told = same or not column.nulls
        if column.opaque or (self.field.dtype == object and not told):
            raise AssertionError(f"{self.name} gave values that {self.field} does not describe")
        return held.cast(ARROW[self.result.physical])

    def _operand(self, batch: pa.Array, column: Column, field: Field) -> pd.Series:
        values = to_pandas(pa.chunked_array([batch]), column, field)
        return values if self.encoded else decode(values, field)
