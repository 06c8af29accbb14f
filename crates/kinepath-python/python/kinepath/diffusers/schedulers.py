"""Schedulers that shape and measure, each in place of the diffusers one it derives from."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
    FlowMatchEulerDiscreteSchedulerOutput,
)
from diffusers.schedulers.scheduling_flow_match_heun_discrete import (
    FlowMatchHeunDiscreteScheduler,
    FlowMatchHeunDiscreteSchedulerOutput,
)
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from .._kinepath import Gain, KinepathError
from .flows import check_flow
from .paths import PipelinePaths
from .run import SAME_SIGMA, Run

Init = TypeVar("Init", bound=Callable[..., None])


class _Kinetic(SchedulerMixin):
    """What the schedulers share: the gain, kept in the configuration, and the run under way.

    Of a run they keep one number per sample and evaluation, and the first and the last latents.
    """

    # Of the stock scheduler that stands behind this class in the order of resolution.
    config: Any
    sigmas: Any
    step_index: Any
    register_to_config: Any
    _init_step_index: Any

    _run: Run | None = None

    @classmethod
    def from_config(
        cls, config: Any = None, return_unused_kwargs: bool = False, **kwargs: Any
    ) -> Any:
        """As diffusers' own, for the configurations of flow-matching schedulers.

        Raises:
            KinepathError: for the configuration of another scheduler, such as DDIM's: what its model
                predicts is no velocity.
        """
        if isinstance(config, Mapping):
            check_flow(config, cls.__name__)
        stock: Any = super()
        return stock.from_config(config, return_unused_kwargs, **kwargs)

    @property
    def gain(self) -> Gain:
        """The gain η(t)."""
        return Gain(self.config["gain"])

    @property
    def paths(self) -> PipelinePaths:
        """What the samples have travelled since ``set_timesteps``; waits for the device.

        Raises:
            KinepathError: before the first step, or within a Heun step, or for tokens that the
                schedule had left behind.
            SamplingError: for a model output that became NaN or infinite, naming sample and time.
        """
        return self._under_way().paths()

    def _under_way(self) -> Run:
        if self._run is None:
            raise KinepathError("there is no schedule yet: call the pipeline, or set_timesteps")
        return self._run

    def _next(self, timestep: float | Tensor, batch: int) -> tuple[Run, int]:
        """The run, and the number of the evaluation that is due, of ``batch`` samples."""
        run = self._under_way()
        number = self.step_index
        if number is None:
            try:
                self._init_step_index(timestep)
            except IndexError:
                raise KinepathError(
                    f"{timestep} is none of the schedule's timesteps: pass one of "
                    "scheduler.timesteps"
                ) from None
            number = self.step_index
        run.check(number, batch)
        return run, number


def _with_parameters_of(stock: type) -> Callable[[Init], Init]:
    """Shows an initialiser with the parameters of ``stock`` before its gain.

    ``from_config`` passes on what the signature names, and the names depend on the diffusers that
    is installed.
    """

    def signed(init: Init) -> Init:
        parameters = inspect.signature(stock).parameters.values()
        signature = inspect.signature(init)
        own = signature.parameters
        merged = signature.replace(parameters=[own["self"], *parameters, own["gain"]])
        setattr(init, "__signature__", merged)
        return init

    return signed


def _no_path(noisy: str) -> KinepathError:
    return KinepathError(
        f"{noisy} adds noise at every step: that is no ODE, and a path without a velocity has no "
        "kinetic energy; sample without it, or with the stock scheduler"
    )


def _times(sigmas: Tensor, inverted: bool = False) -> list[float]:
    """Times ``1 − σ``, or ``σ`` of an inverted schedule."""
    sigmas = sigmas.cpu().double()
    times = sigmas if inverted else 1.0 - sigmas
    # Shifting in float32 can leave the first σ a rounding error above 1.
    return torch.where(times.abs() < SAME_SIGMA, 0.0, times).tolist()


# Here and below: SchedulerMixin and ConfigMixin, of which the stock schedulers are made, disagree
# about the type of config_name.
class KineticFlowMatchEulerScheduler(  # type: ignore[misc]
    _Kinetic, FlowMatchEulerDiscreteScheduler
):
    """diffusers' ``FlowMatchEulerDiscreteScheduler`` with a gain, and the energy of its paths.

    Takes the parameters of the stock scheduler. Made from a pipeline's own by
    ``KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config, gain=…)``; the gain is kept
    in the configuration as text and so saved, loaded and copied with it. A step moves latents by
    ``(σ' − σ) η(1 − σ) v``: by exactly the stock arithmetic where η is 1.

    Every schedule of the stock scheduler is followed as it comes out: shifts, fixed or dynamic,
    Karras, exponential or beta spacing, ``shift_terminal``, ``invert_sigmas``, sigmas of your own.

    Per-token timesteps: a token counts, and moves with the gain, from the step on at which the
    schedule has come down to it; until then pipelines hold it in place. A token at 0 never moves.

    Args:
        gain: a gain or its text expression.

    Raises:
        KinepathError: for a text that is no gain, or for ``stochastic_sampling``, which is no ODE.
    """

    @_with_parameters_of(FlowMatchEulerDiscreteScheduler)
    def __init__(self, *args: Any, gain: Gain | str = "unit", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_to_config(gain=str(Gain(str(gain))))
        if self.config["stochastic_sampling"]:
            raise _no_path("stochastic_sampling")

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        sigmas: list[float] | None = None,
        mu: float | None = None,
        timesteps: list[float] | None = None,
    ) -> None:
        """Sets the schedule, as the stock scheduler does, and forgets what was measured before.

        Raises:
            KinepathError: for a gain that is negative at one of the steps, naming its time and the
                largest admissible strength; for sigmas that repeat, turn back or leave [0, 1].
        """
        self._run = None
        stock: Any = super()
        stock.set_timesteps(num_inference_steps, device, sigmas, mu, timesteps)
        times = _times(self.sigmas, inverted=self.config["invert_sigmas"])
        self._run = Run([(times, "euler")], self.gain)

    def step(
        self,
        model_output: Tensor,
        timestep: float | Tensor,
        sample: Tensor,
        s_churn: float = 0.0,
        s_tmin: float = 0.0,
        s_tmax: float = float("inf"),
        s_noise: float = 1.0,
        generator: torch.Generator | None = None,
        per_token_timesteps: Tensor | None = None,
        return_dict: bool = True,
    ) -> FlowMatchEulerDiscreteSchedulerOutput | tuple[Tensor]:
        """Takes one shaped step and books its energy; arguments and result are the stock's.

        Raises:
            KinepathError: for ``s_churn`` above 0, for a step out of order or beyond the schedule,
                or for per-token timesteps of an inverted schedule.
        """
        if s_churn > 0.0:
            raise _no_path("s_churn")
        run, number = self._next(timestep, model_output.shape[0])
        moving = None
        if per_token_timesteps is not None:
            if self.config["invert_sigmas"]:
                raise KinepathError(
                    "per-token timesteps step towards smaller sigmas, and with invert_sigmas those "
                    "lie at the noise: the two do not go together"
                )
            sigmas = per_token_timesteps / self.config["num_train_timesteps"]
            moving = run.moving(sigmas, self.sigmas[number])
        shaped, speed = run.shape(number, model_output, moving)
        stock: Any = super()
        (moved,) = stock.step(
            shaped,
            timestep,
            sample,
            generator=generator,
            per_token_timesteps=per_token_timesteps,
            return_dict=False,
        )
        if per_token_timesteps is None:
            moved = moved.to(model_output.dtype)
        run.book(number, speed, sample, moved)
        return FlowMatchEulerDiscreteSchedulerOutput(moved) if return_dict else (moved,)


class KineticFlowMatchHeunScheduler(  # type: ignore[misc]
    _Kinetic, FlowMatchHeunDiscreteScheduler
):
    """diffusers' ``FlowMatchHeunDiscreteScheduler`` with a gain, and the energy of its paths.

    The gain is that of each evaluation's own time, and the energy takes both evaluations of a step
    with the weights of the step itself, ``½ h (½ ‖ηv‖² + ½ ‖η'v'‖²)``. The last step, to σ = 0, is
    an Euler step, as in the stock scheduler.

    Args:
        gain: a gain or its text expression.

    Raises:
        KinepathError: for a text that is no gain.
    """

    @_with_parameters_of(FlowMatchHeunDiscreteScheduler)
    def __init__(self, *args: Any, gain: Gain | str = "unit", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_to_config(gain=str(Gain(str(gain))))

    def set_timesteps(
        self, num_inference_steps: int, device: str | torch.device | None = None
    ) -> None:
        """Sets the schedule, as the stock scheduler does, and forgets what was measured before.

        Raises:
            KinepathError: for a gain that is negative at one of the evaluations, naming its time
                and the largest admissible strength.
        """
        self._run = None
        stock: Any = super()
        stock.set_timesteps(num_inference_steps, device)
        # Every σ but the first and the last stands twice, once for each evaluation.
        times = _times(torch.cat([self.sigmas[:1], self.sigmas[1::2]]))
        heun = [(times[:-1], "heun")] if num_inference_steps > 1 else []
        self._run = Run([*heun, (times[-2:], "euler")], self.gain)

    def step(
        self,
        model_output: Tensor,
        timestep: float | Tensor,
        sample: Tensor,
        s_churn: float = 0.0,
        s_tmin: float = 0.0,
        s_tmax: float = float("inf"),
        s_noise: float = 1.0,
        generator: torch.Generator | None = None,
        return_dict: bool = True,
    ) -> FlowMatchHeunDiscreteSchedulerOutput | tuple[Tensor]:
        """Takes one shaped evaluation and books its energy; arguments and result are the stock's.

        Raises:
            KinepathError: for ``s_churn`` above 0, or a step out of order or beyond the schedule.
        """
        if s_churn > 0.0:
            raise _no_path("s_churn")
        run, number = self._next(timestep, model_output.shape[0])
        shaped, speed = run.shape(number, model_output, None)
        stock: Any = super()
        (moved,) = stock.step(shaped, timestep, sample, generator=generator, return_dict=False)
        moved = moved.to(model_output.dtype)
        run.book(number, speed, sample, moved)
        return FlowMatchHeunDiscreteSchedulerOutput(moved) if return_dict else (moved,)
