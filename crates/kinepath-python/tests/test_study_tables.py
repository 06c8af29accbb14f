"""The tables of a study are those of ``study.json``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kinepath as kp

RANDOM = np.random.default_rng(5)
TRAIN = RANDOM.normal(size=(40, 1, 4, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> kp.Study:
    samples = {name: RANDOM.normal(size=(20, 1, 4, 4)) for name in ("baseline", "a<b>", "c")}
    samples["c"][:9] = TRAIN[:9]
    return kp.study(
        samples.pop("baseline"),
        samples,
        train=TRAIN,
        noise="one",
        out=tmp_path_factory.mktemp("study") / "a&b",
        resamples=60,
    )


def test_every_figure_of_every_run_has_a_row(study: kp.Study) -> None:
    table = study.metrics.table()
    assert list(table) == ["run", "metric", "estimate", "low", "high"]
    assert len(study.metrics) == 9 and table["estimate"].dtype == np.float64
    for run in ("baseline", "a<b>", "c"):
        rows = table["run"] == run
        columns = (table[name][rows].tolist() for name in ("metric", "estimate", "low", "high"))
        assert {key: ends for key, *ends in zip(*columns)} == {
            key: list(ends) for key, ends in study.figures(run).items()
        }


def test_every_difference_has_a_row(study: kp.Study) -> None:
    table = study.differences.table()
    keys = ["metric", "p_value", "q_value", "detectable", "effect"]
    expected = [
        [run["name"], *(row[key] for key in keys), *row["difference"].values()]
        for run in study.results["models"][0]["runs"][1:]
        for row in run["comparison"]["differences"]
    ]
    columns = [table[name].tolist() for name in ["run", *keys, "estimate", "low", "high"]]
    assert [list(row) for row in zip(*columns)] == expected
    assert ["a<b>"] * 3 + ["c"] * 3 == table["run"].tolist()


def test_libraries_of_tables_have_them(study: kp.Study) -> None:
    for table in (study.metrics, study.differences):
        names = list(table.table())
        assert list(table.to_pandas().columns) == names == table.to_polars().columns
        assert table.to_arrow().column_names == names
    frame = study.differences.to_pandas().set_index(["run", "metric"])
    assert frame.loc[("c", "f_mem"), "estimate"] == pytest.approx(9 / 20, abs=0.1)


def test_a_study_without_variants_has_no_differences(tmp_path: Path) -> None:
    study = kp.study(TRAIN[:20], train=TRAIN, out=tmp_path, resamples=50)
    assert len(study.differences) == 0 and len(study.metrics) == 3
    assert list(study.differences.to_pandas().columns) == list(study.differences.table())


def test_a_notebook_shows_text_as_text(study: kp.Study) -> None:
    page = study._repr_html_()
    assert "a&amp;b" in page and "a&lt;b&gt;" in page and "<b>" not in page and "a&b" not in page
    assert page.count("<tr>") == 10 and "f_mem" in page
    assert study.findings[0][:12] in page
