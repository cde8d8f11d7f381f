"""From a handle to a folder in the cache."""

import pathlib
import time

from keras_rsseg.hub.hub_errors import explained
from keras_rsseg.hub.hub_errors import http_status
from keras_rsseg.hub.preset_files import PATTERNS
from keras_rsseg.hub.preset_files import TASK
from keras_rsseg.hub.preset_files import WEIGHTS

# Seconds before another attempt, where the Hub itself failed.
_PAUSES = (1, 4)


def download_preset(handle, load_weights=True):
    """Download what is not there yet, all of one commit.

    Only files that a preset consists of are asked for: JSON and HDF5.

    Args:
        handle: `keras_rsseg.hub.handle.Handle`.
        load_weights: bool. If `False`, weights stay where they are.

    Returns:
        `pathlib.Path` of a folder in Hugging Face's cache.

    Raises:
        ValueError: it cannot be had, with what to do about it.
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
                # The client gives up at the first.
                if (http_status(error) or 0) < 500:
                    raise
                time.sleep(pause)
        return _snapshot(handle, patterns)


def _snapshot(handle, patterns):
    import huggingface_hub

    return pathlib.Path(
        huggingface_hub.snapshot_download(
            handle.repository,
            revision=handle.revision,
            allow_patterns=patterns,
        )
    )


def is_cached(handle):
    """Return whether a preset is in the cache, without a network."""
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
