"""Peak memory of one exact integration, which is all that this process does; for `empirical.py`.

Run:  python bench/empirical_memory.py points.npy SEED BATCH STEPS      (Linux, kinepath installed)

What the process had resident at most: the interpreter, the training set as an array, the field's own
copy of it, and the integration. `ru_maxrss` would not do: it also counts the process that started
this one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import kinepath as kp


def main() -> None:
    points = np.load(sys.argv[1])
    seed, batch, steps = map(int, sys.argv[2:])
    kp.sample(kp.EmpiricalField(points), kp.noise(seed, batch, (points.shape[1],)), kp.Plan(steps))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) * 1024)


if __name__ == "__main__":
    main()
