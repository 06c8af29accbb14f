"""Studies from Python: the figures and verdicts of the program, on samples from anywhere."""

from __future__ import annotations

import json
import re
import signal
import threading
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

import kinepath as kp

RANDOM = np.random.default_rng(5)
TRAIN = RANDOM.normal(size=(60, 1, 4, 4)).astype(np.float32)
HELD_OUT = RANDOM.normal(size=(60, 1, 4, 4)).astype(np.float32)


def some_copies(copies: int, count: int = 40) -> NDArray[np.float32]:
    """Training records with a little noise, then samples that are none."""
    samples = RANDOM.normal(size=(count, 1, 4, 4)).astype(np.float32)
    samples[:copies] = TRAIN[:copies] + 0.01 * samples[:copies]
    return samples


def test_an_audit_of_an_array_counts_its_copies(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    study = kp.study(
        some_copies(16),
        train=TRAIN,
        out=tmp_path,
        resamples=400,
        progress=lambda stage, done: told.append((stage, done)),
    )
    estimate, low, high = study.figures()["f_mem"]
    assert estimate == 0.4
    # BCa and Wilson intervals of a share differ little at n = 40.
    exact = scipy.stats.binomtest(16, 40).proportion_ci(method="wilson")
    assert low == pytest.approx(exact.low, abs=0.04)
    assert high == pytest.approx(exact.high, abs=0.04)
    assert set(study.figures()) == {"f_mem", "authenticity", "vendi"}
    assert study.findings[0].startswith("40.0 % [") and "memorized" in study.findings[0]
    assert study.verdicts == {} and study.findings[0] in repr(study)
    assert study.results["models"][0]["runs"][0]["energy"] is None
    assert told[-1][1] == 1.0 and all(0 <= done <= 1 for _, done in told)
    assert "nobody measured the paths" in study.report.read_text(encoding="utf-8")
    np.testing.assert_array_equal(np.load(tmp_path / "train.npy"), TRAIN)
    run = kp.read_run(tmp_path / "runs" / "0-baseline")
    assert run.table()["memorized"].sum() == 16
    assert kp.Study(tmp_path).results == study.results


def test_networks_that_judge_run_on_the_engine_that_is_named(tmp_path: Path) -> None:
    encoder = Path(__file__).parents[2] / "kinepath-study" / "tests" / "fixtures" / "quadrants.onnx"
    samples, train = RANDOM.normal(size=(2, 20, 1, 28, 28)).astype(np.float32)
    engines: tuple[Literal["rten"], Literal["ort"]] = ("rten", "ort")
    vendi = {}
    for engine in engines:
        out = tmp_path / engine
        judged = kp.study(
            samples, train=train, encoder=encoder, engine=engine, out=out, resamples=40
        )
        assert judged.results["settings"]["data"]["engine"] == engine
        vendi[engine] = judged.figures()["vendi"]
    np.testing.assert_allclose(vendi["rten"], vendi["ort"], rtol=1e-4)
    with pytest.raises(kp.KinepathError, match="engine is one of auto, rten, ort"):
        kp.study(samples, train=train, engine="onnx", out=tmp_path / "none")  # type: ignore[arg-type]
    assert not (tmp_path / "none").exists()


def test_measured_runs_are_compared_with_verdicts_and_controls(tmp_path: Path) -> None:
    field, noise = kp.EmpiricalField(TRAIN), kp.noise(2, 48, (1, 4, 4))
    plans = {"baseline": kp.Plan(20), "slow": kp.Plan(20, gain=kp.TableGain([(0, 0.1)]))}
    runs = {
        name: kp.write_run(
            tmp_path / name, kp.sample(field, noise, plan), plan=plan, noise=noise, model="exact"
        )
        for name, plan in plans.items()
    }
    study = kp.study(
        runs["baseline"],
        {"tenth": tmp_path / "slow"},
        train=TRAIN,
        reference=HELD_OUT,
        out=tmp_path / "study",
        resamples=400,
    )
    assert study.figures()["f_mem"][0] == 1.0 and study.figures("tenth")["f_mem"][0] == 0.0
    assert "frechet_distance" in study.figures()
    assert list(study.verdicts) == list(study.sentences) == ["tenth"]
    assert study.verdicts["tenth"] in get_args(kp.Verdict) and "F_mem" in study.sentences["tenth"]
    # The words begin with the verdict.
    assert study.sentences["tenth"].startswith(study.verdicts["tenth"].replace("-", " "))
    model = study.results["models"][0]
    assert model["runs"][0]["energy"]["values"] == runs["baseline"].table()["kpe"].tolist()
    assert "external:exact" in model["runs"][1]["comparison"]["controls"][0]["sentence"]
    with pytest.raises(kp.KinepathError, match="'third'; there are 'baseline', 'tenth'"):
        study.figures("third")


def test_verdicts_are_those_that_the_program_may_write() -> None:
    source = Path(__file__).parents[2] / "kinepath-study/src/study/results/comparison.rs"
    body = re.search(r"enum Verdict \{(.*?)\n\}", source.read_text(encoding="utf-8"), re.DOTALL)
    assert body is not None
    names = re.findall(r"^    (\w+),", body[1], re.MULTILINE)
    kebab = [re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower() for name in names]
    assert sorted(kebab) == sorted(get_args(kp.Verdict))


def test_paths_and_arrays_are_pairs_only_where_their_noise_is_told(tmp_path: Path) -> None:
    base, other = some_copies(12), some_copies(3)
    with pytest.raises(kp.KinepathError, match="nobody told what noise"):
        kp.study(base, {"other": other}, train=TRAIN, out=tmp_path, resamples=100)
    study = kp.study(
        base, {"other": other}, train=TRAIN, noise="one generator", out=tmp_path, resamples=100
    )
    rows = study.results["models"][0]["runs"][1]["comparison"]["differences"]
    difference = next(row for row in rows if row["metric"] == "f_mem")["difference"]
    assert difference["estimate"] == pytest.approx(-9 / 40)


def test_the_interpreter_is_free_and_can_interrupt(tmp_path: Path) -> None:
    busy, ticks = threading.Event(), []

    def tick() -> None:
        while not busy.wait(0.001):
            ticks.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        kp.study(some_copies(4), train=TRAIN, out=tmp_path / "free", resamples=500)
    finally:
        busy.set()
        thread.join()
    assert ticks

    def press(stage: str, done: float) -> None:
        signal.raise_signal(signal.SIGINT)

    # A shell's background jobs start with the signal ignored, and Python then leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            kp.study(some_copies(4), train=TRAIN, out=tmp_path / "stopped", progress=press)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "stopped" / "study.json").exists()

    def fail(stage: str, done: float) -> None:
        raise ZeroDivisionError(stage)

    with pytest.raises(ZeroDivisionError, match="reading data and networks"):
        kp.study(some_copies(4), train=TRAIN, out=tmp_path / "failed", progress=fail)


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    samples = some_copies(4)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("absent.npy", {"train": "absent.npy"}),
        ("NaN", {"train": np.full((20, 1, 4, 4), np.nan)}),
        (r"shape \[1, 4, 4\], but", {"train": HELD_OUT[:, :, :3, :3]}),
        ("at least 40, got 39", {"resamples": 39}),
        ("no encoder", {"copies_in": "features"}),
        ("pixels or features", {"copies_in": "words"}),
        ("absent.onnx", {"encoder": "absent.onnx"}),
        ("absent.onnx", {"decoder": "absent.onnx"}),
        ("name the variant", {"variants": {"baseline": samples}}),
    ]
    for words, change in wrong:
        with pytest.raises(kp.KinepathError, match=words):
            kp.study(samples, **{"train": TRAIN, "out": tmp_path, **change})
    (tmp_path / "file").write_text("")
    with pytest.raises(kp.KinepathError, match="cannot write into the folder"):
        kp.study(samples, train=TRAIN, out=tmp_path / "file")
    with pytest.raises(kp.KinepathError, match="holds no study"):
        kp.Study(tmp_path / "none")


def test_a_run_is_not_overwritten_by_a_variant_of_the_same_folder(tmp_path: Path) -> None:
    given: dict[str, Any] = {"train": TRAIN, "noise": "one", "out": tmp_path, "resamples": 50}
    kp.study(some_copies(4), {"KTS": some_copies(8)}, **given)
    run = kp.read_run(tmp_path / "runs" / "1-kts")
    samples, table = run.samples, run.table()
    inside = tmp_path / "runs" / "1-kts" / "pictures.npy"
    np.save(inside, some_copies(2))
    where = r"'KTS' would be written to .*1-kts, where the samples of 'baseline' are"
    for other in (run, run.path, tmp_path / "x" / ".." / "runs" / "1-kts", inside):
        with pytest.raises(kp.KinepathError, match=where):
            kp.study(other, {"KTS": some_copies(2)}, **given)
    with pytest.raises(kp.KinepathError, match="where the samples of 'KTS' are"):
        kp.study(some_copies(1), {"KTS": inside}, **given)
    np.testing.assert_array_equal(kp.read_run(run.path).samples, samples)
    assert kp.read_run(run.path).table().keys() == table.keys()
    # Elsewhere it may stand, and its own folder is no obstacle to itself.
    (tmp_path / "x").mkdir()
    study = kp.study(run, {"other": some_copies(2)}, **given)
    assert study.figures()["f_mem"][0] == 8 / 40


def test_what_is_refused_leaves_an_earlier_study_as_it_was(tmp_path: Path) -> None:
    kp.study(some_copies(4), train=TRAIN, out=tmp_path / "study", resamples=50)

    def content() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    (tmp_path / "text").write_text("no data")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8))
    before, nan = content(), some_copies(2)
    nan[3, 0, 1, 1] = np.inf
    clip: dict[str, Any] = {"clip_image": tmp_path / "text", "prompts": np.ones((2, 3))}
    words: dict[str, Any] = {**clip, "prompts": ["a"], "clip_text": tmp_path / "text"}
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("absent.npy: cannot be read: No such file", {"train": tmp_path / "absent.npy"}),
        ("text: unknown format", {"train": str(tmp_path / "text")}),
        ("is one picture", {"train": tmp_path / "picture.png"}),
        ("builtin:nothing: no such data set", {"train": "builtin:nothing"}),
        ("train is NaN or infinite in record 3", {"train": nan}),
        (r"train has records \[N, \*shape\], got shape \(3,\)", {"train": [1.0, 2.0, 3.0]}),
        ("real numbers is needed", {"train": [["a"]]}),
        ("absent: cannot be read", {"reference": tmp_path / "absent"}),
        ("reference is NaN", {"reference": nan}),
        ("absent.onnx", {"decoder": "absent.onnx"}),
        ("absent.onnx: cannot", {"encoder": "absent.onnx:preprocess=inception"}),
        ("absent.onnx", {"classifier": "absent.onnx"}),
        ("absent.onnx", {**clip, "clip_image": "absent.onnx"}),
        ("absent.onnx", {**words, "clip_text": "absent.onnx", "tokenizer": tmp_path / "text"}),
        ("absent.json", {**words, "tokenizer": "absent.json"}),
        ("absent.txt", {**clip, "prompts": "absent.txt"}),
        ("no encoder", {"copies_in": "features"}),
        ("pixels or features, got 'words'", {"copies_in": "words"}),
        ("nobody told what noise", {"variants": {"other": some_copies(1)}}),
        ("absent: cannot", {"variants": {"other": tmp_path / "absent"}, "noise": "one"}),
        ("'other' is NaN or infinite in record 3", {"variants": {"other": nan}, "noise": "one"}),
        ("2 labels for 40 samples of 'baseline'", {"labels": [0, 1]}),
    ]
    for message, change in wrong:
        with pytest.raises(kp.KinepathError, match=message):
            kp.study(some_copies(9), **{"train": TRAIN, "out": tmp_path / "study", **change})
        assert content() == before, message


def test_only_what_studies_wrote_is_replaced(tmp_path: Path) -> None:
    def unsampled(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
        raise AssertionError("sampled")

    clip: dict[str, Any] = {"clip_image": tmp_path / "clip.onnx"}
    (tmp_path / "clip.onnx").write_text("no network")
    words = {**clip, "clip_text": tmp_path / "clip.onnx", "tokenizer": tmp_path / "clip.onnx"}
    run = tmp_path / "runs" / "0-baseline"
    wrong: list[tuple[Path, dict[str, Any]]] = [
        (tmp_path / "train.npy", {}),
        (tmp_path / "reference.npy", {"reference": HELD_OUT}),
        (tmp_path / "prompts.npy", {**clip, "prompts": np.ones((2, 3))}),
        (tmp_path / "prompts.txt", {**words, "prompts": ["a"]}),
        (tmp_path / "report.html", {}),
        (tmp_path / "study.json", {}),
        (run / "run.toml", {}),
    ]
    for file, change in wrong:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"mine")
        taken = run if file.parent == run else file
        given = {"train": TRAIN, "out": tmp_path, "resamples": 50, **change}
        with pytest.raises(kp.KinepathError, match=f"{taken} is there already, and no study"):
            kp.study(some_copies(2), **given)
        with pytest.raises(kp.KinepathError, match=f"{taken} is there already, and no study"):
            kp.study_model(unsampled, kp.Plan(4), {}, count=8, shape=(1, 4, 4), **given)
        assert file.read_bytes() == b"mine"
        assert not (tmp_path / "kinepath-written.json").exists()
        file.unlink()
    # An empty folder has nothing to lose, and a study not even its own files.
    for _ in range(2):
        kp.study(some_copies(2), train=TRAIN, out=tmp_path, resamples=50)
    with pytest.raises(kp.KinepathError, match="would be replaced by data given as an array"):
        reference = tmp_path / "runs" / ".." / "train.npy"
        kp.study(some_copies(2), train=TRAIN, reference=reference, out=tmp_path, resamples=50)
    np.save(tmp_path / "reference.npy", HELD_OUT)
    with pytest.raises(kp.KinepathError, match="reference.npy is there already"):
        kp.study(some_copies(2), train=TRAIN, reference=TRAIN, out=tmp_path, resamples=50)
    kp.study(some_copies(2), train=TRAIN, out=tmp_path, resamples=50)
    # What was the study's is the user's once it was moved away and another put there.
    (tmp_path / "train.npy").rename(tmp_path / "old.npy")
    kp.study(some_copies(2), train=tmp_path / "old.npy", out=tmp_path, resamples=50)
    np.save(tmp_path / "train.npy", HELD_OUT)
    with pytest.raises(kp.KinepathError, match="train.npy is there already"):
        kp.study(some_copies(2), train=TRAIN, out=tmp_path, resamples=50)
    (tmp_path / "kinepath-written.json").write_text("{}")
    with pytest.raises(kp.KinepathError, match="does not say what studies wrote there"):
        kp.study(some_copies(2), train=TRAIN, out=tmp_path, resamples=50)


def test_a_study_that_was_stopped_is_done_again_in_its_folder(tmp_path: Path) -> None:
    def fail(stage: str, done: float) -> None:
        raise ZeroDivisionError

    given: dict[str, Any] = {"train": TRAIN, "out": tmp_path, "resamples": 50}
    with pytest.raises(ZeroDivisionError):
        kp.study(some_copies(4), progress=fail, **given)
    assert kp.study(some_copies(8), **given).figures()["f_mem"][0] == 8 / 40


def test_the_embedded_data_bring_what_they_bring_the_program(tmp_path: Path) -> None:
    pictures = RANDOM.integers(0, 256, size=(16, 1, 28, 28), dtype=np.uint8)
    study = kp.study(pictures, train="builtin:fashion-mnist", out=tmp_path, resamples=50)
    data = study.results["settings"]["data"]
    assert data["reference"] == "builtin:fashion-mnist-reference"
    assert data["encoder"] == data["classifier"] == "builtin:classifier"
    assert {"frechet_distance", "margin"} < set(study.figures())


def test_the_program_reads_what_python_wrote(tmp_path: Path) -> None:
    study = kp.study(some_copies(8), train=TRAIN, out=tmp_path, resamples=100)
    assert json.loads((tmp_path / "study.json").read_text(encoding="utf-8")) == study.results
    settings = study.results["settings"]
    assert settings["data"]["train"] == str(tmp_path / "train.npy")
    assert settings["sampler"]["solver"] == "unknown"
