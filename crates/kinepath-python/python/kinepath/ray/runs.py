"""From a data set in parts to a run folder."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from .. import _kinepath
from ..runs import Run, read_run
from .dataset import Dataset

OF_A_RUN = ("kinepath", "count", "shape", "field", "sampler", "noise", "record")
"""Settings that a run folder has too."""


def to_run(
    path: str | os.PathLike[str], out: str | os.PathLike[str], *, filesystem: Any = None
) -> Run:
    """Makes a run folder of a finished data set, for ``kinepath evaluate``, ``compare`` and ``report``.

    Parts are streamed: memory holds one of them, and the table. An interrupted call goes on where it
    stopped. Neighbours are left where they are: an evaluation of the run finds its own.

    Args:
        path: a data set of :func:`sample`.
        out: the run folder, on a local disk.
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
    writer = _kinepath.RunParts(os.fspath(out), json.dumps(settings))
    try:
        for rows in writer.missing():
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
        writer.finish()
    finally:
        writer.close()
    return read_run(out)
