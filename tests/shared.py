"""Where the tests find material that is not in the repository."""

import os
import pathlib

import numpy as np
import pytest

_DEFAULT = pathlib.Path(__file__).resolve().parents[2] / "shared"


def shared_root():
    """Return the folder `KERAS_RSSEG_SHARED` names, which may be absent."""
    return pathlib.Path(os.environ.get("KERAS_RSSEG_SHARED", _DEFAULT))


def shared_path(*parts):
    """Return a path below `KERAS_RSSEG_SHARED`, or skip the calling test.

    The folder holds numerical truth, real imagery and pretrained encoders
    that must not be committed. Its default location is `../shared` beside the
    checkout.
    """
    root = shared_root()
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not in KERAS_RSSEG_SHARED ({root})")
    return path


def read_arrays(path):
    """Return the arrays of an `.npz` file, which is closed again."""
    with np.load(path) as file:
        return dict(file)
