"""Runs commands as in a shell."""

from typer.testing import CliRunner

from keras_rsseg.cli import app


def run(*arguments):
    """Return the result of `keras-rsseg` with these arguments."""
    return CliRunner().invoke(app, [str(part) for part in arguments])


def check_error(result, message):
    """Check for one line on stderr, no traceback, exit code 1."""
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert message in line
    assert result.stdout == ""
