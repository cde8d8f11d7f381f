"""The papers that a docstring cites under `Reference:`."""

import inspect
import re
from typing import Any
from typing import NamedTuple

_ENTRY = re.compile(r"- \[(.+? et al\.), (.+?), (\d{4})\]\(\s*(\S+?)\)")


class Paper(NamedTuple):
    """A reference in a docstring.

    Attributes:
        authors: such as "Li et al.".
        title: of the paper.
        year: of its publication.
        url: where it is.

    Example:

    ```python
    from keras_rsseg.hub.papers import Paper

    paper = Paper("Li et al.", "PointFlow", "2021", "https://a.org")
    paper.link  # "[Li et al., 2021](https://a.org)"
    ```
    """

    authors: str
    title: str
    year: str
    url: str

    @property
    def link(self) -> str:
        """Authors and year, as a link."""
        return f"[{self.authors}, {self.year}]({self.url})"


def papers_of(documented: Any) -> list[Paper]:
    """Return the papers that the docstring of a class or function cites.

    Args:
        documented: class or function.

    Example:

    ```python
    from keras_rsseg.hub.papers import papers_of

    papers_of(keras_rsseg.PFNet)[0].year  # "2021"
    ```
    """
    text = inspect.getdoc(documented) or ""
    rest = " ".join(text.partition("Reference:")[2].split())
    return [Paper(*found) for found in _ENTRY.findall(rest)]
