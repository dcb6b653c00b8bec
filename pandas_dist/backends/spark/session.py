"""The Spark session: the script's own, or one that is started at the first execution."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from pandas_dist.backends.spark.alone import not_alone
from pandas_dist.backends.spark.lost import clear_errors
from pandas_dist.config import available_memory, cluster_engine, options

CONNECT_SECONDS = 10
# With the growing pauses between them a little more than a minute.
RETRIES = 6
RETRIED = r"\[RETRIES_EXCEEDED\]"
LEAST_JAVA = 17
MARK = "spark.pandas_dist"  # a session that was started here

# What our plans mean; a session of the script's own has them only while they run.
MEANING = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
}
QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
# Java's second compiler takes longer over a short script than all of its rows: it begins ten
# times later than by default, still within a second of real work.  Spark's classes fill the
# room that by default is collected again and again.
JAVA = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000 -XX:MetaspaceSize=256m"
)
# Each task allocates and clears whole pages, by default of up to 64 MB; and 8192 at most.
PAGE_MB, PAGES = 4, 8192
# Results come here in batches; what is too much for this process is judged before.
ROOM = {"spark.driver.maxResultSize": "0"}
GATEWAY = "org.apache.spark.api.python.PythonGatewayServer"  # else it sets its own level
LOG = f"""\
logger.gateway.name = {GATEWAY}
logger.gateway.level = error
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{yy/MM/dd HH:mm:ss}} %p %c{{1}}: %m%n%ex
"""

_made: dict[str, Any] = {}
_lock = threading.RLock()


def current() -> Any:
    """The session that runs our plans.

    ``options.address`` names a cluster (``spark://``, ``yarn``, ``k8s://``, ``sc://``) or a
    local master.  Without it: the script's own session if there is one, else this machine.
    RuntimeError without Java 17 or newer, ConnectionError if nothing answers at the address,
    ValueError if it is not one of Spark's.
    """
    with _lock:
        address = options.address or ""
        active = None if address in _made else _active()
        if active is not None and active.conf.get(MARK, None) is None:
            return active
        if address not in _made or not _alive(_made[address]):
            stop()
            _made[address] = _start(address)
        return _made[address]


def _active() -> Any:
    return SparkSession.getActiveSession()


def _alive(session: Any) -> bool:
    if is_connect(session):
        return not session.is_stopped
    return session.sparkContext._jsc is not None  # None after stop()


def is_connect(session: Any) -> bool:
    """Whether a session talks to a Spark Connect server."""
    return type(session).__module__.startswith("pyspark.sql.connect")


def identity(session: Any) -> str:
    """A name of the session: what one holds, another does not know."""
    return str(session.session_id if is_connect(session) else session.conf.get("spark.app.id"))


def is_local(session: Any) -> bool:
    """Whether workers see the files of this machine."""
    return not is_connect(session) and session.conf.get("spark.master", "").startswith("local")


def on_cluster() -> bool:
    """Whether plans run elsewhere than on this machine; starts no session."""
    address = options.address or ""
    active = None if address else _active()
    if active is not None:
        return not is_local(active)
    master = address or dict(options.spark_conf).get("spark.master", "local")
    return not master.startswith("local")


@contextmanager
def running() -> Iterator[Any]:
    """The session, with the settings that our plans need.

    MemoryError where a process of Spark's runs out of memory, ConnectionError where one dies or
    no worker is left.
    """
    with not_alone() as watch, clear_errors(partial(stop, gone=True)), warnings.catch_warnings():
        # What our plans use works with pandas 3; that is not for the user to judge.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
        warnings.filterwarnings("ignore", RETRIED)  # an error says it
        session = current()
        if not is_connect(session) and not is_local(session):
            watch(session)
        if session.conf.get(MARK, None) is not None:
            yield session
        else:
            with _meaning(session):
                yield session


@contextmanager
def _meaning(session: Any) -> Iterator[None]:
    """A session of the script's own, with our settings for a while."""
    before = {name: session.conf.get(name, None) for name in MEANING}
    changed = {name for name, value in MEANING.items() if before[name] != value}
    for name in changed:
        session.conf.set(name, MEANING[name])
    try:
        yield
    finally:
        for name in changed:
            value = before[name]
            if value is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, value)


def _start(address: str) -> Any:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    if address and cluster_engine(address) != "spark":
        raise ValueError(
            f"{address!r} (PANDAS_DIST_ADDRESS, options.address) is no address of Spark: "
            "spark://host:port, yarn, k8s://host:port, sc://host:port or local[n]"
        )
    reachable(address)
    if not _made:
        atexit.register(_stop_in, os.getpid())
    given = dict(options.spark_conf)
    if address.startswith("sc://"):
        session = SparkSession.builder.remote(address).getOrCreate()
        _retry(session, RETRIES)
        for name, value in {**given, **MEANING, MARK: "1"}.items():
            session.conf.set(name, value)
        return session
    require_java()
    master = address or given.get("spark.master", "local[*]")
    settings = {**QUIET, **ROOM, **_of_this_machine(master, given), **given, **MEANING, MARK: "1"}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log4j2.properties")
        log.write_text(LOG)
        quiet = f"-Dlog4j2.configurationFile={log.as_uri()}"
        name = "spark.driver.extraJavaOptions"
        settings[name] = f"{settings.get(name, '')} {quiet}".strip()
        builder = SparkSession.builder.appName("pandas_dist").master(master)
        for setting, value in settings.items():
            builder = builder.config(setting, value)
        return builder.getOrCreate()


def _of_this_machine(master: str, given: Mapping[str, str]) -> dict[str, str]:
    """On this machine alone: nothing listens on other interfaces, and few tasks are enough."""
    local = master.startswith("local")
    if not (local or re.match(r"spark://(127\.|localhost)", master)):
        return {}
    settings = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    if local:
        tasks = max(16, 4 * (os.cpu_count() or 1))
        settings["spark.sql.shuffle.partitions"] = str(tasks)
        # All tasks share one Java process, whose own default is 1 GB.
        memory = max(1 << 30, available_memory() // 4) >> 20
        settings["spark.driver.memory"] = f"{memory}m"
        if "spark.driver.memory" not in given:
            settings["spark.buffer.pageSize"] = f"{max(PAGE_MB, -(-memory // PAGES))}m"
        settings["spark.driver.defaultJavaOptions"] = JAVA  # the user's own come after them
        settings["spark.sql.files.maxPartitionBytes"] = "32m"
    return settings


def _stop_in(process: int) -> None:
    """``stop``, but not in a fork that ends before the process which started the session."""
    if os.getpid() == process:
        stop()


def stop(gone: bool = False) -> None:
    """Stop the sessions that were started here; ``gone``: let go of them, as what ran them is."""
    with _lock:
        while _made:
            _, session = _made.popitem()
            if is_connect(session):
                _retry(session, 0)  # a server that does not answer is not waited for
            elif gone:
                continue
            if _alive(session):
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", RETRIED)
                    session.stop()


def _retry(session: Any, times: int) -> None:
    """How often a call of a Spark Connect server that does not answer is tried again.

    Spark's own 15 times take ten minutes.
    """
    from pyspark.sql.connect.client.retries import DefaultPolicy

    session.client.set_retry_policies([DefaultPolicy(max_retries=times)])


# -- what can be wrong ---------------------------------------------------------------------------


def reachable(address: str) -> None:
    """ConnectionError if no host and port of a cluster's address answers."""
    match = re.match(r"(?:spark|sc|k8s)://(?:https?://)?([^/;]+)", address)
    if match is None:
        return
    default = {"sc": "15002", "k8s": "443"}.get(address.partition(":")[0], "7077")
    failure: OSError | None = None
    for place in match[1].split(","):
        host, _, port = place.rpartition(":") if ":" in place else (place, "", default)
        try:
            with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS):
                return
        except OSError as error:
            failure = error
        except ValueError:
            break
    raise ConnectionError(
        f"no Spark answers at {address!r} (PANDAS_DIST_ADDRESS, options.address): "
        f"{failure or 'the port is not a number'}"
    )


def require_java() -> None:
    """RuntimeError unless there is a Java that Spark runs on."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    found = _java_version(java) if java else None
    if found is not None and found >= LEAST_JAVA:
        return
    shown = "none was found" if found is None else f"{java} is version {found}"
    raise RuntimeError(
        f"backend 'spark' needs Java {LEAST_JAVA} or newer, and {shown}: install a JDK "
        f"(such as openjdk-17-jre-headless) or set JAVA_HOME to one"
    )


def _java_version(java: str) -> int | None:
    try:
        done = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match[1]) if match else None
