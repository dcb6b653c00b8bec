"""Spark's own servers on this machine: a standalone master with workers, and Connect."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pyspark

SECONDS = 120
# Short lives: Java's second compiler takes longer than what it would save.
LEAN = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
HOME = Path(pyspark.__file__).parent
BUILD = Path(__file__).resolve().parents[1] / "build"
LOADED = """
import pandas_dist as pd
df = pd.DataFrame({"k": [1, 2, 1], "x": [1.5, 2.5, 3.5]})
df[df["x"] > 1].merge(df, on="k").groupby("k")["x_x"].sum().sort_values().tolist()
"""


@cache
def java() -> str:
    """Java's options for processes of Spark's with short lives.

    They map the classes that a session loads from an archive, which takes half as long as
    reading and verifying them.  It is made once per checkout; without it they read them.
    """
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if found is None or not Path(found).exists() or not re.fullmatch(r"[\w/.+-]+", str(BUILD)):
        return LEAN
    program, jars = Path(found).resolve(), HOME / "jars"
    known = [(str(path), path.stat().st_mtime_ns) for path in (program, jars)]
    name = hashlib.sha256(repr(known).encode()).hexdigest()[:12]
    archive = BUILD / f"spark-{name}.jsa"
    if not archive.exists():
        _archive_classes(archive)
    return f"{LEAN} -XX:SharedArchiveFile={archive}" if archive.exists() else LEAN


def _archive_classes(archive: Path) -> None:
    """Written by the Java of a session when it ends."""
    archive.parent.mkdir(exist_ok=True)
    made = archive.with_suffix(f".{os.getpid()}")
    settings = f"spark.driver.extraJavaOptions={LEAN} -XX:ArchiveClassesAtExit={made}"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [sys.executable, "-c", LOADED],
            env={**clean, "PANDAS_DIST_BACKEND": "spark", "PANDAS_DIST_SPARK_CONF": settings},
            capture_output=True,  # until Java ends, too
            timeout=SECONDS,
            check=False,
        )
    if made.exists():
        made.replace(archive)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Servers:
    """Processes of Spark on 127.0.0.1, ended by their own ids."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, command: str, *arguments: str) -> subprocess.Popen[bytes]:
        # Servers know nothing of the user's settings.
        plain = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
        plain |= {
            "SPARK_HOME": str(HOME),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "1g",
            "SPARK_DAEMON_JAVA_OPTS": java(),
            "PYSPARK_PYTHON": sys.executable,
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(HOME / "bin" / command), *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=plain,
                start_new_session=True,  # a worker's executors end with it
            )
        self.processes.append(process)
        return process

    def wait_for(self, name: str, text: str, times: int = 1) -> None:
        """Until a server's log says something."""
        end = time.monotonic() + SECONDS
        log = self.folder / f"{name}.log"
        while log.read_text(errors="replace").count(text) < times:
            if time.monotonic() > end or any(p.poll() is not None for p in self.processes):
                raise RuntimeError(f"no {text!r} from Spark: {self.logs()}")
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(
            f"{p.name}:\n{p.read_text(errors='replace')[-3000:]}" for p in self.folder.glob("*.log")
        )

    @staticmethod
    def kill(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
        """End a server and the processes that it started."""
        if process.poll() is None:
            os.killpg(process.pid, number)

    def stop(self) -> None:
        """End every process, and see that none is left."""
        for process in reversed(self.processes):
            self.kill(process, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill(process)
                process.wait(15)
        self.processes.clear()


class Standalone(Servers):
    """A master and workers with one core each; their executors die with them."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        super().__init__(folder)
        self.workers: list[subprocess.Popen[bytes]] = []
        port = str(free_port())
        self.address = f"spark://127.0.0.1:{port}"
        here = ("--host", "127.0.0.1", "--webui-port", "0")
        try:
            self.start("master", "spark-class", f"{DEPLOY}.master.Master", *here, "--port", port)
            self.wait_for("master", "I have been elected leader")
            for n in range(workers):
                self.workers.append(
                    self.start(
                        f"worker-{n}", "spark-class", f"{DEPLOY}.worker.Worker", *here,
                        "--cores", "1", "--memory", "1g", "--work-dir", str(self.folder / f"w{n}"),
                        self.address,
                    )
                )  # fmt: skip
            self.wait_for("master", "Registering worker", workers)
        except BaseException:
            self.stop()
            raise


DEPLOY = "org.apache.spark.deploy"


class Connect(Servers):
    """A Spark Connect server that computes by itself."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        port = free_port()
        self.address = f"sc://127.0.0.1:{port}"
        settings = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.extraJavaOptions": java(),
            "spark.sql.shuffle.partitions": "2",
            "spark.buffer.pageSize": "1m",
            "spark.ui.enabled": "false",
        }
        given = [word for k, v in settings.items() for word in ("--conf", f"{k}={v}")]
        try:
            self.start(
                "connect", "spark-submit", "--class",
                "org.apache.spark.sql.connect.service.SparkConnectServer",
                "--master", "local[2]", *given, "spark-internal",
            )  # fmt: skip
            self.wait_for("connect", "Spark Connect server started at")
        except BaseException:
            self.stop()
            raise
