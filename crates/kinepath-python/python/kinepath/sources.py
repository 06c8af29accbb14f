"""The samples of a study: run folders, and what becomes one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy.typing as npt

from ._kinepath import KinepathError
from .judging import finite_records, known_data
from .paths import Paths
from .runs import Run, Source, write_run


def run_folder_of(study: Path, number: int, name: str) -> Path:
    """Where a study keeps run ``number``: the letters and digits of its name follow the number."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return study / "runs" / f"{number}-{slug}".rstrip("-")


def new_samples(named: Mapping[str, Run | Source]) -> dict[str, Source]:
    """Those samples that are no runs yet."""
    new: dict[str, Source] = {}
    for name, given in named.items():
        if not isinstance(given, Run) and _run_in(given) is None:
            new[name] = given
    return new


def check_samples(
    named: Mapping[str, Run | Source],
    folders: Mapping[str, Path],
    noise: int | str | npt.ArrayLike | None,
    labels: Sequence[int] | None,
) -> None:
    """Refuses what can be told to be wrong before a run of an earlier study is replaced.

    Args:
        named: samples by name.
        folders: where those that are no runs yet would be written.
        noise: what these started from.
        labels: their classes.

    Raises:
        KinepathError: for samples that lie where others would be written, that are not there or
            cannot be used, and for comparisons without noise.
    """
    new = new_samples(named)
    for name in new:
        for other, given in named.items():
            if _within(given, folders[name]):
                raise KinepathError(
                    f"{name!r} would be written to {folders[name]}, where the samples of {other!r} "
                    "are: choose another folder (out=)"
                )
    if noise is None and new and len(named) > 1:
        raise KinepathError(
            f"{next(iter(new))!r} cannot be compared: nobody told what noise its samples started "
            "from; give noise=, or run folders that tell it"
        )
    for name, source in new.items():
        _check_source(name, source, labels)


def run_of(
    folder: Path,
    given: Run | Source,
    noise: int | str | npt.ArrayLike | None,
    labels: Sequence[int] | None,
) -> Path:
    """The run folder of samples, written to ``folder`` if they are no run yet."""
    if isinstance(given, Run):
        return given.path
    there = _run_in(given)
    if there is not None:
        return there
    return write_run(folder, given, noise=noise, labels=labels, overwrite=True).path


def _run_in(given: Source) -> Path | None:
    """The run folder that a path leads to, finished or not."""
    if not isinstance(given, (str, os.PathLike)):
        return None
    path = Path(given)
    settings = (path / "run.toml", path / "parts" / "run.toml")
    return path if any(file.exists() for file in settings) else None


def _within(given: Run | Source, folder: Path) -> bool:
    """Whether samples are files in a folder, under whatever name."""
    if isinstance(given, Run):
        given = given.path
    if not isinstance(given, (str, os.PathLike)):
        return False
    path = Path(given).resolve()
    return folder.resolve() in (path, *path.parents)


def _check_source(name: str, source: Source, labels: Sequence[int] | None) -> None:
    if isinstance(source, (str, os.PathLike)):
        known_data(os.fspath(source))
        return
    values = source.endpoints if isinstance(source, Paths) else source
    if values is None:
        raise KinepathError(
            f"the paths of {name!r} have no endpoints: dataclasses.replace(paths, endpoints=…) "
            "gives them some"
        )
    count = len(finite_records(repr(name), values))
    if labels is not None and len(labels) != count:
        raise KinepathError(f"there are {len(labels)} labels for {count} samples of {name!r}")
