"""The example in plain PyTorch runs, and its study is whole."""

from __future__ import annotations

import runpy
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain_torch.py"


def test_the_example_runs(tmp_path: Path) -> None:
    main = runpy.run_path(str(EXAMPLE))["main"]
    study = main(["--steps", "300", "--count", "128", "--out", str(tmp_path)])
    model = study.results["models"][0]
    assert [run["name"] for run in model["runs"]] == ["baseline", "KTS"]
    energies = [run["energy"]["kpe"]["mean"] for run in model["runs"]]
    # A gain above 1 before the split speeds the launch up, on paths of a trained model.
    launches = [run["energy"]["launch"]["mean"] for run in model["runs"]]
    assert launches[1] > launches[0] > 0 and min(energies) > 0
    assert study.verdicts["KTS"] and study.report.exists()
    assert (tmp_path / "kts" / "samples.parquet").exists()
