"""The fit of pictures to prompts, against what ONNX Runtime makes of the same networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import kinepath as kp

FIXTURES = Path(__file__).parents[2] / "kinepath-onnx" / "tests" / "fixtures"
IMAGE = f"{FIXTURES / 'models' / 'clip_image.onnx'}:preprocess=clip"
TEXT: dict[str, Any] = {
    "clip_text": FIXTURES / "models" / "text.onnx",
    "tokenizer": FIXTURES / "tokenizer.json",
}
PROMPTS = [
    "a red dress",
    "A shoe, in red!",
    "two bags and a very very long dress with a shoe",
    "zebra",
]


def tensor(name: str) -> NDArray[np.float32]:
    """A tensor of ``encoders.safetensors``."""
    content = (FIXTURES / "encoders.safetensors").read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    entry = json.loads(content[8:start])[name]
    first, last = entry["data_offsets"]
    values = np.frombuffer(content[start + first : start + last], np.float32)
    shaped: NDArray[np.float32] = values.reshape(entry["shape"])
    return shaped


SAMPLES = tensor("samples")
TRAIN = np.random.default_rng(0).integers(0, 256, (20, *SAMPLES.shape[1:]), dtype=np.uint8)


def cosines() -> NDArray[np.float32]:
    """Of every picture to every prompt, by ONNX Runtime."""
    image, text = tensor("clip/image_embeds"), tensor("text/text_embeds")
    lengths = np.linalg.norm(image, axis=1)[:, None] * np.linalg.norm(text, axis=1)
    return np.asarray(image @ text.T / lengths)


@pytest.mark.parametrize("kind", ["list", "file", "embeddings"])
def test_scores_are_those_of_the_networks(tmp_path: Path, kind: str) -> None:
    settings: dict[str, Any] = {"prompts": PROMPTS, **TEXT}
    if kind == "file":
        settings["prompts"] = tmp_path / "words.txt"
        settings["prompts"].write_text("\n".join(PROMPTS), encoding="utf-8")
    elif kind == "embeddings":
        settings = {"prompts": tensor("text/text_embeds")}
    own = [3, 0, 1]
    study = kp.study(
        SAMPLES,
        train=TRAIN,
        clip_image=IMAGE,
        labels=own,
        out=tmp_path,
        resamples=100,
        **settings,
    )
    rows, others = cosines(), cosines()
    others[range(3), own] = -1.0
    score = 100 * np.maximum(rows[range(3), own], 0).mean()
    margin = 100 * (rows[range(3), own] - others.max(axis=1)).mean()
    figures = study.figures()
    assert figures["clip_score"][0] == pytest.approx(score, rel=1e-4)
    assert figures["clip_margin"][0] == pytest.approx(margin, rel=1e-4)
    named = Path(study.results["settings"]["data"]["clip"]["prompts"])
    if kind == "embeddings":
        np.testing.assert_array_equal(np.load(named), tensor("text/text_embeds"))
    else:
        assert named.read_text(encoding="utf-8").split("\n")[:4] == PROMPTS
    assert "CLIP score" in study.report.read_text(encoding="utf-8")


def test_without_classes_the_best_prompt_counts(tmp_path: Path) -> None:
    study = kp.study_model(
        lambda noise, plan: kp.sample(kp.EmpiricalField(SAMPLES), noise, plan),
        kp.Plan(10),
        {},
        count=8,
        shape=SAMPLES.shape[1:],
        train=TRAIN,
        clip_image=IMAGE,
        prompts=tensor("text/text_embeds"),
        out=tmp_path,
        resamples=100,
    )
    # The endpoints of the exact flow are the pictures.
    nearest = kp.neighbours(kp.read_run(tmp_path / "runs" / "0-baseline").samples, SAMPLES, 1)
    best = 100 * np.maximum(cosines().max(axis=1), 0)[nearest.indices[:, 0]].mean()
    assert study.figures()["clip_score"][0] == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("give both", {"clip_image": None}),
        ("give both", {"prompts": None}),
        ("clip_text and its tokenizer: give both", {"tokenizer": None}),
        ("words go with clip_text", {"clip_text": None, "tokenizer": None}),
        ("words go with clip_text", {"prompts": np.zeros((3, 4), np.float32)}),
        (r"strings, or embeddings .* \(3,\)", {"prompts": np.zeros(3)}),
        (r"strings, or embeddings .* \(0,\)", {"prompts": []}),
        ("prompt 1 is no line of text", {"prompts": ["a dress", " "]}),
        ("prompt 0 is no line of text", {"prompts": ["a\ndress", "a shoe"]}),
        ("absent.txt", {"prompts": "absent.txt"}),
        ("absent.onnx", {"clip_image": "absent.onnx"}),
        ("absent.json", {"tokenizer": "absent.json"}),
        ("8-bit values", {"train": TRAIN.astype(np.float32)}),
        ("sample 2 has prompt 4, but there are only 4 prompts", {"labels": [0, 1, 4]}),
        ("sample 1 has class -1", {"labels": [0, -1, 2]}),
        ("2 labels for 3 samples", {"labels": [0, 1]}),
    ],
)
def test_what_cannot_be_scored_is_named(tmp_path: Path, words: str, change: dict[str, Any]) -> None:
    given: dict[str, Any] = {"train": TRAIN, "clip_image": IMAGE, "prompts": PROMPTS, **TEXT}
    with pytest.raises(kp.KinepathError, match=words):
        kp.study(SAMPLES, **{**given, **change}, out=tmp_path, resamples=100)
