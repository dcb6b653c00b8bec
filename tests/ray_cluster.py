"""A Ray cluster of two nodes on this machine, ended by the ids of its processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

SECONDS = 90
ARGUMENTS = ("--num-cpus=1", "--object-store-memory=200000000", "--disable-usage-stats", "--block")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A head node and another one, with one processor each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: list[subprocess.Popen[bytes]] = []
        self.seen: set[psutil.Process] = set()
        self.direct = f"127.0.0.1:{free_port()}"
        client = free_port()
        self.address = f"ray://127.0.0.1:{client}"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")},
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
            "RAY_AUTH_MODE": "disabled",
        }
        port = self.direct.rpartition(":")[2]
        try:
            self._start(
                "--head", "--node-ip-address=127.0.0.1", f"--port={port}",
                f"--ray-client-server-port={client}", "--include-dashboard=false",
                f"--temp-dir={folder}",
            )  # fmt: skip
            self._answers(client)
            self._start(f"--address={self.direct}", "--node-ip-address=127.0.0.1")
            self._wait(lambda: self.alive() == 2)
        except BaseException:
            self.stop()
            raise

    def _start(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, *ARGUMENTS]
        with (self.folder / f"node-{len(self.nodes)}.log").open("wb") as log:
            node = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, cwd=self.folder
            )
        self.nodes.append(node)

    def _answers(self, port: int) -> None:
        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        self._wait(listens)

    def _wait(self, ready) -> None:
        end = time.monotonic() + SECONDS
        while not ready():
            self.processes()
            if time.monotonic() > end or any(n.poll() is not None for n in self.nodes):
                raise RuntimeError("".join(p.read_text() for p in self.folder.glob("node-*.log")))
            time.sleep(0.2)

    def alive(self) -> int:
        """How many nodes have a raylet that workers can use."""
        return sum("raylet" in p.name() for p in self.processes())

    def processes(self) -> list[psutil.Process]:
        """Every process of the cluster that runs."""
        for node in self.nodes:
            if node.poll() is None:
                self.seen |= set(psutil.Process(node.pid).children(recursive=True))
        return [p for p in self.seen if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    def workers(self) -> list[psutil.Process]:
        """Processes that run tasks."""
        found = []
        for p in self.processes():
            try:
                if p.cmdline() and p.cmdline()[0].startswith("ray::_evaluate"):
                    found.append(p)
            except psutil.NoSuchProcess:
                continue
        return found

    def kill_second_node(self) -> int:
        """End the node that is not the head, at once; how many processes that were."""
        node = psutil.Process(self.nodes[1].pid)
        running = [*node.children(recursive=True), node]
        self.processes()
        for process in running:
            process.kill()
        self.nodes[1].wait()
        return len(running)

    def stop(self) -> None:
        """End every process, and see that none is left."""
        self.processes()
        for node in reversed(self.nodes):
            if node.poll() is None:
                node.send_signal(signal.SIGTERM)
                try:
                    node.wait(30)
                except subprocess.TimeoutExpired:
                    node.kill()
                    node.wait()
        _, left = psutil.wait_procs(self.processes(), timeout=10)
        for process in left:
            process.kill()
        self.left = left
