"""What pictures should show: prompts, and the networks that score how well they do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ._kinepath import KinepathError
from .arrays import F32, f32

Prompts: TypeAlias = "Sequence[str] | npt.ArrayLike | str | os.PathLike[str]"
"""Prompts in words, or their embeddings ``[P, F]``; or a path to a file with either."""

WORDS_FILE = "prompts.txt"
EMBEDDINGS_FILE = "prompts.npy"


@dataclass(frozen=True)
class Clip:
    """Image and text encoders whose features share a space, and prompts."""

    image: str
    prompts: list[str] | F32 | str
    """Words, embeddings, or a path."""
    text: str | None
    tokenizer: str | None

    @staticmethod
    def of(
        image: str | os.PathLike[str] | None,
        prompts: Prompts | None,
        text: str | os.PathLike[str] | None,
        tokenizer: str | os.PathLike[str] | None,
    ) -> Clip | None:
        """What :func:`kinepath.study` was told; nothing if it was told nothing.

        Raises:
            KinepathError: for arguments that need another one, and for prompts that are none.
        """
        if image is None and prompts is None and text is None and tokenizer is None:
            return None
        if image is None or prompts is None:
            raise KinepathError("the fit to prompts needs clip_image and prompts: give both")
        if (text is None) != (tokenizer is None):
            raise KinepathError("prompts in words need clip_text and its tokenizer: give both")
        given = os.fspath(prompts) if isinstance(prompts, (str, os.PathLike)) else _read(prompts)
        if not isinstance(given, str) and isinstance(given, list) != (text is not None):
            raise KinepathError(
                "prompts in words go with clip_text and tokenizer, embeddings [P, F] without them"
            )
        return Clip(
            os.fspath(image),
            given,
            None if text is None else os.fspath(text),
            None if tokenizer is None else os.fspath(tokenizer),
        )

    def files(self, folder: Path) -> list[Path]:
        """The files that :meth:`in_files` writes."""
        if isinstance(self.prompts, str):
            return []
        return [folder / (WORDS_FILE if isinstance(self.prompts, list) else EMBEDDINGS_FILE)]

    def in_files(self, folder: Path) -> tuple[str, str, str | None, str | None]:
        """What the core opens; prompts that are in no file yet are written into ``folder``."""
        if isinstance(self.prompts, str):
            file = self.prompts
        elif isinstance(self.prompts, list):
            file = os.fspath(folder / WORDS_FILE)
            Path(file).write_text("".join(f"{line}\n" for line in self.prompts), encoding="utf-8")
        else:
            file = os.fspath(folder / EMBEDDINGS_FILE)
            np.save(file, self.prompts)
        return self.image, file, self.text, self.tokenizer


def _read(prompts: Sequence[str] | npt.ArrayLike) -> list[str] | F32:
    """Words as a list, or embeddings as an array."""
    if isinstance(prompts, Sequence) and any(isinstance(prompt, str) for prompt in prompts):
        return [_line(number, prompt) for number, prompt in enumerate(prompts)]
    embeddings = f32(prompts)
    if embeddings.ndim != 2 or embeddings.size == 0:
        raise KinepathError(
            f"prompts are strings, or embeddings [P, F]; got shape {embeddings.shape}"
        )
    return embeddings


def _line(number: int, prompt: object) -> str:
    """A prompt of a file that has one a line and skips empty ones, which would shift the others."""
    if not isinstance(prompt, str) or not prompt.strip() or "\n" in prompt:
        raise KinepathError(f"prompt {number} is no line of text: {prompt!r}")
    return prompt
