"""The options of a training as a file."""

import numpy as np
import pytest

from keras_rsseg.data import Palette
from keras_rsseg.errors import ArgumentError
from keras_rsseg.training.labelled_parts import LabelledParts
from keras_rsseg.training.training_settings import keep_settings
from keras_rsseg.training.training_settings import read_config
from keras_rsseg.training.training_settings import settings_of
from keras_rsseg.training.training_settings import write_config
from keras_rsseg.training_options import TrainingOptions


def test_a_file_gives_back_what_was_given(tmp_path):
    given = {"ids": {255: 1, "roof": 2}, "seed": 3, "bands": [1, "nir"]}
    settings = settings_of(
        tmp_path / "images", ["a.tif", "b.tif"], TrainingOptions(**given)
    )
    write_config(tmp_path / "training.yaml", settings)
    found = read_config(tmp_path / "training.yaml")
    assert found == {
        "images": str(tmp_path / "images"),
        "masks": ["a.tif", "b.tif"],
        **given,
    }
    assert TrainingOptions.of({k: found[k] for k in given}).seed == 3


def test_a_palette_is_written_out(tmp_path):
    palette = Palette([(0, 0, 0), (255, 0, 0)], names=["a", "b"], tolerance=9)
    settings = settings_of("a", "b", TrainingOptions(palette=palette))
    write_config(tmp_path / "training.yaml", settings)
    found = read_config(tmp_path / "training.yaml")["palette"]
    assert Palette(**found).tolerance == 9


def test_arrays_are_told_apart_by_shape():
    options = TrainingOptions()
    one, other = (np.zeros((n, 8, 8, 3)) for n in (1, 2))
    assert settings_of(one, one, options) != settings_of(other, one, options)


def parts_of(images, masks, held_out=()):
    return LabelledParts((images, masks), (list(held_out),) * 2, None, "", {})


class TestWhatImagesHold:
    def stop_and_go_on(self, path, before, after):
        for parts in (before, after):
            keep_settings(path / "settings.json", {"seed": 1}, parts)

    def test_arrays(self, tmp_path):
        one = np.zeros((2, 8, 8, 3), "uint8")
        other = one.copy()
        self.stop_and_go_on(
            tmp_path, parts_of(one, [one]), parts_of(other, [one])
        )
        other[1, 3, 3] = 7
        with pytest.raises(ArgumentError, match="what images and masks hold"):
            self.stop_and_go_on(
                tmp_path, parts_of(one, [one]), parts_of(other, [one])
            )

    @pytest.mark.parametrize("name", ["image.tif", "mask.tif"])
    def test_files(self, tmp_path, name):
        files = [tmp_path / "image.tif", tmp_path / "mask.tif"]
        for path in files:
            path.write_bytes(b"one")
        parts = parts_of(files[:1], files[1:])
        block = f"vrt://{files[0]}?srcwin=0,0,8,8"
        blocks = parts_of([block], files[1:])
        self.stop_and_go_on(tmp_path / ".", parts, parts)
        (tmp_path / "settings.json").unlink()
        keep_settings(tmp_path / "settings.json", {}, blocks)
        (tmp_path / name).write_bytes(b"two")
        with pytest.raises(ArgumentError, match="what images and masks hold"):
            keep_settings(tmp_path / "settings.json", {}, blocks)


def test_what_is_no_option_is_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("tile_sice: 3")
    with pytest.raises(ArgumentError, match="Did you mean tile_size"):
        read_config(path)
