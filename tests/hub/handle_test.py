"""A handle means one repository and one revision, or nothing at all."""

import pytest

from keras_rsseg.hub.handle import Handle
from keras_rsseg.hub.handle import parse_handle


def test_parts():
    assert parse_handle("hf://org/a.b-c_1") == Handle("org/a.b-c_1")
    assert parse_handle("hf://org/name@v1") == Handle("org/name", "v1")
    # A pull request, as the Hub names it.
    handle = parse_handle("hf://org/name@refs/pr/1")
    assert handle.revision == "refs/pr/1"
    assert str(handle) == "hf://org/name@refs/pr/1"
    assert str(Handle("org/name")) == "hf://org/name"


def test_revision_of_an_argument():
    assert parse_handle("hf://org/name", "v1").revision == "v1"
    assert parse_handle("hf://org/name@v1", "v1").revision == "v1"
    with pytest.raises(ValueError, match="hf://org/name@v1.*revision='v2'"):
        parse_handle("hf://org/name@v1", "v2")


@pytest.mark.parametrize(
    "handle",
    [
        "hf://name",
        "hf://org/name/sub",
        "hf://org/name@",
        "hf://org/na me",
        "gs://org/name",
        "org/name",
        "",
    ],
)
def test_what_is_no_handle(handle):
    with pytest.raises(ValueError, match="must be hf://org/name"):
        parse_handle(handle)
