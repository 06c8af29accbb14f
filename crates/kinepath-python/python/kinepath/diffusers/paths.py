"""What a pipeline's samples have travelled."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from ..arrays import F64
from ..paths import Paths


@dataclass(frozen=True, eq=False, kw_only=True)
class PipelinePaths(Paths[Tensor]):
    """Energies of B samples over the part of the schedule that a pipeline's call travelled.

    Image-to-image starts late: its energies, displacement and mean gain are those of
    ``[start, end]``, not of the whole way from noise, and the efficiency of a straight path at
    constant speed is ``end − start`` there, not 1.

    ``endpoints`` are the latents that the last step returned, on their device, and ``displacement``
    counts from those that the first step was given. What a pipeline does to latents in between
    (blending with a mask, say) is no motion of the field: it moves the displacement, not the
    energy. ``nfe`` counts model outputs; a guided pipeline evaluates its network twice for each,
    which its scheduler does not see. There is neither energy map nor trajectory.
    """

    times: F64 = field()
    """The nodes ``t = 1 − σ`` travelled, ``[steps + 1]``."""

    @property
    def start(self) -> float:
        """The time of the first step: 0 from noise, ``1 − σ`` of the first step otherwise."""
        return float(self.times[0])

    @property
    def end(self) -> float:
        """The time that the last step reached: 1 unless the pipeline was interrupted."""
        return float(self.times[-1])

    def __repr__(self) -> str:
        return (
            f"<kinepath.diffusers.PipelinePaths: {len(self)} samples, t from {self.start:.4g} to "
            f"{self.end:.4g}{self._mean()}>"
        )
