"""``python -m pandas_dist script.py args``: run an unchanged pandas script on an engine."""

from __future__ import annotations

import importlib.machinery
import io
import os
import pkgutil
import runpy
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from pandas_dist import monkeypatch
from pandas_dist.config import options

if TYPE_CHECKING:
    import argparse

_WITH_VALUE = ("--backend", "--address", "--fallback")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the script or module that `argv` names as ``__main__``, with `install` in force.

    What it raises, SystemExit included, passes through.
    """
    given, module, target = _split(list(sys.argv[1:] if argv is None else argv))
    settings = _settings(given)
    report_asked = settings.pop("report", False)
    if not target:
        _parser().error("a script or -m module is required")
    for name, value in settings.items():
        try:
            setattr(options, name, value)
        except (ValueError, ImportError) as error:
            _parser().error(str(error))
        os.environ[f"PANDAS_DIST_{name.upper()}"] = value  # for processes the script starts
    monkeypatch.install()
    try:
        _run(module, target)
    except BaseException as error:
        _hide_own_frames(error)
        raise
    finally:
        if report_asked:
            from pandas_dist import report

            print(report.summary(), file=sys.stderr)


def _settings(given: list[str]) -> dict[str, Any]:
    """Our options by name.  The usual ones do without argparse, whose import takes longer."""
    names = dict(zip(given[::2], given[1::2]))
    if len(given) == 2 * len(names) and names.keys() <= set(_WITH_VALUE):
        return {option.removeprefix("--"): value for option, value in names.items()}
    return {k: v for k, v in vars(_parser().parse_args(given)).items() if v not in (None, False)}


def _parser() -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m pandas_dist",
        usage="%(prog)s [options] (script.py | -m module) [arguments]",
        description="Run an unchanged pandas script on a distributed engine.",
        epilog="The script sees its own arguments in sys.argv, and pandas_dist as pandas.",
        allow_abbrev=False,
    )
    parser.add_argument("--backend", help="pandas, dask, auto or a registered backend")
    parser.add_argument("--address", help="address of a running cluster")
    parser.add_argument("--fallback", help="warn, silent or error when pandas has to do it")
    parser.add_argument(
        "--report", action="store_true", help="print what fell back to pandas to stderr at the end"
    )
    return parser


def _split(argv: list[str]) -> tuple[list[str], bool, list[str]]:
    """Our options, whether a module is meant, and the target with its arguments."""
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        word = argv[at]
        if word == "-m":
            return argv[:at], True, argv[at + 1 :]
        if word.startswith("-m"):
            return argv[:at], True, [word[2:], *argv[at + 1 :]]
        at += 2 if word in _WITH_VALUE else 1
    return argv[:at], False, argv[at:]


# ---------------------------------------------------------------------------------------------
# Running as Python itself does


def _run(module: bool, target: list[str]) -> None:
    main_module = ModuleType("__main__")
    main_module.__annotations__ = {}
    if module:
        sys.argv = ["-m", *target[1:]]
        sys.modules["__main__"] = main_module
        runpy._run_module_as_main(target[0])  # type: ignore[attr-defined]
        return
    path = target[0]
    sys.argv = list(target)
    if os.path.exists(path) and pkgutil.get_importer(path) is not None:  # a directory or a zip
        _set_first_path(_absolute(path))
        sys.modules["__main__"] = main_module
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        return
    code = _code(path)
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    main_module.__dict__.update(
        __builtins__=sys.modules["builtins"],
        __file__=_absolute(path),
        __cached__=None,
        __loader__=importlib.machinery.SourceFileLoader("__main__", path),
    )
    # It stays __main__ until the end: pickles, threads and exit handlers look there.
    sys.modules["__main__"] = main_module
    exec(code, main_module.__dict__)


def _code(path: str) -> CodeType:
    full = _absolute(path)
    try:
        with io.open_code(full) as file:
            source = file.read()
    except OSError as error:
        # Python's own message and exit code.
        print(
            f"{sys.executable}: can't open file {full!r}: [Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        sys.exit(2)
    if path.endswith(".pyc"):
        code = importlib.machinery.SourcelessFileLoader("__main__", full).get_code("__main__")
        assert code is not None
        return code
    return compile(source, full, "exec", dont_inherit=True)


def _absolute(path: str) -> str:
    """As Python makes a script's name absolute, keeping ``.`` and ``..``."""
    return os.path.join(os.getcwd(), path)


def _set_first_path(directory: str) -> None:
    if not sys.flags.safe_path:  # python -P: nothing was put first
        sys.path[0] = directory


# ---------------------------------------------------------------------------------------------
# Tracebacks


def _hide_own_frames(error: BaseException) -> None:
    """Let the traceback that Python prints for `error` begin in the script."""
    hook = sys.excepthook
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename == __file__:
        first = first.tb_next

    def excepthook(
        kind: type[BaseException], value: BaseException, traceback: TracebackType | None
    ) -> None:
        shown = first if value is error else traceback
        hook(kind, value.with_traceback(shown), shown)

    monkeypatch.hide_import_frames(error)
    sys.excepthook = excepthook


if __name__ == "__main__":
    main()
