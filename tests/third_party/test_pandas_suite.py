"""A small part of pandas' own tests; the whole is run by ``tests.third_party.pandas_suite``."""

from __future__ import annotations

import pytest

from tests.third_party import known, pandas_suite

FILES = (
    "frame/methods/test_assign.py frame/methods/test_drop_duplicates.py "
    "frame/methods/test_nlargest.py series/methods/test_between.py "
    "series/methods/test_isin.py strings/test_case_justify.py"
).split()


@pytest.mark.skipif(not (pandas_suite.PANDAS / "tests").is_dir(), reason="pandas without tests")
def test_a_part_of_pandas_tests_passes() -> None:
    (found,) = pandas_suite.compare_all({"part": FILES}, pandas_suite.BACKENDS, timeout=120)
    assert found.passed > 400
    for backend, failed in found.failed.items():
        unknown = {test: why for test, why in failed.items() if not known.reason_of(test, why)}
        assert unknown == {}, backend
