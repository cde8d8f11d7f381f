"""Which files in a folder are scenes, and which are not."""

import os
import pathlib

import pytest

from keras_rsseg.scenes.many.scene_list import list_scenes
from keras_rsseg.scenes.predict_scenes import predict_scenes
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names):
    for name in names:
        path = pathlib.Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def listed(sources, output="maps"):
    return [job.source for job in list_scenes(sources, output)]


class TestLinks:
    def test_linked_folders_are_followed(self, here):
        touch("archive/2024/a.tif", "scenes/2025/b.tif")
        os.symlink("../archive/2024", "scenes/2024")
        assert listed(["scenes"]) == ["scenes/2024/a.tif", "scenes/2025/b.tif"]
        assert listed(["scenes/**/*.tif"]) == listed(["scenes"])
        assert "archive/2024/a.tif" in listed(["**/*.tif"])

    def test_each_once(self, here):
        """A link to a folder above would never end."""
        touch("scenes/2024/a.tif")
        os.symlink("..", "scenes/2024/up")
        os.symlink("2024", "scenes/newest")
        assert listed(["scenes"]) == ["scenes/2024/a.tif"]
        assert listed(["scenes/**/*.tif"]) == ["scenes/2024/a.tif"]
        os.symlink("scenes", "same")
        assert listed(["scenes", "same"]) == ["scenes/2024/a.tif"]

    def test_the_folder_of_the_maps_by_another_name(self, here):
        touch("disk/in/a.tif", "disk/in/maps/a.tif")
        os.symlink("disk/in", "in")
        assert listed(["in"], "disk/in/maps") == ["in/a.tif"]
        assert listed(["disk/in"], "in/maps") == ["disk/in/a.tif"]


class TestOwnMaps:
    @pytest.fixture
    def scenes(self, here):
        for seed, name in enumerate("ab"):
            write_scene(
                here / f"{name}.tif", random_scene(40, 30, seed), driver="GTiff"
            )
            os.rename(f"{name}.tif", f"{name}.bil")
        return here

    def run(self, sources, output, **options):
        jobs = [
            job.with_endings(
                style=True, preview=".png", probabilities="_prob.tif"
            )
            for job in list_scenes(sources, output)
        ]
        return predict_scenes(
            threshold_model, jobs, tile_size=32, progress=False, **options
        )

    @pytest.mark.parametrize("sources", [["."], ["*.*"]])
    def test_beside_their_scenes(self, scenes, sources):
        """The same command resumes."""
        self.run(sources, ".")
        for name in ("b.tif", "b.qml"):
            os.unlink(name)
        report = self.run(sources, ".", resume=True)
        assert {
            os.path.basename(o.job.source): o.status for o in report.outcomes
        } == {"a.bil": "finished before", "b.bil": "done"}

    def test_of_another_folder(self, scenes):
        self.run(["."], "maps")
        assert listed(["."], "others") == ["./a.bil", "./b.bil"]

    def test_where_a_shell_names_all(self, scenes):
        self.run(["."], ".")
        assert listed(["a.bil", "a.tif", "b.bil", "b.tif"], ".") == [
            "a.bil",
            "b.bil",
        ]
        # Given alone, it is meant.
        assert listed(["a.tif"], "maps") == ["a.tif"]

    def test_nothing_else(self, scenes):
        self.run(["."], "maps")
        with pytest.raises(FileNotFoundError, match="no rasters in maps but 6"):
            listed(["maps"], "others")


class TestPictures:
    def test_beside_an_image(self, here, caplog):
        touch("in/a.TIF", "in/a.JPG", "in/b.png", "in/c.jp2", "in/c.png")
        assert listed(["in"]) == ["in/a.TIF", "in/b.png", "in/c.jp2"]
        assert "image of the same name: a.JPG, c.png" in caplog.text

    def test_with_a_place_they_are_images(self, here):
        touch("in/a.asc", "in/a.jpg", "in/a.jgw")
        with pytest.raises(ValueError, match="written twice"):
            listed(["in"])
        assert listed(["in/*.jpg"]) == ["in/a.jpg"]


@pytest.mark.parametrize(
    "name", ["P001-BROWSE.JPG", "p001_thumb.png", "P001.quicklook.jpg"]
)
def test_pictures_to_look_through(here, name):
    """They belong to an image beside them, if they say so and have no place."""
    touch("in/P001.TIF", f"in/{name}")
    assert listed(["in"]) == ["in/P001.TIF"]
    touch("in/P002.TIF", "in/P003_east.png", "in/other-BROWSE.png")
    assert sorted(listed(["in"])) == [
        *("in/P001.TIF", "in/P002.TIF", "in/P003_east.png"),
        "in/other-BROWSE.png",
    ]
