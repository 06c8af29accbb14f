"""Types of the whole package, its tests and examples, where the frameworks are installed."""

from __future__ import annotations

from checkers import EXAMPLES, SOURCES, TESTS, check


def test_everything_is_strictly_typed() -> None:
    check("mypy", SOURCES, EXAMPLES, *TESTS.glob("*.py"), *TESTS.glob("integrations/*.py"))


def test_pyright_has_no_complaint_about_the_package() -> None:
    check("basedpyright", SOURCES, EXAMPLES / "plain_torch.py")


def test_everything_public_has_a_type_that_pyright_knows() -> None:
    check("basedpyright", "--ignoreexternal", "--verifytypes", "kinepath")
