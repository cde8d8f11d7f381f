"""How a map is cut into the blocks that it is computed and stored in."""

from typing import NamedTuple


class Block(NamedTuple):
    """A rectangle of a map: its number and place, pixels."""

    number: int
    row: int
    col: int
    height: int
    width: int

    @property
    def stop(self):
        """First row below it."""
        return self.row + self.height


def map_blocks(height, width, strip_height, section_width):
    """Cut a map into blocks.

    Sections, ranges of columns, come from the left; in each of them strips,
    ranges of rows, from the top. Memory is that of a section's width.

    Args:
        height: height of the map, pixels.
        width: width of the map, pixels.
        strip_height: rows in a block; the last of a section has what is
            left.
        section_width: columns in a block; those of the last section have
            what is left.

    Returns:
        A list of `Block`s, numbered from 0.

    Example:

    >>> [tuple(block) for block in map_blocks(3, 5, 2, 4)]
    [(0, 0, 0, 2, 4), (1, 2, 0, 1, 4), (2, 0, 4, 2, 1), (3, 2, 4, 1, 1)]
    """
    corners = [
        (row, col)
        for col in range(0, width, section_width)
        for row in range(0, height, strip_height)
    ]
    return [
        Block(
            number,
            row,
            col,
            min(strip_height, height - row),
            min(section_width, width - col),
        )
        for number, (row, col) in enumerate(corners)
    ]
