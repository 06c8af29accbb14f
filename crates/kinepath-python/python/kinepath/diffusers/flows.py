"""Whether a scheduler's configuration is that of a flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._kinepath import KinepathError

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
        KinepathError: unless it is of a ``FlowMatch…`` scheduler, as far as it tells.
    """
    name, prediction = config.get("_class_name"), config.get("prediction_type")
    # A name comes with what was saved. One that was made of another's keeps what it had no use for.
    flow = "FlowMatch" in name if name else "beta_schedule" not in config or "shift" in config
    if flow and prediction in (None, FLOW):
        return
    told = f"the configuration is that of {name or 'another scheduler'}"
    if prediction == FLOW:
        shift = config.get("flow_shift", config.get("shift", 1.0))
        raise KinepathError(
            f"{told}, not of one of flow matching, though its model predicts velocities: "
            f"make one, {kinetic}(shift={shift})"
        )
    predicts = "" if prediction is None else f", whose model predicts {prediction!r}"
    raise KinepathError(
        f"{told}{predicts}: that is no velocity of a flow, and would be taken for one. {WHAT_TO_DO}"
    )
