"""The figure of `empirical.py --sweep`: seconds against each quantity that was varied."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypeAlias


class Measured(NamedTuple):
    """One problem."""

    sizes: dict[str, int]
    """N, D, B and T."""
    seconds: dict[str, float]
    """Medians, by who took them."""


Panels: TypeAlias = dict[str, list[Measured]]
"""By the quantity that is varied."""

QUANTITIES = {"N": "training points N", "D": "dimensions D", "B": "samples B", "T": "steps T"}


def draw(figures: dict[str, Panels], file: Path) -> None:
    """A row of panels for each data set, logarithmic in both directions."""
    # Tables do without it.
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(len(figures), len(QUANTITIES), squeeze=False, sharey=True,
                                figsize=(11, 0.6 + 2.8 * len(figures)), layout="constrained")
    for axes, (data, panels) in zip(rows, figures.items(), strict=True):
        for axis, (quantity, label) in zip(axes, QUANTITIES.items(), strict=True):
            problems = panels[quantity]
            sizes = [it.sizes[quantity] for it in problems]
            for name in problems[0].seconds:
                axis.plot(sizes, [it.seconds[name] for it in problems], marker="o", label=name)
            axis.set(xscale="log", yscale="log", xlabel=label)
            axis.set_xticks(sizes, [f"{size // 1000}k" if size % 1000 == 0 else str(size)
                                    for size in sizes])
            axis.minorticks_off()
            axis.grid(alpha=0.3)
            fixed = {name: size for name, size in problems[0].sizes.items() if name != quantity}
            axis.set_title(", ".join(f"{name} = {size}" for name, size in fixed.items()), size=9)
        axes[0].set_ylabel(f"{data}, seconds")
    rows[0][0].legend()
    # Without a date and random names the same figures make the same file.
    plt.rcParams["svg.hashsalt"] = "kinepath"
    figure.savefig(file, metadata={"Date": None})
