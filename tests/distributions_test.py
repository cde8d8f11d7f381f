"""Distributions: valid metadata, with presets, without tests.

`.ci/run` builds the files and sets `DIST` to their folder.
"""

import os
import pathlib
import re
import tarfile
import tomllib
import zipfile

import pytest
import yaml

import keras_rsseg

ROOT = pathlib.Path(__file__).resolve().parents[1]
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = METADATA["project"]


@pytest.fixture
def built():
    folder = os.environ.get("DIST")
    if folder is None:
        pytest.skip("DIST does not name a folder of distributions")
    return pathlib.Path(folder)


class TestFiles:
    def test_the_wheel_has_the_package_and_its_presets_alone(self, built):
        (wheel,) = built.glob("*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        for name in keras_rsseg.list_presets():
            folder = ROOT / "keras_rsseg" / "presets" / name
            for path in folder.glob("*"):
                assert str(path.relative_to(ROOT)) in names
        assert "keras_rsseg/py.typed" in names
        assert "keras_rsseg/models/pfnet/presets.json" in names
        rooms = {name.split("/")[0] for name in names}
        version = keras_rsseg.__version__
        assert rooms == {"keras_rsseg", f"keras_rsseg-{version}.dist-info"}
        assert wheel.stat().st_size < 60e6

    def test_links_of_the_index_leave_the_page(self, built):
        (wheel,) = built.glob("*.whl")
        version = keras_rsseg.__version__
        name = f"keras_rsseg-{version}.dist-info/METADATA"
        text = zipfile.ZipFile(wheel).read(name).decode("utf-8")
        links = re.findall(r"\]\(([^)]+)\)", text)
        assert len(links) > 20
        assert all(link.startswith(("https://", "#")) for link in links)
        assert "https://raw.githubusercontent.com/" in text

    def test_the_source_has_what_tests_need(self, built):
        (archive,) = built.glob("*.tar.gz")
        with tarfile.open(archive) as file:
            names = {n.partition("/")[2] for n in file.getnames()}
        for name in ("tests/conftest.py", "docs/index.md", "CITATION.cff"):
            assert name in names
        unwanted = [n for n in names if ".git/" in n or "__pycache__" in n]
        assert not unwanted


def test_urls_and_licence():
    assert {"Documentation", "Issues", "Changelog"} <= set(PROJECT["urls"])
    assert PROJECT["license"] == "Apache-2.0"
    # The licence is stated once; a classifier beside it is refused.
    assert not any("License" in line for line in PROJECT["classifiers"])


def test_the_recipe_needs_what_the_package_needs():
    text = (ROOT / "conda" / "meta.yaml").read_text()
    host, _, run = text.partition("  host:\n")[2].partition("  run:\n")
    for part, needed in (
        (host, METADATA["build-system"]["requires"]),
        (run.partition("\ntest:")[0], PROJECT["dependencies"]),
    ):
        stated = {
            name.replace("_", "-"): version
            for name, version in re.findall(r"- ([\w-]+) >=([\d.]+)", part)
        }
        assert stated.pop("python") == PROJECT["requires-python"].lstrip(">=")
        assert stated == dict(line.split(">=") for line in needed)


def test_the_citation_is_yaml_with_what_is_required():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]


def test_workflows_call_what_a_desk_calls():
    for name, command in (("ci", ".ci/run"), ("nightly", ".ci/slow")):
        path = ROOT / ".github" / "workflows" / f"{name}.yml"
        (job,) = yaml.safe_load(path.read_text())["jobs"].values()
        assert job["steps"][-1]["run"] == command
        assert os.access(ROOT / command, os.X_OK)
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        assert {"name", "description", "body"} <= set(
            yaml.safe_load(path.read_text())
        )


def test_the_image_copies_what_exists():
    text = (ROOT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists()
