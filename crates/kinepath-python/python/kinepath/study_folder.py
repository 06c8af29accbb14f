"""What a study writes into its folder, and may replace there later.

A study is done again in the folder where it was, so it replaces files; but a folder may hold others
of the same names, such as a training set that the user keeps as ``train.npy``. A list in the folder
says what is a study's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ._kinepath import KinepathError

LIST_FILE = "kinepath-written.json"
"""The list: what studies from Python have written into the folder, by its path in there."""
SAMPLED_FILE = "kinepath-sampled.json"
"""The run folders that a study of a model has sampled whole, while it is not done."""
RESULTS_FILE = "study.json"
REPORT_FILE = "report.html"


def check_free(folder: Path, paths: Iterable[Path]) -> None:
    """Refuses to write where something lies that no study from Python wrote.

    Args:
        folder: of the study; it need not exist.
        paths: what would be written into it: files, and folders of runs.

    Raises:
        KinepathError: for the first path that is taken, and for a list that cannot be read.
    """
    own = _listed(folder)
    for path in paths:
        if _name(folder, path) not in own and _is_taken(path):
            raise KinepathError(
                f"{path} is there already, and no study from Python wrote it: it would be "
                "replaced. Move it away, or choose another folder (out=)"
            )


def claim(folder: Path, paths: Iterable[Path]) -> None:
    """Lists what is about to be written, so that even half a study may be replaced.

    Args:
        folder: of the study; made where it does not exist.
        paths: as for :func:`check_free`, which let them pass.

    Raises:
        KinepathError: for a folder or a list that cannot be written.
    """
    # What was moved away may be replaced by something of the user's.
    kept = {name for name in _listed(folder) if _is_taken(folder / name)}
    names = kept.union(_name(folder, path) for path in paths)
    _write(folder / LIST_FILE, {"written": sorted(names)})


def sampled(folder: Path, field: str | None) -> set[Path]:
    """The run folders that a study which was interrupted has sampled whole.

    Args:
        folder: of the study.
        field: the digest of what it sampled, as for :func:`note_sampled`; runs of another are none.
    """
    try:
        noted = json.loads((folder / SAMPLED_FILE).read_text(encoding="utf-8"))
        if noted.get("field") != field:
            return set()
        return {folder / name for name in noted["sampled"]}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return set()


def note_sampled(folder: Path, runs: Iterable[Path], field: str | None = None) -> None:
    """Lists the run folders that are sampled whole; none once the study is done, or begins anew.

    Args:
        folder: of the study.
        runs: the run folders.
        field: the digest of the field that was sampled, where run folders do not tell one from
            another.

    Raises:
        KinepathError: for a folder that cannot be written.
    """
    names = sorted(_name(folder, run) for run in runs)
    if names:
        told = {} if field is None else {"field": field}
        _write(folder / SAMPLED_FILE, {**told, "sampled": names})
        return
    try:
        (folder / SAMPLED_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise KinepathError(f"cannot write into the folder {folder}: {error}") from error


def _write(file: Path, content: Mapping[str, str | list[str]]) -> None:
    beside = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        raise KinepathError(f"cannot write into the folder {file.parent}: {error}") from error


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _listed(folder: Path) -> set[str]:
    try:
        text = (folder / LIST_FILE).read_text(encoding="utf-8")
        return set(json.loads(text)["written"])
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise KinepathError(
            f"{folder / LIST_FILE} does not say what studies wrote there: {error}; choose another "
            "folder (out=)"
        ) from error


def _is_taken(path: Path) -> bool:
    """Whether anything lies there but an empty folder."""
    if path.is_dir() and not path.is_symlink():
        return any(path.iterdir())
    return os.path.lexists(path)
