"""Tests of pandas that are known to fail through pandas_dist, and why.

Each entry is a pattern of test names (`fnmatch`, ``[`` of parameters written as ``(``), the
backends, and the reason.  The first that matches counts.
"""

from __future__ import annotations

KNOWN: tuple[tuple[str, tuple[str, ...], str], ...] = ()
