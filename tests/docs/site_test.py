"""The site builds strictly, and loads nothing from elsewhere.

`.ci/run` runs this after `pip install ".[docs]"`.
"""

import html.parser
import os
import re
import subprocess
import sys

import pytest

from keras_rsseg.systems import SYSTEMS
from tests.docs.documents import ROOT

pytest.importorskip("mkdocs")
pytest.importorskip("mkdocstrings")
pytest.importorskip("material")

# Neither addresses nor the content of the 404 page.
_LINK = re.compile(r'<a [^>]*href="([^"#:?/][^"#:?]*)["#?]')

# Attributes by which a browser loads what they name, by element.
_LOADED = {
    **dict.fromkeys(["img", "script", "iframe", "source", "video"], "src"),
    "link": "href",
}


class Loaded(html.parser.HTMLParser):
    """The files a browser fetches to show a page.

    Attributes:
        found: list of addresses.
    """

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        # Only search engines read the canonical address.
        if given.get("rel") in ("canonical", "prev", "next", "edit"):
            return
        if given.get(_LOADED.get(tag, "")):
            self.found.append(given[_LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as in `.ci/run`."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "--site-dir", folder],
        cwd=ROOT,
        # The second hides a notice about MkDocs' successor.
        env={
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "NO_MKDOCS_2_WARNING": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_nothing_is_fetched_from_elsewhere(site):
    for page in site.rglob("*.html"):
        parser = Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        outside = [a for a in parser.found if re.match(r"(https?:)?//", a)]
        assert not outside, (page, outside)
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(@import|url\()\s*['\"]?https?:", text), style


def test_pages_of_all_networks_and_rooms(site):
    for folder in SYSTEMS.values():
        assert (site / "systems" / f"{folder}.html").exists()
    layers = (site / "reference" / "layers.html").read_text(encoding="utf-8")
    assert "PointFlow" in layers and "max_pool_size" in layers
    package = (site / "reference" / "package.html").read_text(encoding="utf-8")
    for option in ("test_time_augmentation", "steps_per_epoch", "minimum_area"):
        assert option in package


def test_links_within_the_site_lead_somewhere(site):
    missing = []
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for target in _LINK.findall(text):
            if not (page.parent / target).exists():
                missing.append((str(page.relative_to(site)), target))
    assert not missing
