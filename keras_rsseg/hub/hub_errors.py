"""What the Hub's client raises, in words for the user of a preset."""

import contextlib

from keras_rsseg.hub.preset_error import PresetError

_LOG_IN = (
    "log in with `hf auth login`, or set HF_TOKEN to a token of "
    "https://huggingface.co/settings/tokens"
)


@contextlib.contextmanager
def explained(handle, doing):
    """Raise errors of `huggingface_hub` as one paragraph that says what to do.

    Args:
        handle: `keras_rsseg.hub.handle.Handle`.
        doing: `"download"` or `"upload"`.

    Raises:
        ValueError: in place of the client's errors.
    """
    # Takes a while, and only who uses the Hub needs it.
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise PresetError(f"{handle} is no handle: {error}") from error
    except errors.RepositoryNotFoundError as error:
        raise PresetError(_not_found(handle, doing, error)) from error
    except errors.RevisionNotFoundError as error:
        raise PresetError(
            f"{handle.repository} has no revision {handle.revision!r} on the "
            "Hub: a branch, a tag or a commit's id is asked for."
        ) from error
    except (
        OSError,
        RuntimeError,
        errors.HTTPError,  # of the HTTP library that the client uses
        errors.LocalEntryNotFoundError,
    ) as error:
        raise PresetError(_explain(handle, doing, error)) from error


def _not_found(handle, doing, error):
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return (
            f"{handle} is gated: ask for access on its page on the Hub, then "
            f"{_LOG_IN}."
        )
    if doing == "upload":
        return f"The Hub refused the upload to {handle}: {_LOG_IN}."
    return (
        f"{handle} is not on the Hub, or private. Check the name; if it is "
        f"private, {_LOG_IN}."
    )


def _explain(handle, doing, error):
    from huggingface_hub import constants
    from huggingface_hub import errors

    status = http_status(error)
    if status is not None:
        return _explain_status(handle, doing, status)
    if doing == "upload":
        return (
            f"The upload to {handle} broke off ({_last_line(error)}). The Hub "
            "still has what it had before: a preset appears whole or not at "
            "all. Upload it again; what has arrived is not sent twice."
        )
    if isinstance(error, errors.IncompleteSnapshotError):
        return (
            f"{handle} was downloaded in part, and the Hub cannot be reached "
            "for the rest. Load it again with a network."
        )
    if isinstance(error, errors.LocalEntryNotFoundError):
        why = (
            "HF_HUB_OFFLINE is set"
            if constants.is_offline_mode()
            else "the Hub cannot be reached"
        )
        return (
            f"{handle} is not in the cache ({constants.HF_HUB_CACHE}), and "
            f"{why}. Load it once with a network, after that none is needed; "
            "or copy its folder from another machine and name that."
        )
    return (
        f"The download of {handle} broke off ({_last_line(error)}). Load it "
        "again: it goes on where it was."
    )


def _explain_status(handle, doing, status):
    if status == 401:
        return f"The Hub refused the login for {handle}: {_LOG_IN}."
    if status == 403:
        may = "write to it" if doing == "upload" else "read it"
        return (
            f"The Hub does not let you {doing} {handle}: your token must be "
            f"allowed to {may}. Else {_LOG_IN}."
        )
    if status == 429:
        return (
            f"The Hub takes no more requests for now ({doing} of {handle}). "
            "Try again in a few minutes; whoever is logged in may ask more "
            "often (`hf auth login`)."
        )
    if status >= 500:
        return (
            f"The Hub is out of order (status {status}, {doing} of {handle}). "
            "Try again later."
        )
    return f"The Hub refused the {doing} of {handle} (status {status})."


def http_status(error):
    """Return the HTTP status at the bottom of a chain of errors, if any."""
    while error is not None:
        response = getattr(error, "response", None)
        if response is not None:
            return response.status_code
        error = error.__cause__
    return None


def _last_line(error):
    """Return what lies at the bottom, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}".removesuffix(": ")
