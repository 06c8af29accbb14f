"""What is shown of long calls: a line that changes on a terminal, and a line a minute elsewhere."""

from __future__ import annotations

import sys

import pytest

from kinepath.progress import on_stderr


def test_a_terminal_has_one_line_that_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show = on_stderr()
    show("sampling", 0.25)
    show("sampling", 1.0)
    assert capsys.readouterr().err == "\r\x1b[Ksampling 25%\r\x1b[Ksampling 100%\n"


def test_elsewhere_there_is_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter(range(0, 10_000, 25))
    time = 0.0
    show = on_stderr(lambda: time)
    for time, done in zip(clock, range(0, 101, 10)):
        show("sampling", done / 100)
    # At 0, 25, … 250 seconds: the first line after a minute, each other a minute after the last.
    assert capsys.readouterr().err.splitlines() == ["sampling 30%", "sampling 60%", "sampling 90%"]


def test_a_short_call_shows_nothing_there(capsys: pytest.CaptureFixture[str]) -> None:
    show = on_stderr(lambda: 0.0)
    show("sampling", 0.5)
    show("sampling", 1.0)
    assert capsys.readouterr().err == ""
