"""Where a data set lies: a folder that all workers reach, in which files appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from .._kinepath import KinepathError
from .errors import StoreError

OBJECT_STORES = ("s3", "gcs", "abfs")
"""File systems of pyarrow in which an object appears when its upload is complete."""
INCOMING = "incoming"
"""The folder of files that are being written, where file systems need one."""


class Store:
    """A folder of a local, shared or remote file system. Workers get it as a pickle.

    Args:
        path: a path, of a folder that every node sees under this name; or a URI such as
            ``s3://bucket/folder``, ``gs://…``, ``hdfs://…`` or what fsspec knows.
        filesystem: where ``path`` is to be found, for what no URI says: a file system of pyarrow
            or of fsspec.

    Raises:
        KinepathError: for a URI that nothing installed can open, and what is no file system.
    """

    def __init__(self, path: str | os.PathLike[str], filesystem: Any = None) -> None:
        self.name: str = os.fspath(path)
        """As it was given."""
        self._filesystem, root = _resolved(self.name, filesystem)
        self._root: str = root.rstrip("/")

    @staticmethod
    def of_file(path: str | os.PathLike[str], filesystem: Any = None) -> tuple[Store, str]:
        """The folder that a file lies in, and the name of the file there.

        Raises:
            KinepathError: as for a folder.
        """
        # A URI may end in options: only the file system knows which part of it is the path.
        store = Store(path, filesystem)
        store._root, _, name = store._root.rpartition("/")
        plain = store.name.partition("?")[0] if "://" in store.name else store.name
        store.name = os.path.dirname(plain) or os.curdir
        return store, name

    def __str__(self) -> str:
        return self.name

    def write(self, name: str, content: bytes | memoryview | pa.Buffer) -> None:
        """Writes a file. Who looks for it finds what was there before, or all of ``content``.

        Raises:
            StoreError: when the store fails; the name then has what it had before, or nothing.
        """
        target = self._path(name)
        try:
            if isinstance(self._filesystem, fs.LocalFileSystem):
                _replace(self._path(INCOMING), target, content)
            elif self._filesystem.type_name in OBJECT_STORES:
                self._put(target, content)
            else:
                temporary = f"{self._path(INCOMING)}/{uuid.uuid4().hex}"
                for path in (temporary, target):
                    self._filesystem.create_dir(path.rpartition("/")[0], recursive=True)
                self._put(temporary, content)
                self._filesystem.move(temporary, target)
        except OSError as error:
            raise StoreError(f"cannot write {name} in {self}: {error}") from error

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            StoreError: when it cannot be read.
        """
        with self.open(name) as file:
            try:
                content: bytes = file.read()
            except OSError as error:
                raise StoreError(f"cannot read {name} in {self}: {error}") from error
        return content

    def pieces(self, name: str, starts: Iterable[int], size: int) -> list[bytes]:
        """``size`` bytes of a file from each of ``starts`` on, or as many as there are.

        Raises:
            StoreError: when they cannot be read.
        """
        with self.open(name) as file:
            try:
                return [file.read_at(size, start) for start in starts]
            except OSError as error:
                raise StoreError(f"cannot read {name} in {self}: {error}") from error

    def open(self, name: str) -> Any:
        """A file of pyarrow for reading at any place.

        Raises:
            StoreError: when there is none, or it cannot be opened.
        """
        try:
            return self._filesystem.open_input_file(self._path(name))
        except OSError as error:
            raise StoreError(f"cannot open {name} in {self}: {error}") from error

    def size(self, name: str) -> int | None:
        """The size of a file in bytes; nothing where there is none.

        Raises:
            StoreError: when the store does not say.
        """
        path = self._path(name)
        self._forget(path.rpartition("/")[0], path)
        info = self._infos([path])[0]
        return info.size if info.is_file else None

    def sizes(self, folder: str) -> dict[str, int]:
        """The files of a folder, which need not exist, and their sizes in bytes.

        Raises:
            StoreError: when it cannot be listed.
        """
        self._forget(self._path(folder))
        selector = fs.FileSelector(self._path(folder), allow_not_found=True)
        return {info.base_name: info.size for info in self._infos(selector) if info.is_file}

    def delete(self, name: str) -> None:
        """Removes a file, if it is there.

        Raises:
            StoreError: when it cannot be removed.
        """
        if self.size(name) is not None:
            try:
                self._filesystem.delete_file(self._path(name))
            except FileNotFoundError:
                pass
            except OSError as error:
                raise StoreError(f"cannot remove {name} in {self}: {error}") from error

    def delete_folder(self, folder: str) -> None:
        """Removes a folder and what it holds, if it is there.

        Raises:
            StoreError: when it cannot be removed.
        """
        for name in self.sizes(folder):
            self.delete(f"{folder}/{name}")
        # An object store has no folders, or keeps a mark for one.
        with contextlib.suppress(OSError):
            self._filesystem.delete_dir(self._path(folder))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _forget(self, *paths: str) -> None:
        """Of fsspec's file systems those of object stores keep what they once listed, and do not see
        what other processes write."""
        handler = getattr(self._filesystem, "handler", None)
        if isinstance(handler, fs.FSSpecHandler):
            for path in paths:
                handler.fs.invalidate_cache(path)

    def _infos(self, selection: Any) -> list[Any]:
        try:
            return list(self._filesystem.get_file_info(selection))
        except OSError as error:
            raise StoreError(f"cannot list {self}: {error}") from error

    def _put(self, path: str, content: bytes | memoryview | pa.Buffer) -> None:
        stream = self._filesystem.open_output_stream(path)
        try:
            stream.write(content)
            stream.close()
        except OSError:
            # A stream that is closed, and if only by the garbage collector, publishes what it has.
            with contextlib.suppress(OSError):
                stream.close()
            with contextlib.suppress(OSError):
                self._filesystem.delete_file(path)
            raise


def _resolved(path: str, filesystem: Any) -> tuple[Any, str]:
    if filesystem is not None:
        if not isinstance(filesystem, fs.FileSystem):
            if not hasattr(filesystem, "protocol"):
                raise KinepathError(
                    f"a file system is one of pyarrow or fsspec, got {filesystem!r}"
                )
            filesystem = fs.PyFileSystem(fs.FSSpecHandler(filesystem))
        return filesystem, path
    if "://" not in path:
        return fs.LocalFileSystem(), Path(path).absolute().as_posix()
    try:
        found: tuple[Any, str] = fs.FileSystem.from_uri(path)
        return found
    except (pa.ArrowException, OSError) as error:
        try:
            from fsspec.core import url_to_fs

            known, root = url_to_fs(path)
        except Exception as other:
            # Each of its file systems is opened by a package of its own, with errors of its own.
            # The search for Java's library tells of every place that it has looked at.
            why, also = (str(cause).partition("\n")[0] for cause in (error, other))
            raise KinepathError(
                f"cannot open {path}: {why}; fsspec: {also}; give the file system (filesystem=) "
                "where the URI does not tell enough"
            ) from error
        return fs.PyFileSystem(fs.FSSpecHandler(known)), str(root)


def _replace(incoming: str, target: str, content: bytes | memoryview | pa.Buffer) -> None:
    """Writes a local file under another name, sees it safe on the disk, and renames it."""
    os.makedirs(incoming, exist_ok=True)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = os.path.join(incoming, uuid.uuid4().hex)
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise
