"""Settings: read from the environment at first use, changed through ``options``.

Every setting ``x`` has the environment variable ``PANDAS_DIST_X``.  A wrong value raises a
ValueError that names the variable and what it may be.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

MIB = 1 << 20
DEFAULT_MEMORY_FRACTION = 0.6
BACKEND_GROUP = "pandas_dist.backends"

# Our own backends, with the modules of their classes: to look for entry points takes longer.
BUILT_IN = {
    "auto": "pandas_dist.choose",
    **{n: f"pandas_dist.backends.{n}" for n in ("pandas", "polars", "dask", "spark", "modin")},
}
_ALIASES = {"ray": "modin"}
_ENGINE_PACKAGES = {"dask": ("dask",), "spark": ("pyspark",), "modin": ("modin", "ray", "dask")}
_UNITS = {
    "": 1,
    "b": 1,
    **{f"{letter}{end}": 1000**n for n, letter in enumerate("kmgt", 1) for end in ("", "b")},
    **{f"{letter}ib": 1024**n for n, letter in enumerate("kmgt", 1)},
}
_SIZE = r"(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z]*)"

# The resolved backend, None until the first use.  Plain globals because they are read on each
# pandas method call.
_engine: str | None = None
_least: int | None = None  # options.min_bytes
_planned = False  # whether any object has had a plan
# Whether each call is pandas' own, without a look at objects and arguments: the backend is
# pandas, or it is auto and no object has had a plan.
_idle = False
_WITH_THREADS = ("polars", *(f"pandas_dist.backends.{name}" for name in ("dask", "spark", "modin")))
_forked = False  # whether this process is a fork of one that used an engine


def engine_name() -> str:
    """The backend that executes now: 'pandas', a registered name, or 'auto', which chooses.

    Engines' threads and connections are not there in a fork of a process that used them: such
    a process computes by pandas.

    Raises ValueError for an unknown ``PANDAS_DIST_BACKEND`` and ImportError when the engine's
    package is not installed.
    """
    return _engine or _resolve_engine()


def least_bytes() -> int:
    """``options.min_bytes``, for hot paths."""
    global _least
    if _least is None:
        _least = options.min_bytes
    return _least


def planned() -> None:
    """An object gets a plan: from now on calls look at their objects and arguments."""
    global _planned
    if not _planned:
        _planned = True
        _set_engine(_engine)


def _resolve_engine() -> str:
    with options._lock:
        name = "pandas" if _forked else options.backend
        _set_engine(name)
        return name


def _set_engine(name: str | None) -> None:
    global _engine, _least, _idle
    name = "pandas" if _forked else name
    _engine, _least = name, None
    _idle = name == "pandas" or (name == "auto" and not _planned)


def is_fork() -> bool:
    """Whether this process is a fork of one that used an engine."""
    return _forked


def _in_fork() -> None:
    global _forked
    _forked = _forked or any(name in sys.modules for name in _WITH_THREADS)
    options._lock = threading.RLock()  # a thread that is not here may have held it
    _set_engine(_engine)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_fork)


# ---------------------------------------------------------------------------------------------
# Reading one value


def parse_bytes(value: object) -> int:
    """A size as a number of bytes: 1000, "1000", "64MB" (decimal), "64 MiB" (binary).

    Raises ValueError for anything else, negative numbers included.
    """
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, (int, float)):
        if value < 0 or value != int(value):
            raise ValueError(value)
        return int(value)
    match = re.fullmatch(_SIZE, value.strip()) if isinstance(value, str) else None
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError(value)
    return int(float(match[1]) * _UNITS[match[2].lower()])


def _parse_memory(value: object) -> int | float:
    """Bytes as an int, or a fraction of the free memory as a float in (0, 1]."""
    if isinstance(value, str) and re.fullmatch(r"\s*[01]?\.\d*\s*", value):
        value = float(value)
    if isinstance(value, float) and 0 < value <= 1:
        return value
    size = parse_bytes(value)
    if size == 0:
        raise ValueError(value)
    return size


def _parse_partition(value: object) -> int:
    size = parse_bytes(value)
    if size == 0:
        raise ValueError(value)
    return size


def _parse_address(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(value)
    return value.strip()


def cluster_engine(address: str) -> str:
    """The engine that an address belongs to, by its form."""
    return "spark" if re.match(r"(?:spark|sc|k8s)://|yarn|local(?:\[|$)", address) else "dask"


def is_ray_address(address: str) -> bool:
    """Whether an address is Ray's own: ``ray://host:port``, or ``auto``."""
    return address.startswith("ray://") or address == "auto"


def _parse_pairs(value: object) -> tuple[tuple[str, str], ...]:
    """``"a.b=1,c.d=x,y"`` as pairs; a comma separates where a name and ``=`` follow."""
    if not isinstance(value, str):
        raise ValueError(value)
    pairs = []
    for part in re.split(r",(?=\s*[\w.-]+\s*=)", value) if value.strip() else ():
        name, equals, setting = part.partition("=")
        if not equals or not name.strip():
            raise ValueError(value)
        pairs.append((name.strip(), setting.strip()))
    return tuple(pairs)


def _one_of(*allowed: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        name = value.strip().lower() if isinstance(value, str) else None
        if name not in allowed:
            raise ValueError(value)
        return name

    return parse


def registered_backends() -> dict[str, EntryPoint]:
    """The backends announced by installed packages, by name."""
    from importlib.metadata import entry_points  # 6 ms that an import should not pay

    return {point.name: point for point in entry_points(group=BACKEND_GROUP)}


def _parse_backend(value: object) -> str:
    name = value.strip().lower() if isinstance(value, str) else ""
    name = _ALIASES.get(name, name)
    if name not in BUILT_IN and name not in registered_backends():
        raise ValueError(value)
    _require_packages(name)
    return name


def _backends_allowed() -> str:
    return " | ".join(dict.fromkeys((*BUILT_IN, *registered_backends())))


def _require_packages(backend: str) -> None:
    if backend == "modin":
        _require_pandas_2()
    missing = [p for p in _ENGINE_PACKAGES.get(backend, ()) if not _is_installed(p)]
    if missing:
        raise ImportError(
            f"backend {backend!r} needs {', '.join(missing)}, which is not installed: "
            f"pip install 'pandas_dist[{backend}]'",
            name=missing[0],
        )


def _require_pandas_2() -> None:
    import pandas

    if not pandas.__version__.startswith("2."):
        raise ImportError(
            f"backend 'modin' needs pandas 2.3, as Modin does, and this is pandas "
            f"{pandas.__version__}: pip install 'pandas_dist[modin]' in an environment of its own. "
            f"With pandas 3, PANDAS_DIST_BACKEND=dask runs on a Ray cluster "
            f"(PANDAS_DIST_ADDRESS=ray://host:port)",
            name="modin",
        )


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ImportError:  # an import hook that blocks the package
        return False
    except ValueError:  # loaded, without a spec
        return True


# ---------------------------------------------------------------------------------------------
# The options


class _Setting(Generic[T]):
    """One option: a descriptor over ``Options._values``.

    `parse` turns an environment string or an assigned value into the stored one and raises
    ValueError; `resolve`, where given, turns the stored value (None: nobody named one) into
    what reading the option gives.
    """

    def __init__(
        self,
        default: object,
        parse: Callable[[object], object],
        allowed: str | Callable[[], str],
        resolve: Callable[[Options, Any], T] | None = None,
    ) -> None:
        self.default = default
        self.parse = parse
        self.allowed = allowed
        self.resolve = resolve
        self.name = ""
        self.variable = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.variable = f"PANDAS_DIST_{name.upper()}"

    @overload
    def __get__(self, obj: None, owner: type) -> _Setting[T]: ...
    @overload
    def __get__(self, obj: Options, owner: type) -> T: ...
    def __get__(self, obj: Options | None, owner: type) -> _Setting[T] | T:
        if obj is None:
            return self
        try:
            value = obj._values[self.name]
        except KeyError:
            value = obj._values[self.name] = self.from_environment()
        return value if self.resolve is None else self.resolve(obj, value)

    def __set__(self, obj: Options, value: Any) -> None:
        obj._update({self.name: self.checked(value, f"options.{self.name}")})

    def from_environment(self) -> object:
        text = os.environ.get(self.variable, "").strip()
        return self.checked(text, self.variable) if text else self.default

    def checked(self, value: object, given_as: str) -> object:
        try:
            return self.parse(value)
        except (ValueError, OverflowError):
            allowed = self.allowed if isinstance(self.allowed, str) else self.allowed()
            where = given_as if given_as == self.variable else f"{given_as} ({self.variable})"
            raise ValueError(f"{where} must be {allowed}, not {value!r}") from None


def _min_bytes(options: Options, stored: int | None) -> int:
    if stored is not None:
        return stored
    return 16 * MIB if options.backend == "auto" else 0


def _memory_limit(options: Options, stored: int | float) -> int:
    return stored if isinstance(stored, int) else int(stored * available_memory())


class Options:
    """The settings of this process; assign to change one.

    backend : str
        'pandas', 'polars', 'dask', 'spark', 'modin' (or 'ray'), a registered name, or 'auto'
        (the default).
    address : str or None
        Address of a running cluster: ``tcp://…`` of Dask; ``ray://…`` or ``auto`` of Ray;
        ``spark://…``, ``yarn``, ``k8s://…`` or ``sc://…`` (Spark Connect).
    min_bytes : int
        Smaller inputs stay in pandas.  0 when a backend is named, else 16 MiB.
    fallback : 'warn', 'silent' or 'error'
        What happens when an operation has to run in pandas.
    memory_limit : int
        Bytes that one fallback may collect.  Set bytes, "4GB", or a fraction of the free memory
        (a float or "0.5"), measured at each read; 0.6 by default.
    udf : 'auto', 'local' or 'distributed'
        Where Python functions run.
    partition_bytes : int
        Target size of a partition, 64 MiB by default.
    progress : 'auto', 'on' or 'off'
        A line on stderr while an engine runs for more than two seconds; 'auto': on a terminal.
    spark_conf : str
        Settings of a Spark session that is started here: ``"name=value,name=value"``.

    Assigning a wrong value raises ValueError, an engine that is not installed ImportError, an
    unknown option AttributeError.
    """

    __slots__ = ("_lock", "_values")

    backend: _Setting[str] = _Setting("auto", _parse_backend, _backends_allowed)
    address: _Setting[str | None] = _Setting(None, _parse_address, "an address or empty")
    min_bytes: _Setting[int] = _Setting(
        None, parse_bytes, "a number of bytes, e.g. 0 or '64MB'", _min_bytes
    )
    fallback: _Setting[str] = _Setting(
        "warn", _one_of("warn", "silent", "error"), "warn | silent | error"
    )
    memory_limit: _Setting[int] = _Setting(
        DEFAULT_MEMORY_FRACTION,
        _parse_memory,
        "a positive number of bytes ('4GB') or a fraction of the free memory ('0.5')",
        _memory_limit,
    )
    udf: _Setting[str] = _Setting(
        "auto", _one_of("auto", "local", "distributed"), "auto | local | distributed"
    )
    partition_bytes: _Setting[int] = _Setting(
        64 * MIB, _parse_partition, "a positive number of bytes, e.g. '64MB'"
    )
    progress: _Setting[str] = _Setting("auto", _one_of("auto", "on", "off"), "auto | on | off")
    spark_conf: _Setting[tuple[tuple[str, str], ...]] = _Setting(
        (), _parse_pairs, "settings such as 'spark.executor.memory=4g,spark.executor.cores=2'"
    )

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._lock = threading.RLock()

    def _update(self, values: dict[str, Any]) -> None:
        """Store parsed values; readers in other threads see the old or the new ones."""
        with self._lock:
            self._values = {**self._values, **values}
            _set_engine(values.get("backend", _engine))

    def reset(self) -> None:
        """Forget what was set and what was read; the environment counts again."""
        with self._lock:
            self._values = {}
            _set_engine(None)

    @contextmanager
    def context(self, **settings: Any) -> Iterator[Options]:
        """Set options inside a ``with`` block, for all threads, and restore them after it.

        Raises TypeError for an unknown option; a wrong value changes nothing.
        """
        parsed = {}
        for name, value in settings.items():
            if name not in _SETTINGS:
                raise TypeError(f"unknown option {name!r}; there are {', '.join(_SETTINGS)}")
            parsed[name] = _SETTINGS[name].checked(value, f"options.{name}")
        with self._lock:
            before = {name: self._values[name] for name in parsed if name in self._values}
            self._update(parsed)
        try:
            yield self
        finally:
            self._restore(parsed, before)

    def _restore(self, changed: dict[str, Any], before: dict[str, Any]) -> None:
        with self._lock:
            kept = {name: v for name, v in self._values.items() if name not in changed}
            self._values = {**kept, **before}
            _set_engine(before.get("backend") if "backend" in changed else _engine)

    def __dir__(self) -> list[str]:
        return [*_SETTINGS, "context", "reset"]

    def __repr__(self) -> str:
        lines = (f"    {name}={getattr(self, name)!r}," for name in _SETTINGS)
        return "\n".join(("Options(", *lines, ")"))


_SETTINGS: dict[str, _Setting[Any]] = {
    name: setting for name, setting in vars(Options).items() if isinstance(setting, _Setting)
}

options = Options()


# ---------------------------------------------------------------------------------------------
# Free memory


MEASURED_EVERY = 0.05  # seconds: to ask costs as much as a small operation
_measured: tuple[float, int] = (-math.inf, 0)


def available_memory() -> int:
    """Bytes this process may still allocate: free RAM, capped by RLIMIT_AS and its cgroups."""
    global _measured
    now = time.monotonic()
    if now - _measured[0] > MEASURED_EVERY:
        free = min([_free_ram(), *_address_space_left(), *_cgroup_left()])
        _measured = now, max(0, free)
    return _measured[1]


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # not Linux, or not permitted: no such cap
        return ""


def _free_ram() -> int:
    match = re.search(r"^MemAvailable:\s*(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    if match:
        return int(match[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows: no portable way to ask
        return 2 * 1024 * MIB


def _address_space_left() -> list[int]:
    try:
        import resource
    except ImportError:  # Windows
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return []
    used = _read("/proc/self/statm").split()
    return [soft - (int(used[0]) * resource.getpagesize() if used else 0)]


def _cgroup_left() -> list[int]:
    """What each cgroup around this process leaves; file cache counts as free."""
    left = []
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, limit, used = "/sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            root, limit, used = (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            )
        else:
            continue
        names = [name for name in path.split("/") if name]
        for depth in range(len(names), -1, -1):
            left += _group_left("/".join([root, *names[:depth]]), limit, used)
    return left


def _group_left(group: str, limit: str, used: str) -> list[int]:
    most = _read(f"{group}/{limit}").strip()
    if not most.isdigit() or int(most) >= 1 << 60:
        return []  # "max", or version 1's huge number: no limit
    now = _read(f"{group}/{used}").strip()
    if not now.isdigit():
        return []
    cache = re.search(r"^(?:total_)?inactive_file (\d+)", _read(f"{group}/memory.stat"), re.M)
    return [int(most) - int(now) + (int(cache[1]) if cache else 0)]
