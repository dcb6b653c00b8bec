"""Removes what is left of a Ray of this process if the process ends without any goodbye.

``watched(folder)`` starts a process that waits for the end of this one.  Ray's own processes end
with it for the most part; some stay, and so does the folder of the session.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

SECONDS = 20


def watched(folder: str) -> subprocess.Popen[bytes]:
    """The process that removes a folder, and processes that have files open in it.

    It does so as soon as its standard input ends: closed here, or by the end of this process.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", os.path.abspath(__file__), folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt from the keyboard is not for it
    )


def users(folder: str) -> list[int]:
    """Processes with an open file in a folder (on Linux)."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            files = f"/proc/{int(name)}/fd" if name.isdigit() else ""
            opened = (os.readlink(f"{files}/{n}") for n in os.listdir(files)) if files else ()
            if any(path.startswith(folder + os.sep) for path in opened):
                found.append(int(name))
    return found


def main(folder: str) -> None:
    """In the process that waits."""
    sys.stdin.read()
    end = time.monotonic() + SECONDS
    while os.path.isdir(folder) and time.monotonic() < end:
        for process in users(folder):
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1])
