"""What an engine has to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pandas as pd

from pandas_dist.plan.relations import Relation
from pandas_dist.plan.rewrites import Need


class Backend(Protocol):
    """Executes relations; columns are named by id throughout.

    ``blocks``: whether partitions are pandas frames on which a kernel runs one by one.  Without
    it, kernels that need to look at data run on all rows, in this process.  ``streams``: whether
    there are ``stream``, ``in_parts`` and ``reaches``, by which large files are written.
    """

    name: str
    blocks: bool = False
    streams: bool = False

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        """All rows of the columns ``ids`` (in row order if ``ordered``), default index."""

    def stream(self, relation: Relation, ids: set[str], rows: int) -> Iterator[pd.DataFrame]:
        """All rows of the columns ``ids`` in order, ``rows`` at a time, default indexes."""

    def in_parts(
        self, relation: Relation, ids: set[str], function: Callable[[int, pd.DataFrame], Any]
    ) -> list[Any]:
        """``function`` of number and rows of each part, where they are; results in row order.

        A part may be done again after a failure.  ``Opaque`` where rows are in this process.
        """

    def reaches(self, path: str) -> bool:
        """Whether workers read and write files of such a path or URL."""

    def count(self, relation: Relation) -> int:
        """The number of rows."""

    def map_blocks(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """``function`` of each item, one task each; results in order, the first error raised."""

    def persist(self, relation: Relation, ids: set[str]) -> tuple[dict[str, Any], int]:
        """Compute the columns ``ids`` and hold them: what to keep per column, and the row count."""

    def sketch(self, plan: Relation, needs: dict[int, Need]) -> dict[int, Any]:
        """For nodes of an optimised plan (by ``id``): ``.how``, in words, without executing."""

    def reduce(self, relation: Relation, ids: set[str], reduction: Any) -> Any:
        """A tree reduction: ``reduction.part`` per partition, then ``reduction.combine``."""
