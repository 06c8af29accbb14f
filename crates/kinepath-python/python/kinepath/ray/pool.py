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
from .resources import Resources, checked, lacking, room
from .settings import integer

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
        KinepathError: for numbers that cannot be, and where no node has room for a worker and it is
            not told how many shall come.
    """

    def __init__(
        self,
        *,
        resources: Mapping[str, float] | None,
        workers: int | None,
        retries: int,
    ) -> None:
        self.resources: dict[str, float] = checked(resources or {"CPU": 1})
        if workers is not None:
            workers = integer("workers", workers, 1)
        self._retries = integer("retries", retries, 0)
        connect()
        nodes = _nodes()
        fitting = room(self.resources, nodes)
        if not fitting:
            found = (
                f"no node has room for a worker, which takes {self.resources}: "
                f"{lacking(self.resources, nodes)}"
            )
            # Ray does not say whether a cluster grows. Who says how many knows of more than there is.
            if workers is None:
                raise KinepathError(
                    f"{found}; ask for less, or, where the cluster grows on demand, say how many "
                    "workers (workers=)"
                )
            log.warning("%s; they are waited for", found)
        self.workers: int = workers or fitting
        self._actors = _actors(self.resources)
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
            try:
                worker = self._actors.remote(max(1, int(self.resources.get("CPU", 0))))
            except ValueError as error:
                # Of accelerators that are no GPUs only Ray knows which it divides.
                raise KinepathError(f"no worker can take {self.resources}: {error}") from error
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
        if any(task is not None for _, task in self._busy.values()):
            return
        nodes = _nodes()
        if room(self.resources, nodes):
            there = ray.available_resources()
            free = {name: there.get(name, 0) for name in self.resources}
            why = f"the cluster has {free} free"
        else:
            why = f"of the cluster's nodes {lacking(self.resources, nodes)}"
        log.warning("no worker has started yet: each takes %s, and %s", self.resources, why)


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


def _nodes() -> list[Resources]:
    """What each node of the cluster has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _work_error(task: Any, error: exceptions.RayTaskError) -> WorkError:
    cause = error.cause or error
    return WorkError(f"{_named(task)} failed: {type(cause).__name__}: {cause}")


def _named(task: Any) -> str:
    return "opening" if task is None else str(task)
