"""The Hugging Face Hub: handles, downloads, and what its errors mean."""

import contextlib
import dataclasses
import pathlib
import re
import time
from collections.abc import Iterator

from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_files import PATTERNS
from keras_rsseg.hub.preset_files import TASK
from keras_rsseg.hub.preset_files import WEIGHTS

SCHEME = "hf://"

_HANDLE = re.compile(
    rf"{SCHEME}(?P<repository>[\w.-]+/[\w.-]+?)/?(@(?P<revision>[^@]+))?",
    re.ASCII,
)
_REVISION = re.compile(r"[\w.+/-]+", re.ASCII)
# Seconds before another attempt after the Hub itself failed. The client
# repeats most requests by itself, but neither the first one (for the commit)
# nor a file whose transfer the Hub refuses to begin.
_PAUSES = (1, 4)


@dataclasses.dataclass(frozen=True)
class Handle:
    """A repository of the Hugging Face Hub, at a revision.

    Attributes:
        repository: string, `"org/name"`.
        revision: string, a branch, tag or commit, or `None` for `main`.
    """

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{SCHEME}{self.repository}{revision}"


def parse_handle(handle: str, revision: str | None = None) -> Handle:
    """Read a handle such as `"hf://org/name"` or `"hf://org/name@v1"`.

    Args:
        handle: string. Its revision is written as in Hugging Face's own
            `hf://` addresses.
        revision: string, the revision if the handle has none, or `None`.

    Returns:
        A `Handle`.

    Raises:
        PresetError: it is not a handle, or names another revision.

    Example:

    ```python
    from keras_rsseg.hub.client import parse_handle

    parse_handle("hf://org/name@v1").revision  # "v1"
    ```
    """
    found = _HANDLE.fullmatch(str(handle))
    # In the cache, the name becomes that of a folder.
    if found is None or ".." in found["repository"]:
        raise PresetError(
            "A handle must be hf://org/name, or hf://org/name@revision. "
            f"Received: {str(handle)!r}"
        )
    named = found["revision"]
    if None not in (named, revision) and named != revision:
        raise PresetError(
            f"`revision` must be omitted or match that of the handle {handle}. "
            f"Received: revision={revision!r}"
        )
    revision = named if revision is None else revision
    if revision is not None and (
        not _REVISION.fullmatch(str(revision)) or ".." in str(revision)
    ):
        raise PresetError(
            "`revision` must be a branch, a tag or a commit id. Received: "
            f"{revision!r}"
        )
    return Handle(found["repository"], revision)


def download_preset(handle: Handle, load_weights: bool = True) -> pathlib.Path:
    """Download the missing files of a preset, all from one commit.

    Only files that belong to a preset are requested: JSON and HDF5.

    Args:
        handle: where it is.
        load_weights: if `False`, weights are not downloaded.

    Returns:
        Path of a folder in Hugging Face's cache.

    Raises:
        PresetError: it is not available; the message says what to do.
    """
    patterns = [
        pattern
        for pattern in PATTERNS
        if load_weights or pattern not in WEIGHTS
    ]
    with explained(handle, "download"):
        for pause in _PAUSES:
            try:
                return _snapshot(handle, patterns)
            except OSError as error:
                if (_http_status(error) or 0) < 500:
                    raise
                time.sleep(pause)
        return _snapshot(handle, patterns)


def _snapshot(handle: Handle, patterns: list[str]) -> pathlib.Path:
    import huggingface_hub

    return pathlib.Path(
        huggingface_hub.snapshot_download(
            handle.repository,
            revision=handle.revision,
            allow_patterns=patterns,
        )
    )


def is_cached(handle: Handle) -> bool:
    """Return whether a preset is in the cache, without using the network."""
    import huggingface_hub

    return all(
        isinstance(
            huggingface_hub.try_to_load_from_cache(
                handle.repository, name, revision=handle.revision
            ),
            str,
        )
        for name in (TASK, "task.weights.h5")
    )


_LOG_IN = (
    "log in with `hf auth login`, or set HF_TOKEN to a token of "
    "https://huggingface.co/settings/tokens"
)
# The first row whose signs an error has is used. Signs are the names of its
# class and base classes, the HTTP status, and what was being done.
_SENTENCES: tuple[tuple[set[str], str], ...] = (
    ({"HFValidationError"}, "{handle} is not a valid handle: {error}"),
    (
        {"GatedRepoError"},
        "{handle} is gated: ask for access on its page on the Hub, then "
        f"{_LOG_IN}.",
    ),
    (
        {"RepositoryNotFoundError", "upload"},
        f"The Hub refused the upload to {{handle}}: {_LOG_IN}.",
    ),
    (
        {"RepositoryNotFoundError"},
        "{handle} is not on the Hub, or private. Check the name; if it is "
        f"private, {_LOG_IN}.",
    ),
    (
        {"RevisionNotFoundError"},
        "{handle.repository} has no revision {handle.revision!r} on the Hub: "
        "it must be a branch, a tag or a commit id.",
    ),
    ({"401"}, f"The Hub refused the login for {{handle}}: {_LOG_IN}."),
    (
        {"403", "upload"},
        "The Hub does not let you upload {handle}: your token must be allowed "
        f"to write to it. Otherwise {_LOG_IN}.",
    ),
    (
        {"403"},
        "The Hub does not let you download {handle}: your token must be "
        f"allowed to read it. Otherwise {_LOG_IN}.",
    ),
    (
        {"429"},
        "The Hub accepts no more requests for now ({doing} of {handle}). Try "
        "again in a few minutes, or log in for a higher limit "
        "(`hf auth login`).",
    ),
    (
        {"5xx"},
        "The Hub has a fault (status {status}, {doing} of {handle}). Try "
        "again later.",
    ),
    (
        {"status"},
        "The Hub refused the {doing} of {handle} (status {status}).",
    ),
    (
        {"upload"},
        "The upload to {handle} broke off ({cause}). The Hub still has what "
        "it had before: a preset appears whole or not at all. Upload it "
        "again; files that have arrived are not sent twice.",
    ),
    (
        {"IncompleteSnapshotError"},
        "{handle} was only partly downloaded, and the Hub cannot be reached "
        "for the rest. Load it again when you are online.",
    ),
    (
        {"LocalEntryNotFoundError"},
        "{handle} is not in the cache ({cache}), and {offline}. Load it once "
        "online, after which no network is needed; or copy its folder from "
        "another machine and give its path.",
    ),
    (
        set(),
        "The download of {handle} broke off ({cause}). Load it again to "
        "resume.",
    ),
)


@contextlib.contextmanager
def explained(handle: Handle, doing: str) -> Iterator[None]:
    """Raise errors of `huggingface_hub` as one paragraph that says what to do.

    Args:
        handle: what is requested.
        doing: `"download"` or `"upload"`.

    Raises:
        PresetError: in place of the client's errors.
    """
    # A slow import, needed only by users of the Hub.
    from huggingface_hub import errors

    try:
        yield
    except (
        OSError,
        RuntimeError,
        errors.HFValidationError,
        errors.HTTPError,  # of the HTTP library that the client uses
        errors.LocalEntryNotFoundError,
    ) as error:
        raise PresetError(_explain(handle, doing, error)) from error


def _explain(handle: Handle, doing: str, error: Exception) -> str:
    from huggingface_hub import constants

    status = _http_status(error)
    signs = {doing, *(cls.__name__ for cls in type(error).__mro__)}
    if status is not None:
        signs |= {"status", str(status)} | ({"5xx"} if status >= 500 else set())
    sentence = next(text for row, text in _SENTENCES if row <= signs)
    return sentence.format(
        handle=handle,
        doing=doing,
        error=error,
        status=status,
        cause=_last_line(error),
        cache=constants.HF_HUB_CACHE,
        offline=(
            "HF_HUB_OFFLINE is set"
            if constants.is_offline_mode()
            else "the Hub cannot be reached"
        ),
    )


def _http_status(error: BaseException | None) -> int | None:
    """Return the HTTP status at the bottom of a chain of errors, if any."""
    while error is not None:
        response = getattr(error, "response", None)
        if response is not None:
            return response.status_code
        error = error.__cause__
    return None


def _last_line(error: BaseException) -> str:
    """Return the last line of the original error's message."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}".removesuffix(": ")
