"""Handles: where on the Hub a preset lives."""

import dataclasses
import re

from keras_rsseg.hub.preset_error import PresetError

SCHEME = "hf://"
_HANDLE = re.compile(
    rf"{SCHEME}(?P<repository>[\w.-]+/[\w.-]+?)(@(?P<revision>[^@]+))?"
)


@dataclasses.dataclass(frozen=True)
class Handle:
    """A repository of the Hugging Face Hub, at a revision.

    Attributes:
        repository: string, `"org/name"`.
        revision: string, a branch, tag or commit, or `None` for `main`.
    """

    repository: str
    revision: str | None = None

    def __str__(self):
        revision = f"@{self.revision}" if self.revision else ""
        return f"{SCHEME}{self.repository}{revision}"


def parse_handle(handle, revision=None):
    """Read a handle such as `"hf://org/name"` or `"hf://org/name@v1"`.

    Args:
        handle: string. The revision within it is that of Hugging Face's own
            `hf://` addresses.
        revision: string, the revision if the handle has none, or `None`.

    Returns:
        A `Handle`.

    Raises:
        ValueError: it is no handle, or names another revision.

    Example:

    >>> parse_handle("hf://org/name@v1").revision
    'v1'
    """
    found = _HANDLE.fullmatch(str(handle))
    if found is None:
        raise PresetError(
            "A handle must be hf://org/name, or hf://org/name@revision. "
            f"Received: {str(handle)!r}"
        )
    named = found["revision"]
    if None not in (named, revision) and named != revision:
        raise PresetError(
            f"`revision` must be left out, or that of the handle {handle}. "
            f"Received: revision={revision!r}"
        )
    return Handle(found["repository"], named or revision)
