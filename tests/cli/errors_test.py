"""Wrong input is one line; a bug is a traceback with where to report it."""

import errno
import os
import pathlib
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

import keras_rsseg
from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.errors import PresetError
from tests.cli.commands import check_error
from tests.cli.commands import run

ROOT = pathlib.Path(__file__).resolve().parents[2]


def outcome(error, monkeypatch):
    """The outcome of `keras-rsseg presets` for an error."""

    def fail():
        raise error

    monkeypatch.setattr(keras_rsseg, "list_presets", fail, raising=False)
    return run("presets")


@pytest.mark.parametrize(
    "error, message",
    [
        (PresetError("no such\n  preset"), "no such preset"),
        (FileNotFoundError("there is no file x"), "there is no file x"),
        (
            OSError(errno.ENOSPC, "No space left on device", "maps/a.tif"),
            "maps/a.tif: No space left on device",
        ),
    ],
)
def test_wrong_input_is_one_line(error, message, monkeypatch):
    check_error(outcome(error, monkeypatch), message)


@pytest.mark.parametrize("error", [ValueError("shapes"), KeyError("weights")])
def test_a_bug_goes_on_with_a_note(error, monkeypatch):
    """A `ValueError` of NumPy or Keras is not the user's fault."""
    result = outcome(error, monkeypatch)
    assert result.exception is error
    assert result.exit_code == 1
    assert result.stderr == ""
    (note,) = error.__notes__
    assert "fault of keras-rsseg" in note
    assert f"keras-rsseg {keras_rsseg.__version__}, Python 3." in note
    assert "rasterio 1." in note


def test_a_bug_is_told_once_however_many_functions_it_passes():
    @plain_errors()
    @plain_errors()
    def broken():
        raise ValueError("shapes")

    with pytest.raises(ValueError) as caught:
        broken()
    assert len(caught.value.__notes__) == 1


def test_the_versions_of_what_is_loaded(monkeypatch):
    import keras

    result = outcome(ValueError(), monkeypatch)
    (note,) = result.exception.__notes__
    assert f"keras {keras.__version__}" in note
    assert f"backend {keras.config.backend()}." in note


def test_an_interruption_is_130(monkeypatch):
    result = outcome(KeyboardInterrupt(), monkeypatch)
    assert result.exit_code == 130
    assert result.stderr == "Interrupted.\n"


@pytest.mark.parametrize(
    "error, code", [(typer.Exit(3), 3), (typer.BadParameter("no"), 2)]
)
def test_codes_of_commands_pass(error, code, monkeypatch):
    assert outcome(error, monkeypatch).exit_code == code
    assert not hasattr(error, "__notes__")


def test_scripts_without_typer_end_the_same(capsys):
    @plain_errors()
    def main():
        raise PresetError("no such preset")

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == "Error: no such preset\n"


def test_a_command_keeps_its_options():
    app = typer.Typer()

    @app.command()
    @plain_errors()
    def command(number: int):
        """Count."""
        raise PresetError(f"no {number + 1}")

    runner = CliRunner()
    assert "Count." in runner.invoke(app, ["--help"]).stdout
    check_error(runner.invoke(app, ["2"]), "no 3")
    assert runner.invoke(app, ["two"]).exit_code == 2


def shell(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **options,
    )


COMMAND = """
import typer
from keras_rsseg.cli.errors import plain_errors

app = typer.Typer(pretty_exceptions_enable=False)

@app.command()
@plain_errors()
def command():
    {}

app([])
"""


def test_a_traceback_ends_with_the_note():
    done = shell(COMMAND.format("raise ValueError('shapes')"))
    assert done.returncode == 1
    *_, message, note = done.stderr.splitlines()
    assert message == "ValueError: shapes"
    assert note.startswith("This is a fault of keras-rsseg.")
    assert "Traceback" in done.stderr


def test_a_closed_pipe_is_nobodys_fault():
    """As in `keras-rsseg presets | head -1`."""
    read, write = os.pipe()
    os.close(read)
    done = shell(COMMAND.format("typer.echo('a' * 9999)"), stdout=write)
    os.close(write)
    assert done.stderr == ""
