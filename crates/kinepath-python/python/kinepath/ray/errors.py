"""What can go wrong on the way, beside what is asked for wrongly."""

from __future__ import annotations

from .._kinepath import KinepathError


class StoreError(KinepathError):
    """The store did not do what it was asked for; another attempt may succeed."""


class WorkError(KinepathError):
    """A task failed, and would fail again. The cause has the traceback of the worker."""
