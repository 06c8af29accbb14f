"""Calls that type checkers let pass, and calls that they refuse: for ``test_types.py``, never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typing_extensions import assert_type

import numpy as np
import numpy.typing as npt

import kinepath as kp

FIELD = kp.EmpiricalField([[0.0, 1.0]])
TRAIN = np.zeros((20, 2))
LABELS = np.arange(4)

kp.Plan(np.int64(50), kp.Solver.HEUN, quadrature="left")
kp.Grid.uniform(np.int64(50))
kp.Grid.from_sigmas(np.linspace(1, 0, 5))
kp.Grid(np.linspace(0, 1, 5))
kp.TableGain(np.array([(0.0, 1.5), (1.0, 0.5)]))
kp.Governed(zip([0.0, 1.0], [4.0, 2.0]))

assert_type(kp.KTS().eta(0.5), float)
assert_type(kp.KTS().eta(np.linspace(0, 1, 5)), npt.NDArray[np.float64])
assert_type(kp.KTS().factor(0.5, [1.0, 2.0]), npt.NDArray[np.float64])
FIELD.velocity(TRAIN, 0.5, LABELS)

kp.memorization(Path("samples"), iter([TRAIN[0]]))
kp.write_run("run", TRAIN, labels=LABELS)
kp.study("samples", {"KTS": TRAIN}, train=Path("training"), labels=LABELS)
kp.study_model(FIELD, kp.Plan(5), {}, count=8, labels=LABELS, train=TRAIN, reference="held-out")
kp.study_model(FIELD, kp.Plan(5), {}, count=8)  # type: ignore[call-arg]
kp.study_model(FIELD, kp.Plan(5), {}, count=8, train=TRAIN, refrence=TRAIN)  # type: ignore[call-arg]
kp.study_model(FIELD, kp.Plan(5), {}, count=8, train=TRAIN, resamples="many")  # type: ignore[arg-type]


def of_a_loader(loader: Any) -> kp.Study:
    """Nothing is known of these."""
    return kp.study(loader, train=loader)
