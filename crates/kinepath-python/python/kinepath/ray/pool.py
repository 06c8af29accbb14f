"""Work on actors that may die: each task is done once, by whoever lives.

Ray's own pools give the next task to a dead actor or wait for one that never comes back, so this one
keeps its own book. It does not restart actors: a lost one is replaced by a new one, which gets work
once it has opened what it works with, wherever the cluster finds room.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import ray
from ray import exceptions

from .._kinepath import KinepathError
from .errors import StoreError, WorkError

Task = TypeVar("Task", bound=Hashable)
Result = TypeVar("Result")

PATIENCE = 60.0
"""Seconds without any news after which it is said what is waited for."""
LOST = (
    exceptions.RayActorError,
    exceptions.NodeDiedError,
    exceptions.WorkerCrashedError,
    exceptions.OutOfMemoryError,
    exceptions.ObjectLostError,
)
"""What says that a worker is no more, and nothing of the task."""

log: logging.Logger = logging.getLogger("kinepath.ray")


class Worker:
    """An actor that opens something once and works with it."""

    def __init__(self, threads: int) -> None:
        # Read by the core when it first needs its threads: a worker takes the share it asked for.
        os.environ["RAYON_NUM_THREADS"] = str(threads)

    def open(self, opener: Callable[[], Callable[[Any], Any]]) -> None:
        self._work = opener()

    def work(self, task: Any) -> Any:
        return self._work(task)


class Pool(Generic[Task, Result]):
    """Workers for the time of one call of :meth:`run`.

    Args:
        resources: what each worker takes, as Ray names it: ``CPU``, ``GPU``, which may be a
            fraction, ``memory`` in bytes, and resources of your own.
        workers: how many at most; as many as fit in the cluster unless told.
        retries: how often a task is tried again whose worker or store failed.

    Raises:
        KinepathError: for numbers that cannot be.
    """

    def __init__(
        self,
        *,
        resources: Mapping[str, float] | None,
        workers: int | None,
        retries: int,
    ) -> None:
        self.resources: dict[str, float] = dict(resources or {"CPU": 1})
        if any(amount < 0 for amount in self.resources.values()):
            raise KinepathError(f"a worker takes at least 0 of everything, got {self.resources}")
        if retries < 0 or (workers is not None and workers < 1):
            raise KinepathError(
                f"there is at least 1 worker, and retries are at least 0: got {workers}, {retries}"
            )
        connect()
        self.workers: int = workers or _fitting(self.resources)
        self._actors = _actors(self.resources)
        self._retries = retries
        self._tasks: deque[Task] = deque()
        self._failures: Counter[Task | None] = Counter()
        self._busy: dict[Any, tuple[Any, Task | None]] = {}
        """What is awaited: the worker and its task, or none while it opens."""
        self._idle: list[Any] = []

    def add(self, tasks: Iterable[Task], *, first: bool = False) -> None:
        """More to do, after all other tasks or before them."""
        if first:
            self._tasks.extendleft(tasks)
        else:
            self._tasks.extend(tasks)

    def run(
        self, opener: Callable[[], Callable[[Task], Result]]
    ) -> Generator[tuple[Task, Result]]:
        """Does all tasks, also those that are added meanwhile, and tells of each when it is done.

        Args:
            opener: called once in each worker; returns what does a task there.

        Raises:
            WorkError: for a task that raised something, or that failed too often with its worker
                or store, naming it.
        """
        try:
            while self._tasks or any(task is not None for _, task in self._busy.values()):
                self._hire(opener)
                done, _ = ray.wait(list(self._busy), timeout=PATIENCE)
                if not done:
                    self._say_what_is_awaited()
                    continue
                worker, task = self._busy.pop(done[0])
                try:
                    result = ray.get(done[0])
                except LOST as error:
                    ray.kill(worker)
                    self._failed(task, error)
                except exceptions.RayTaskError as error:
                    self._idle.append(worker)
                    if not isinstance(error.cause, StoreError) or task is None:
                        raise _work_error(task, error) from error
                    self._failed(task, error.cause)
                else:
                    self._idle.append(worker)
                    self._failures.pop(task, None)
                    if task is not None:
                        yield task, result
        finally:
            for worker in [*self._idle, *(worker for worker, _ in self._busy.values())]:
                ray.kill(worker)
            self._idle.clear()
            self._busy.clear()

    def _hire(self, opener: Callable[[], Callable[[Task], Result]]) -> None:
        """Gives work to whoever is idle, and starts as many workers as there is work for."""
        while self._idle and self._tasks:
            worker, task = self._idle.pop(), self._tasks.popleft()
            self._busy[worker.work.remote(task)] = worker, task
        opening = sum(task is None for _, task in self._busy.values())
        room = self.workers - len(self._idle) - len(self._busy)
        for _ in range(min(room, len(self._tasks) - opening)):
            worker = self._actors.remote(max(1, int(self.resources.get("CPU", 0))))
            self._busy[worker.open.remote(opener)] = worker, None

    def _failed(self, task: Task | None, error: Exception) -> None:
        """Notes a failure that another attempt may not have."""
        self._failures[task] += 1
        what = _named(task)
        # A node may be lost on which all workers were opening.
        allowed = self._retries * (1 if task is not None else self.workers)
        if self._failures[task] > allowed:
            raise WorkError(
                f"{what} failed {self._failures[task]} times, at last: {error}"
            ) from error
        log.warning("%s failed and is tried again: %s", what, str(error).partition("\n")[0])
        if task is not None:
            self._tasks.append(task)

    def _say_what_is_awaited(self) -> None:
        if all(task is None for _, task in self._busy.values()):
            log.warning(
                "no worker has started yet: each takes %s, and the cluster has %s free",
                self.resources,
                {name: ray.available_resources().get(name, 0) for name in self.resources},
            )


def connect() -> None:
    """Connects to the cluster that Ray finds, or starts one of this machine, if not done yet."""
    if not ray.is_initialized():
        ray.init()


def _actors(resources: Mapping[str, float]) -> Any:
    """Makes workers that take these resources."""
    rest = dict(resources)
    options: dict[str, Any] = {"num_cpus": rest.pop("CPU", 0), "num_gpus": rest.pop("GPU", 0)}
    if "memory" in rest:
        options["memory"] = rest.pop("memory")
    actors: Any = ray.remote(Worker)
    return actors.options(**options, resources=rest)


def _fitting(resources: Mapping[str, float]) -> int:
    """How many workers the cluster has room for, at least one."""
    there = ray.cluster_resources()
    fitting = [int(there.get(name, 0) / need) for name, need in resources.items() if need > 0]
    return max(1, min(fitting, default=1))


def _work_error(task: Any, error: exceptions.RayTaskError) -> WorkError:
    cause = error.cause or error
    return WorkError(f"{_named(task)} failed: {type(cause).__name__}: {cause}")


def _named(task: Any) -> str:
    return "opening" if task is None else str(task)
