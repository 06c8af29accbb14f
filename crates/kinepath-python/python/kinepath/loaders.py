"""Records from wherever they are: arrays, files, paths, and data sets and loaders of PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike, fspath
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _kinepath
from ._kinepath import KinepathError
from .arrays import F32, data, real
from .paths import Paths


class Numbered(Protocol):
    """What a data set of PyTorch has: a length, and items by number."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int, /) -> Any: ...


Data: TypeAlias = "npt.ArrayLike | str | PathLike[str] | Paths[Any] | Iterable[Any] | Numbered"
"""Records ``[N, *shape]``: an array, a path that the program takes for data, the endpoints of measured
paths, or a data set or loader of PyTorch that yields records, alone or first of a tuple."""


def loaded(given: Data) -> F32:
    """As float32 records, ``[N, *shape]``, in the units of models and studies.

    Raises:
        KinepathError: for what is none.
    """
    if isinstance(given, (str, PathLike)):
        return _kinepath.load_data(fspath(given))
    return data(in_memory(given))


def both(first: Data, second: Data) -> tuple[F32, F32]:
    """Two sets that are compared, as :func:`loaded` each.

    The program gives grey pictures of a file a channel, which those of an array need not have.

    Raises:
        KinepathError: for what is no data.
    """
    one, other = loaded(first), loaded(second)
    return _as_in(first, one, other), _as_in(second, other, one)


def _as_in(given: Data, own: F32, other: F32) -> F32:
    """Records of a path, without the channel that others do not have."""
    is_path = isinstance(given, (str, PathLike))
    return own[:, 0] if is_path and own.shape[1:] == (1, *other.shape[1:]) else own


def in_memory(given: Any) -> Any:
    """The records of a data set or loader as one array, and the endpoints of paths; anything else as
    it is.

    Raises:
        KinepathError: for records of different shapes, or that are no numbers, and for paths without
            endpoints.
    """
    if isinstance(given, Paths):
        if given.endpoints is None:
            raise KinepathError(
                "these paths have no endpoints: dataclasses.replace(paths, endpoints=…) gives them some"
            )
        return given.endpoints
    if not _is_loader(given):
        return given
    # A loader without batches yields single records, as a data set does; one that is told which
    # records go together has no size of batches.
    makers = (getattr(given, name, None) for name in ("batch_size", "batch_sampler"))
    batched = hasattr(given, "dataset") and any(maker is not None for maker in makers)
    parts = [real(_first(item)) for item in _items(given)]
    if not parts:
        raise KinepathError(f"{type(given).__name__} yields no records")
    try:
        return np.concatenate(parts) if batched else np.stack(parts)
    except ValueError as error:
        raise KinepathError(
            f"{type(given).__name__} yields records of different shapes, as {parts[0].shape}: "
            f"{error}; bring them to one shape"
        ) from error


def _is_loader(given: Any) -> bool:
    """Whether something is neither an array nor a list, and yields what may be one."""
    if isinstance(given, (Sequence, Mapping)) or hasattr(given, "__array__"):
        return False
    return hasattr(given, "__iter__") or (
        hasattr(given, "__getitem__") and hasattr(given, "__len__")
    )


def _items(given: Any) -> Iterator[Any]:
    """Its items: a data set of PyTorch has a length and numbers, and need not end otherwise."""
    if hasattr(given, "__iter__"):
        return iter(given)
    return (given[number] for number in range(len(given)))


def _first(item: Any) -> Any:
    """The record, or batch, of an item that may have a label too."""
    if isinstance(item, Mapping):
        raise KinepathError(
            f"a loader yields records, alone or first of a tuple, not mappings of {sorted(item)}: "
            "give those of one name, as np.concatenate([batch[name] for batch in loader])"
        )
    return item[0] if isinstance(item, (tuple, list)) else item
