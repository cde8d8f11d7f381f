"""Every network names its paper in a form that pages and cards can read."""

import pytest

import keras_rsseg
from keras_rsseg.hub.papers import papers_of
from keras_rsseg.systems import SYSTEMS


@pytest.mark.parametrize("task", SYSTEMS)
def test_every_network_has_a_paper(task):
    found = papers_of(getattr(keras_rsseg, task))
    assert found
    for paper in found:
        assert paper.url.startswith("https://")
        assert 2000 < int(paper.year) < 2100


def test_two_papers():
    first, second = papers_of(keras_rsseg.HRNet)
    assert first.authors == "Wang et al." and first.year == "2020"
    assert second.url == "https://arxiv.org/abs/2205.04160"


def test_no_docstring():
    assert papers_of(lambda: None) == []
