"""A name, a folder or a handle leads to one folder, or to what to do."""

import pytest

import keras_rsseg
from keras_rsseg.hub import registry
from keras_rsseg.hub.preset_folder import resolve_preset


def test_names_and_folders_are_resolved(presets, tmp_path):
    registry.register_presets(
        {
            "far": {"handle": "hf://org/far"},
            "near": {"handle": "package://folder"},
        }
    )
    folder, downloaded = resolve_preset("near")
    assert folder.as_posix().endswith("keras_rsseg/presets/folder")
    assert not downloaded
    assert resolve_preset(tmp_path) == (tmp_path, False)
    with pytest.raises(ValueError, match="far, near.*'fat'. Did you mean far?"):
        resolve_preset("fat")
    with pytest.raises(ValueError, match="must be hf://org/name"):
        resolve_preset("hf://name")
    with pytest.raises(ValueError, match="`revision` is for presets on the"):
        resolve_preset(tmp_path, "v1")


def test_a_slip_in_a_name_is_pointed_out():
    with pytest.raises(
        ValueError, match="Did you mean hrnet_ifwm_w18_land_cover"
    ):
        keras_rsseg.from_preset("hrnet_iwfm_w18_land_cover")
