"""What samples are judged by: real data, networks and prompts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from . import _kinepath
from ._kinepath import KinepathError
from .fields import Engine
from .loaders import Data
from .prompts import Clip, Prompts
from .runs import records

if TYPE_CHECKING:
    from typing_extensions import Required, TypedDict

    class JudgedBy(TypedDict, total=False):
        """What :func:`kinepath.study` judges samples by, by its names."""

        train: Required[Data]
        reference: Data | None
        decoder: str | os.PathLike[str] | None
        latent_scale: float
        latent_shift: float
        encoder: str | os.PathLike[str] | None
        classifier: str | os.PathLike[str] | None
        clip_image: str | os.PathLike[str] | None
        prompts: Prompts | None
        clip_text: str | os.PathLike[str] | None
        tokenizer: str | os.PathLike[str] | None
        copies_in: Literal["pixels", "features"]
        engine: Engine
        resamples: int


BUILTIN = "builtin:"
"""What names of embedded data and networks begin with."""
TOLD_BY_NAME = (".npy", ".npz", ".safetensors", ".bin", ".gz", ".idx", ".parquet")
"""Files that are data by their names; others are by their content."""

LEAST_TRAIN = 11
"""Training records that a study needs: samples are judged by the ten nearest of each."""
LEAST_REFERENCE = 6
"""Reference records that it needs: precision and recall go by the five nearest others of each."""
LEAST_MEASURED = 5
"""Measured samples that it needs, for correlations with the energy, two controls held."""
LEAST_WITH_REFERENCE = 7
"""Samples that it needs where they are compared with a reference."""
QUICKLY_LOADED = 1 << 26
"""Bytes of files that are read in a second or so."""

TRAIN_FILE = "train.npy"
REFERENCE_FILE = "reference.npy"


@dataclass(frozen=True)
class Judges:
    """What a study was told to judge by; data are paths, or arrays as the core takes them."""

    train: str | npt.NDArray[Any]
    reference: str | npt.NDArray[Any] | None
    decoder: tuple[str, float, float] | None
    encoder: str | None
    copies_in: str
    classifier: str | None
    clip: Clip | None
    engine: str
    resamples: int

    @staticmethod
    def of(
        *,
        train: Data,
        reference: Data | None,
        decoder: str | os.PathLike[str] | None,
        latent_scale: float,
        latent_shift: float,
        encoder: str | os.PathLike[str] | None,
        copies_in: str,
        classifier: str | os.PathLike[str] | None,
        clip_image: str | os.PathLike[str] | None,
        prompts: Prompts | None,
        clip_text: str | os.PathLike[str] | None,
        tokenizer: str | os.PathLike[str] | None,
        engine: str,
        resamples: int,
    ) -> Judges:
        """As :func:`kinepath.study` was told.

        Raises:
            KinepathError: for what is not there, or cannot be what it is given for as far as can be
                told without opening it.
        """
        _kinepath.check_resamples(max(0, resamples))
        for network in (clip_image, clip_text):
            if network is not None:
                _path(network)
        clip = Clip.of(clip_image, prompts, clip_text, tokenizer)
        if copies_in not in ("pixels", "features"):
            raise KinepathError(f"copies_in is pixels or features, got {copies_in!r}")
        if engine not in get_args(Engine):
            raise KinepathError(f"engine is one of {', '.join(get_args(Engine))}, got {engine!r}")
        judges = Judges(
            _data("train", train),
            None if reference is None else _data("reference", reference),
            None if decoder is None else (_network(decoder), latent_scale, latent_shift),
            None if encoder is None else _network(encoder),
            copies_in,
            None if classifier is None else _network(classifier),
            clip,
            engine,
            resamples,
        )
        embedded = isinstance(judges.train, str) and judges.train.startswith(BUILTIN)
        if copies_in == "features" and encoder is None and not embedded:
            raise KinepathError(
                "copies_in='features' has no encoder whose features they would be; name one "
                "(encoder=), or seek copies in pixels"
            )
        if clip is not None:
            for network in filter(None, (clip.image, clip.text)):
                _network(network)
            for file in (clip.prompts, clip.tokenizer):
                if isinstance(file, str):
                    _there(file)
        return judges

    def check_samples(self, count: int, shape: Sequence[int]) -> None:
        """Refuses what measured samples cannot be judged by, as far as can be told without reading
        large files.

        Args:
            count: how many samples there will be.
            shape: that of one.

        Raises:
            KinepathError: for too few samples or records, and for records of another number of
                values than samples, unless a decoder makes these from samples.
        """
        embedded = isinstance(self.train, str) and self.train.startswith(BUILTIN)
        referred = self.reference is not None or embedded
        least = LEAST_WITH_REFERENCE if referred else LEAST_MEASURED
        if count < least:
            beside = " that has a reference" if referred else ""
            raise KinepathError(f"a study{beside} needs at least {least} samples, got {count}")
        for what, data, needed in (
            ("train", self.train, LEAST_TRAIN),
            ("reference", self.reference, LEAST_REFERENCE),
        ):
            found = None if data is None else _shape(data)
            if found is None:
                continue
            rows, *record = found
            if rows < needed:
                raise KinepathError(f"{what} has {rows} records; a study needs at least {needed}")
            if self.decoder is None and prod(record) != prod(shape):
                raise KinepathError(
                    f"{what} has records of shape {record}, but samples have {list(shape)}: bring "
                    "them to one shape, or name the network that decodes samples (decoder=)"
                )

    def files(self, folder: Path) -> list[Path]:
        """The files that :meth:`in_files` writes.

        Raises:
            KinepathError: for data that would be read from one of them.
        """
        data = {folder / TRAIN_FILE: self.train, folder / REFERENCE_FILE: self.reference}
        files = [file for file, values in data.items() if isinstance(values, np.ndarray)]
        for path in data.values():
            if isinstance(path, str) and Path(path).resolve() in [f.resolve() for f in files]:
                raise KinepathError(
                    f"{path} would be replaced by data given as an array: choose another folder "
                    "(out=), or give arrays for both"
                )
        return files if self.clip is None else [*files, *self.clip.files(folder)]

    def in_files(self, folder: Path) -> dict[str, Any]:
        """What the core opens; arrays and prompts are written into ``folder``."""
        return {
            "train": _written(folder / TRAIN_FILE, self.train),
            "reference": None
            if self.reference is None
            else _written(folder / REFERENCE_FILE, self.reference),
            "decoder": self.decoder,
            "encoder": self.encoder,
            "copies_in": self.copies_in,
            "classifier": self.classifier,
            "clip": None if self.clip is None else self.clip.in_files(folder),
            "engine": self.engine,
            "resamples": self.resamples,
        }


def known_data(path: str) -> None:
    """Makes sure that there are data of a known form under a path.

    Raises:
        KinepathError: when there are none.
    """
    if not path.startswith(BUILTIN):
        _there(path)
        if os.path.isdir(path) or path.lower().endswith(TOLD_BY_NAME):
            return
    # Rare, and small: the core knows names and contents.
    _kinepath.load_data(path)


def finite_records(what: str, values: Data) -> npt.NDArray[Any]:
    """Records as the core takes them.

    Raises:
        KinepathError: for what is no array ``[N, *shape]`` of numbers, NaN and infinity.
    """
    array = records(values)
    if array.ndim < 2 or not array.size:
        raise KinepathError(f"{what} has records [N, *shape], got shape {array.shape}")
    for number, record in enumerate(array):
        if not np.isfinite(record).all():
            raise KinepathError(f"{what} is NaN or infinite in record {number}")
    return array


def _data(what: str, given: Data) -> str | npt.NDArray[Any]:
    if not isinstance(given, (str, os.PathLike)):
        return finite_records(what, given)
    path = os.fspath(given)
    known_data(path)
    return path


def _shape(data: str | npt.NDArray[Any]) -> tuple[int, ...] | None:
    """Number and shape of records, unless it takes a while to tell."""
    if not isinstance(data, str):
        return data.shape
    if data.startswith(BUILTIN) or _bytes_in(data) <= QUICKLY_LOADED:
        return _kinepath.load_data(data).shape
    if data.lower().endswith(".npy"):
        try:
            shape: tuple[int, ...] = np.load(data, mmap_mode="r").shape
        except (OSError, ValueError):
            # The core says what is wrong with it.
            return None
        return shape
    return None


def _bytes_in(path: str) -> int:
    """The bytes of a file, or of all files below a folder."""
    if not os.path.isdir(path):
        return os.path.getsize(path)
    files = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sum(os.path.getsize(file) for file in files if os.path.isfile(file))


def _network(given: str | os.PathLike[str]) -> str:
    """A network, with what is told of it after a colon."""
    text = _path(given)
    if not text.startswith(BUILTIN) and not os.path.exists(text):
        _there(text.rpartition(":")[0] or text)
    return text


def _path(network: str | os.PathLike[str]) -> str:
    if not isinstance(network, (str, os.PathLike)):
        raise KinepathError(
            f"a network is the path of an ONNX file, got {type(network).__name__}: "
            "kinepath.export_onnx writes one of a model in PyTorch"
        )
    return os.fspath(network)


def _there(path: str) -> None:
    try:
        os.stat(path)
    except OSError as error:
        raise KinepathError(
            f"{path}: cannot be read: {error.strerror}; check the path and its permissions"
        ) from error


def _written(file: Path, data: str | npt.NDArray[Any]) -> str:
    if isinstance(data, str):
        return data
    np.save(file, data)
    return os.fspath(file)
