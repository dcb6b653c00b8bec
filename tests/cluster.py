"""A Dask cluster on this machine: scheduler and workers as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 90


class Cluster:
    """One scheduler and some workers with one thread each, on free ports of 127.0.0.1."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        try:
            self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
            self.address = json.loads(self._text(self.file))["address"]
            for _ in range(workers):
                self.add_worker()
            self._wait_for(workers)
        except BaseException:
            self.stop()
            raise

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", what, "--scheduler-file", str(self.file)]
        log = (self.folder / f"{what}-{len(self.processes)}.log").open("wb")
        # Workers are ordinary machines: nothing of the user's settings is there.
        plain = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
        # A worker whose neighbour was killed asks it again for this long before it goes on.
        plain["DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT"] = "5s"
        with log:
            process = subprocess.Popen(
                [*command, *arguments], stdout=log, stderr=log, cwd=self.folder, env=plain
            )
        self.processes.append(process)
        return process

    def add_worker(self) -> subprocess.Popen[bytes]:
        process = self._start(
            "worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--local-directory", str(self.folder), "--death-timeout", "60",
            "--memory-limit", "0",
        )  # fmt: skip
        self.workers.append(process)
        return process

    def _text(self, path: Path) -> str:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if path.exists() and (text := path.read_text()):
                return text
            time.sleep(0.05)
        raise RuntimeError(f"no scheduler after {SECONDS} s: {self.logs()}")

    def _wait_for(self, workers: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout=SECONDS) as client:
            client.wait_for_workers(workers, timeout=SECONDS)

    def logs(self) -> str:
        return "\n".join(f"{p.name}:\n{p.read_text()}" for p in self.folder.glob("*.log"))

    def stop(self) -> None:
        """End every process, by its own id, and see that none is left."""
        for process in reversed(self.processes):  # the scheduler last: workers take leave of it
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)
        assert all(process.poll() is not None for process in self.processes)
