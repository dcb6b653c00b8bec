"""Where files are: on this machine's disks, or in a store that has a URL."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pyarrow import fs


def is_url(path: str) -> bool:
    return "://" in path


def filesystem(path: str) -> tuple[Any, str]:
    """The file system of a path or URL, and its name there, as pandas finds them.

    pyarrow's own, else fsspec's.  OSError or ImportError if there is none for such URLs.
    """
    if not is_url(path):
        return fs.LocalFileSystem(), path
    try:
        return fs.FileSystem.from_uri(path)
    except (TypeError, pa.ArrowInvalid):
        import fsspec

        try:
            store, name = fsspec.core.url_to_fs(path)
        except ValueError as error:  # no such protocol
            raise OSError(str(error)) from error
        return fs.PyFileSystem(fs.FSSpecHandler(store)), name


def information(path: str) -> Any:
    """Size and time of a file of a store.  FileNotFoundError if there is none."""
    store, name = filesystem(path)
    found = store.get_file_info(name)
    if not found.is_file:
        raise FileNotFoundError(path)
    return found


def open_file(path: str) -> Any:
    """A file of a store, for reading at any place."""
    store, name = filesystem(path)
    return store.open_input_file(name)


def parquet_files(path: str) -> list[str] | None:
    """The URLs of the file, or of those in the directory, in pandas' order; None if unusual."""
    store, name = filesystem(path)
    if store.get_file_info(name).is_file:
        return [path]
    inside = [
        i
        for i in store.get_file_info(fs.FileSelector(name, allow_not_found=True))
        if not i.base_name.startswith((".", "_"))
    ]
    if not inside or not all(i.is_file and i.extension in ("parquet", "pq") for i in inside):
        return None
    return [f"{path.rstrip('/')}/{n}" for n in sorted(i.base_name for i in inside)]
