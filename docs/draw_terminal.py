"""Record a terminal command as SVG, in its colours.

    python -m docs.draw_terminal docs/images/terminal.svg -- \
        keras-rsseg predict examples/data/harbour.tif --output map.tif

runs the command in a separate terminal and draws the final screen. Needs Linux
or macOS, and rich, which comes with typer.
"""

import argparse
import os
import pathlib
import pty
import re
import shlex
from collections.abc import Sequence

WIDTH = 88
# Transient lines end with a carriage return, or are erased.
_PASSED = re.compile(r"^.*(?:\r(?!\n)|\x1b\[2K|\x1b\[A)", re.MULTILINE)


def record(command: Sequence[str]) -> str:
    """Run a command in a terminal and return what it wrote.

    Args:
        command: the program and its arguments.
    """
    parts: list[bytes] = []

    def read(handle: int) -> bytes:
        part = os.read(handle, 1024)
        parts.append(part)
        return part

    typed = f"stty cols {WIDTH} rows 30; exec {shlex.join(command)}"
    pty.spawn(["sh", "-c", typed], read)
    return b"".join(parts).decode()


def screen(written: str) -> str:
    """Return the final screen of a command's output.

    Args:
        written: output with carriage returns, colours and erased lines.

    Example:

    ```python
    screen("10 %\r20 %\rdone\r\n")  # "done\n"
    ```
    """
    text = written.replace("\r\n", "\n")
    return _PASSED.sub("", text)


def draw(command: Sequence[str], text: str) -> str:
    """Return a picture of a terminal, an SVG that loads nothing.

    Args:
        command: the typed command.
        text: the final screen.
    """
    from rich.console import Console
    from rich.text import Text

    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(
            record=True,
            width=WIDTH,
            file=nowhere,
            force_terminal=True,
            color_system="truecolor",
        )
        console.print(Text(f"$ {shlex.join(command)}", style="bold"))
        console.print(Text.from_ansi(text.rstrip()))
    svg = console.export_svg(title="keras-rsseg")
    # It would load its font from a server.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> None:
    """Record and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args(arguments)
    text = screen(record(args.command))
    args.output.write_text(draw(args.command, text), encoding="utf-8")


if __name__ == "__main__":
    main()
