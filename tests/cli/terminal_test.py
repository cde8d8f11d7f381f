"""Transient lines, colours, and suppressed output."""

import io
import os
import subprocess
import sys

import pytest

from keras_rsseg.cli.terminal import Status
from keras_rsseg.cli.terminal import held_back
from keras_rsseg.cli.terminal import is_colored
from keras_rsseg.cli.terminal import styled
from keras_rsseg.cli.terminal import swatch


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def attach(monkeypatch):
    """Not a fixture: before the test itself, pytest has its own streams."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def attach():
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, Terminal())
        return sys.stderr

    return attach


class TestStatus:
    def test_on_a_terminal_the_line_goes_away(self, attach):
        terminal = attach()
        with Status().doing("Loading"):
            assert terminal.getvalue() == "Loading ..."
        assert terminal.getvalue().endswith("\r\x1b[2K")

    def test_in_a_log_there_is_none(self, capsys):
        with Status().doing("Loading"):
            pass
        assert capsys.readouterr() == ("", "")

    def test_verbose_lines_stay(self, attach):
        terminal = attach()
        with Status(verbose=True).doing("Loading"):
            pass
        assert terminal.getvalue() == "Loading ...\n"

    def test_quiet(self, attach):
        terminal = attach()
        with Status(quiet=True, verbose=True).doing("Loading"):
            pass
        assert terminal.getvalue() == ""


class TestColors:
    def test_on_a_terminal(self, attach):
        terminal = attach()
        assert "\x1b[38;2;1;2;3m" in swatch((1, 2, 3))
        assert styled("Error:", "red", terminal).startswith("\x1b[31m")
        assert swatch(None) == ""

    def test_elsewhere_there_are_none(self):
        assert not is_colored(io.StringIO())
        assert styled("Error:", "red", io.StringIO()) == "Error:"

    @pytest.mark.parametrize(
        ("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")]
    )
    def test_the_environment_may_not_want_them(
        self, attach, monkeypatch, name, value
    ):
        terminal = attach()
        monkeypatch.setenv(name, value)
        assert swatch((1, 2, 3)) == ""
        assert styled("Error:", "red", terminal) == "Error:"


class TestHeldBack:
    def test_nothing_is_written_by_what_succeeds(self, capfd):
        with held_back():
            os.write(2, b"noise of C++\n")
        assert capfd.readouterr().err == ""
        os.write(2, b"after\n")
        assert capfd.readouterr().err == "after\n"

    def test_all_is_written_by_what_fails(self, capfd):
        with pytest.raises(ImportError), held_back():
            os.write(2, b"no libcudart\n")
            print("no library", file=sys.stderr)
            raise ImportError("broken")
        assert "no libcudart\n" in capfd.readouterr().err

    def test_when_it_is_wanted(self, capfd):
        with held_back(show=True):
            os.write(2, b"noise of C++\n")
        assert capfd.readouterr().err == "noise of C++\n"

    def test_without_a_stderr(self):
        """As run by a service."""
        code = (
            "import os; from keras_rsseg.cli.terminal import held_back\n"
            "os.close(2)\nwith held_back(): print('fine')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True
        )
        assert done.stdout == "fine\n"
