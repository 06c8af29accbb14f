"""A study: are the samples copies, are they good, and is one sampler better than another?

The same figures, intervals, verdicts and report as ``kinepath evaluate`` and ``kinepath compare``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy.typing as npt

from . import _kinepath, study_tables
from ._kinepath import KinepathError
from .arrays import whole
from .fields import Engine
from .judging import Judges
from .loaders import Data, in_memory
from .paths import Paths
from .progress import Progress, on_stderr
from .prompts import Prompts
from .runs import Run, Source
from .sources import check_samples, new_samples, run_folder_of, run_of
from .study_folder import REPORT_FILE, RESULTS_FILE, check_free, claim
from .tables import Table

BASELINE = "baseline"

Verdict: TypeAlias = Literal["improves", "trades", "harms", "leaves-noise", "no-detectable-effect"]
"""What a variant does to the samples, as ``study.json`` has it: better in something and worse in
nothing; better in something at the price of something else; worse in something and better in
nothing; better only by noise that it leaves in the samples; no difference that this number of
samples can show."""


class Study:
    """The results of a study, in its folder: ``study.json``, ``report.html`` and its runs.

    Args:
        path: the folder.

    Raises:
        KinepathError: for a folder without results.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        """The folder."""
        try:
            text = (self.path / RESULTS_FILE).read_text(encoding="utf-8")
        except OSError as error:
            raise KinepathError(f"{self.path} holds no study: {error}") from error
        self.results: dict[str, Any] = json.loads(text)
        """Every figure with its interval, and every verdict: the content of ``study.json``."""

    @property
    def findings(self) -> list[str]:
        """What was found, one sentence each, the most important first."""
        findings: list[str] = self._model["findings"]
        return findings

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on every variant; :attr:`sentences` has it in words."""
        return {name: found["verdict"] for name, found in self._comparisons.items()}

    @property
    def sentences(self) -> dict[str, str]:
        """The verdict on every variant in words: on which figures, and with what reservation."""
        return {name: found["sentence"] for name, found in self._comparisons.items()}

    @property
    def report(self) -> Path:
        """The report: one HTML file that needs no network."""
        return self.path / REPORT_FILE

    def figures(self, run: str = BASELINE) -> dict[str, tuple[float, float, float]]:
        """Estimate and both ends of the 95 % interval of every figure of a run, by its key.

        Raises:
            KinepathError: for a run of another name.
        """
        for found in self._model["runs"]:
            if found["name"] == run:
                rows = ((row["metric"], row["value"]) for row in found["metrics"])
                return {key: (v["estimate"], v["low"], v["high"]) for key, v in rows}
        known = ", ".join(repr(found["name"]) for found in self._model["runs"])
        raise KinepathError(f"the study has no run named {run!r}; there are {known}")

    @property
    def metrics(self) -> Table:
        """A row for each figure of each run, named as in ``study.json``: ``run``, ``metric``,
        ``estimate``, and ``low`` and ``high``, the ends of its 95 % interval.

        ``study.metrics.to_pandas()`` is a data frame of it.
        """
        return study_tables.metrics(self._model["runs"])

    @property
    def differences(self) -> Table:
        """A row for each figure of each variant, paired with the baseline: ``run``, ``metric``,
        ``estimate``, ``low`` and ``high`` of variant minus baseline, ``p_value``, ``q_value``,
        which is adjusted for their number after Benjamini and Hochberg, ``detectable``, the
        smallest true difference that this number of samples would show with 80 % power, and
        ``effect``. What could not be computed is NaN.
        """
        return study_tables.differences(self._model["runs"])

    @property
    def _comparisons(self) -> dict[str, dict[str, Any]]:
        """What was found of every variant, by its name."""
        runs = self._model["runs"]
        return {run["name"]: run["comparison"] for run in runs if run["comparison"]}

    @property
    def _model(self) -> dict[str, Any]:
        model: dict[str, Any] = self.results["models"][0]
        return model

    def __repr__(self) -> str:
        return f"<kinepath.Study in {self.path}>\n" + "\n".join(self.findings)

    def _repr_html_(self) -> str:
        """For notebooks."""
        return study_tables.page(str(self.path), self.findings, self.metrics)


def study(
    samples: Run | Source,
    variants: Mapping[str, Run | Source] | None = None,
    *,
    train: Data,
    reference: Data | None = None,
    decoder: str | os.PathLike[str] | None = None,
    latent_scale: float = 1.0,
    latent_shift: float = 0.0,
    encoder: str | os.PathLike[str] | None = None,
    classifier: str | os.PathLike[str] | None = None,
    clip_image: str | os.PathLike[str] | None = None,
    prompts: Prompts | None = None,
    clip_text: str | os.PathLike[str] | None = None,
    tokenizer: str | os.PathLike[str] | None = None,
    copies_in: Literal["pixels", "features"] = "pixels",
    noise: int | str | npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    out: str | os.PathLike[str] = "kinepath-study",
    engine: Engine = "auto",
    resamples: int = 2000,
    progress: Progress | None = None,
) -> Study:
    """Judges samples and, with variants, compares them with those of the baseline.

    Arrays and paths are written into ``out`` first, so that the study can be repeated; an earlier
    study there is replaced, once what was given has been looked at as far as can be without loading
    files and networks. Nothing else is: ``kinepath-written.json`` lists what is the study's. A run
    folder stays where it is and its table gains the columns of the judgement. The interpreter is
    free while the core works; Ctrl-C stops at the end of a stage.

    Args:
        samples: the baseline, or all there is: a :class:`kinepath.Run` or its folder, measured
            paths, an array ``[N, *shape]``, or a folder of pictures or other data.
        variants: samples of other samplers by name, as many, row by row from the same noise.
        train: the training set of the model: an array, a path that the program takes for data, or a
            data set or loader of PyTorch that yields records, alone or first of a tuple.
            ``"builtin:fashion-mnist"`` brings reference, encoder and classifier along.
        reference: real data that the model has not seen, for distances between distributions,
            precision, recall and the copying test.
        decoder: an ONNX network that makes pictures of samples that are latents: everything but
            energies is then of pictures, like those of ``train``.
        latent_scale: what latents were multiplied by for training, ``scaling_factor`` of a
            diffusers autoencoder: pictures are ``decoder(z / latent_scale + latent_shift)``.
        latent_shift: what was subtracted from latents before, its ``shift_factor``.
        encoder: an ONNX network whose ``features`` are the feature space, which is that of pixels
            without one; ``"FILE:preprocess=inception"`` prepares samples for FID proper.
        classifier: an ONNX network whose ``logits`` give confidence and margin.
        clip_image: an ONNX network for pictures whose features share a space with those of prompts,
            usually ``"FILE:preprocess=clip"``: how well samples fit ``prompts`` is scored.
        prompts: in words: a sequence of strings, or a text file with one a line. Without
            ``clip_text`` their embeddings: an array ``[P, F]`` or a file with one. Samples with a
            class should show the prompt of that number; without, the one that fits best counts.
        clip_text: the ONNX network for prompts in words.
        tokenizer: its ``tokenizer.json``.
        copies_in: the space whose distances say what is a copy.
        noise: what samples that are no runs yet started from; as for :func:`kinepath.write_run`.
        labels: the class, or number of the prompt, of each of these samples, ``[N]``, the same in
            every variant; what ``noise`` and ``labels`` say of runs their folders say already.
        out: the folder for results, report, and data given as arrays.
        engine: what runs these networks, as for :class:`kinepath.OnnxField`.
        resamples: bootstrap resamples and permutations of every figure, at least 40.
        progress: called with what is being done and how much of it, instead of a line on stderr,
            which is one a minute where that is no terminal.

    Raises:
        KinepathError: for samples that do not fit the data or each other, variants whose noise is
            not that of the baseline or not told, samples that lie where others would be written,
            files of ``out`` that would be replaced and are no study's, and files that cannot be
            read or written.
        ModelError: for a network that cannot be run.
    """
    if variants is not None and not isinstance(variants, Mapping):
        raise KinepathError(
            'variants are samples by name, as {"KTS": samples}, got ' + type(variants).__name__
        )
    named: dict[str, Run | Source] = {
        name: source if isinstance(source, (Run, Paths)) else in_memory(source)
        for name, source in {BASELINE: samples, **(variants or {})}.items()
    }
    classes = None if labels is None else whole(labels, "labels")
    if len(named) == len(variants or {}):
        raise KinepathError(f"{BASELINE!r} is the name of the first samples; name the variant else")
    judges = Judges.of(
        train=train,
        reference=reference,
        decoder=decoder,
        latent_scale=latent_scale,
        latent_shift=latent_shift,
        encoder=encoder,
        copies_in=copies_in,
        classifier=classifier,
        clip_image=clip_image,
        prompts=prompts,
        clip_text=clip_text,
        tokenizer=tokenizer,
        engine=engine,
        resamples=resamples,
    )
    folder = Path(out)
    folders = {name: run_folder_of(folder, number, name) for number, name in enumerate(named)}
    check_samples(named, folders, noise, classes)
    written = [
        folder / RESULTS_FILE,
        folder / REPORT_FILE,
        *judges.files(folder),
        *(folders[name] for name in new_samples(named)),
    ]
    check_free(folder, written)
    claim(folder, written)
    runs = [
        (name, os.fspath(run_of(folders[name], given, noise, classes)))
        for name, given in named.items()
    ]
    _kinepath.evaluate(
        runs,
        os.fspath(folder),
        **judges.in_files(folder),
        observe=progress or on_stderr(),
    )
    return Study(folder)
