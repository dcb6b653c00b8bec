"""On pandas 3 there is no Modin: naming it gives one clear error, and nothing else picks it."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas
import pytest

import pandas_dist
from pandas_dist import config
from pandas_dist.choose import choice
from pandas_dist.config import options

CLEAR = r"backend 'modin' needs pandas 2\.3.*this is pandas 3.*pandas_dist\[modin\].*ray://"


@pytest.mark.parametrize("name", ["modin", "ray"])
def test_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if pandas.__version__ < "3":
        monkeypatch.setattr(pandas, "__version__", "3.1.1")
    with pytest.raises(ImportError, match=CLEAR):
        options.backend = name


@pytest.mark.skipif(pandas.__version__ < "3", reason="Modin runs here")
def test_in_a_script() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import pandas_dist as pd; pd.DataFrame({'a': [1]})"],
        env={**os.environ, "PANDAS_DIST_BACKEND": "modin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr.splitlines()[-1].startswith("ImportError: backend 'modin' needs pandas 2.3")


@pytest.mark.parametrize("address", ["ray://10.0.0.1:10001", "auto"])
def test_an_address_of_ray_is_for_dask(address: str) -> None:
    assert config.is_ray_address(address)
    assert config.cluster_engine(address) == "dask"


@pytest.mark.parametrize("address", [None, "ray://10.0.0.1:10001", "auto"])
def test_auto_never_picks_it(address: str | None) -> None:
    with options.context(backend="polars", min_bytes=0):
        plan = pandas_dist.DataFrame({"a": range(1000)}).query("a > 1")._plan
    with options.context(backend="auto", address=address, min_bytes=1, memory_limit=1):
        found = choice(plan.relation, set(plan.relation.fields)).engine
    assert found == ("polars" if address is None else "dask")
