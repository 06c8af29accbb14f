"""Whether a scheduler's configuration is that of a flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import diffusers

from .._kinepath import KinepathError

STOCK = "FlowMatchEulerDiscreteScheduler"
"""In whose place others say that they may be."""
FLOW = "flow_prediction"
"""What diffusers calls a velocity, where a scheduler takes several predictions."""

WHAT_TO_DO = (
    "Sample a diffusion's network by kinepath.export_onnx and kinepath.OnnxField(path, trained_on=…, "
    "predicts=…), and one of the straight path by kinepath.torch.sample(kinepath.torch.converted("
    "model, predicts=…), …)"
)


def check_flow(config: Mapping[str, Any], kinetic: str) -> None:
    """Refuses a configuration whose model does not predict the velocity of a flow.

    Of every configuration diffusers takes what has a name that it knows, so that nobody would notice.

    Args:
        kinetic: the scheduler that is to be made of it.

    Raises:
        KinepathError: unless it is of a ``FlowMatch…`` scheduler, or one in its place, as far as it
            tells.
    """
    name, prediction = config.get("_class_name"), config.get("prediction_type")
    flow = _by_name(name) if name else None
    if flow is None:
        # One that was made of another's keeps what it had no use for.
        flow = "beta_schedule" not in config or "shift" in config
    if flow and prediction in (None, FLOW):
        return
    told = f"the configuration is that of {name or 'another scheduler'}"
    if prediction == FLOW:
        shift = config.get("flow_shift", config.get("shift", 1.0))
        raise KinepathError(
            f"{told}, not of one of flow matching, though its model predicts velocities: "
            f"make one, {kinetic}(shift={shift})"
        )
    if prediction is None:
        raise KinepathError(
            f"{told}, which is not known for models that predict the velocity of a flow, and whatever "
            f"its model predicts would be taken for one. {WHAT_TO_DO}"
        )
    raise KinepathError(
        f"{told}, whose model predicts {prediction!r}: that is no velocity of a flow, and would be taken "
        f"for one. {WHAT_TO_DO}"
    )


def _by_name(name: str) -> bool | None:
    """Whether a scheduler is one of flow matching; None for one that diffusers has not.

    A name comes with what was saved, and may be that of a user's own class.
    """
    if "FlowMatch" in name:
        return True
    stock = getattr(diffusers, name, None)
    return None if stock is None else STOCK in getattr(stock, "_compatibles", ())
