"""Everything public has a docstring, and the examples in there are right."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from types import GetSetDescriptorType
from typing import Any

import numpy as np
import pytest

import kinepath as kp

PARSER = doctest.DocTestParser()
EXTENSION = [kp.Field, kp.Gain, kp.Grid, kp.Plan, kp.Stage, kp.Step]


def members(kind: Any) -> Iterator[tuple[str, Any]]:
    for name in vars(kind):
        if not name.startswith("_"):
            yield f"{kind.__name__}.{name}", getattr(kind, name)


PUBLIC = [("kinepath", kp), *((name, getattr(kp, name)) for name in kp.__all__)]
METHODS = [pair for _, kind in PUBLIC if isinstance(kind, type) for pair in members(kind)]


@pytest.mark.parametrize(("name", "member"), [pair for kind in EXTENSION for pair in members(kind)])
def test_the_extension_says_what_everything_is(name: str, member: Any) -> None:
    text = member.__doc__ or ""
    assert text.rstrip().endswith((".", ")", "])")) and len(text) > 10, name


@pytest.mark.parametrize("kind", EXTENSION)
def test_what_is_made_by_hand_says_of_what(kind: type) -> None:
    text = kind.__doc__ or ""
    made = kind in (kp.Gain, kp.Grid, kp.Plan)
    assert ("Args:" in text and "Raises:" in text) == made and len(text) > 50
    fields = [m for m in vars(kind).values() if isinstance(m, GetSetDescriptorType)]
    assert all(field.__doc__ for field in fields)


def examples() -> Iterator[doctest.DocTest]:
    # numpy 1 and 2 write scalars differently, so examples have none.
    names = {"kinepath": kp, "kp": kp, "np": np}
    for name, documented in [*PUBLIC, *METHODS]:
        test = PARSER.get_doctest(documented.__doc__ or "", dict(names), name, None, None)
        if any(not example.options.get(doctest.SKIP) for example in test.examples):
            yield test


@pytest.mark.parametrize("example", list(examples()), ids=lambda test: test.name)
def test_the_examples_are_right(example: doctest.DocTest) -> None:
    printed: list[str] = []
    assert doctest.DocTestRunner().run(example, out=printed.append).failed == 0, "".join(printed)


def test_there_are_examples() -> None:
    assert {"kinepath", "Plan", "Grid.uniform", "Gain.factor", "Field.velocity"} < {
        test.name for test in examples()
    }
