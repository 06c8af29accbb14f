"""From a data set in parts to a run folder."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from .. import _kinepath
from ..progress import Progress, on_stderr
from ..runs import Run, read_run
from .dataset import Dataset

OF_A_RUN = ("kinepath", "count", "shape", "field", "sampler", "noise", "record")
"""Settings that a run folder has too."""


def to_run(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    filesystem: Any = None,
) -> Run:
    """Makes a run folder of a finished data set, for ``kinepath evaluate``, ``compare`` and ``report``.

    Parts are streamed: memory holds one of them, and the table. An interrupted call goes on where it
    stopped. Neighbours are left where they are: an evaluation of the run finds its own.

    Args:
        path: a data set of :func:`sample`.
        out: the run folder, on a local disk.
        progress: called with what is being done and how much of it, instead of a line on stderr,
            which is one a minute where that is no terminal.
        filesystem: where ``path`` is, as for :func:`sample`.

    Raises:
        KinepathError: for a data set with missing parts, a folder that holds another run, or one
            that cannot be written.
    """
    dataset = Dataset(path, filesystem=filesystem)
    there = {(part.rows.start, part.rows.stop): part for part in dataset.whole()}
    settings = {key: dataset.settings[key] for key in OF_A_RUN}
    settings["batch"] = dataset.settings["part_size"]
    if "labels" in dataset.settings:
        settings["conditions"] = {"labels": {"asked": "given"} | dataset.settings["labels"]}
    told = progress or on_stderr()
    writer = _kinepath.RunParts(os.fspath(out), json.dumps(settings))
    try:
        missing = writer.missing()
        done = len(dataset) - sum(stop - start for start, stop in missing)
        for rows in missing:
            part = there[rows]
            table, tensors = dataset.table(part), dataset.tensors(part)
            # A run has the column in any case.
            table.setdefault("noise_left", np.full(len(part.rows), np.nan))
            certificate = part.note["certificate"]
            writer.write(
                part.rows.start,
                tensors.pop("samples"),
                labels=table.pop("label", None),
                table=list(table.items()),
                # They are read in no order, and the parts of a run have one.
                tensors=sorted(tensors.items()),
                certificate=None if certificate is None else json.dumps(certificate),
            )
            done += len(part.rows)
            told("writing the run", done / len(dataset))
        writer.finish()
    finally:
        writer.close()
    return read_run(out)
