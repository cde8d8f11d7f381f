"""One list of options: what it accepts, and its three interfaces."""

import inspect
import pathlib
import typing

import numpy as np
import pytest
import typer

import keras_rsseg
from keras_rsseg.cli.predict import predict
from keras_rsseg.errors import ArgumentError
from keras_rsseg.options import fields
from keras_rsseg.scene_options import GROUPS
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scene_options import ScenesOptions

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Options that the command line leaves to the model, or names --quiet.
WITHOUT_FLAG = {"class_names", "palette", "progress"}


def test_defaults():
    options = SceneOptions(tile_size=np.int64(40))
    assert type(options.tile_size) is int
    assert options.stride == 30
    assert options.ground_sample_distance == "auto"
    assert options.view_sizes == [40]
    assert SceneOptions(tile_size=40, overlap=0).stride == 40
    # The last one is too small to be halved as often as the others.
    assert SceneOptions(scales=(0.5, 1, 0.01)).view_sizes == [256, 512, 32]


class TestChecks:
    @pytest.mark.parametrize(
        "name, value",
        [
            ("tile_size", 0),
            ("tile_size", True),
            ("batch_size", 2.0),
            ("strip_height", 0),
            ("strip_height", "all"),
            ("overlap", 512),
            ("overlap", -1),
            ("overlap", 2.5),
            ("bands", [1.5]),
            ("nodata", "black"),
            ("alpha", "data"),
            ("pixel_size", 0),
            ("pixel_size", "large"),
            ("area_layer", ""),
            ("value_range", ("98%", "2%")),
            ("value_range", ("2%", 98)),
            ("value_range", ("2%", "101%")),
            ("ground_sample_distance", float("nan")),
            ("ground_sample_distance", "native"),
            ("resample", "always"),
            ("value_range", (3, 2)),
            ("value_range", 255),
            ("test_time_augmentation", "rotations"),
            ("scales", (-1,)),
            ("scales", ()),
            ("scales", (1, 1.01)),
            ("probabilities", 3),
            ("uncertainty", True),
            ("uncertainty_kind", "doubt"),
            ("raster_dtype", "float64"),
            ("class_names", ["a", "a"]),
            ("palette", [(0, 0, 300)]),
            ("overwrite", "no"),
            ("minimum_area", -1),
            ("simplify", float("inf")),
        ],
    )
    def test_bad_values_are_named(self, name, value):
        with pytest.raises(ArgumentError, match=f"`{name}`"):
            ScenesOptions(**{name: value})

    def test_values_that_are_fine(self):
        options = SceneOptions(
            bands="red",
            nodata=float("nan"),
            value_range=np.array([0, 3000]),
            scales=[1, 2],
            palette=keras_rsseg.data.Palette([(0, 0, 9), (1, 2, 3)]),
            resume=1,
        )
        assert options.bands == ["red"]
        assert options.value_range == (0.0, 3000.0)
        assert options.palette == [(0, 0, 9), (1, 2, 3)]
        assert options.resume is True
        assert SceneOptions(value_range="2%, 98 %").value_range == (
            "2%",
            "98 %",
        )
        assert SceneOptions(nodata="none", alpha="none").alpha == "none"
        assert SceneOptions(bands=(3, 2)).bands == [3, 2]

    def test_variance_needs_several_views(self):
        wanted = {"uncertainty": "u.tif", "uncertainty_kind": "variance"}
        with pytest.raises(ArgumentError, match="needs several views"):
            SceneOptions(**wanted)
        SceneOptions(**wanted, test_time_augmentation="flips")
        SceneOptions(**wanted, scales=(0.5, 1))
        SceneOptions(uncertainty_kind="variance")

    def test_before_the_scene_is_opened(self, tmp_path):
        """The model is not called either."""
        with pytest.raises(ArgumentError, match="`tile_size`"):
            keras_rsseg.predict_scene(
                None, tmp_path / "no.tif", tmp_path / "map.tif", tile_size=0
            )
        with pytest.raises(ArgumentError, match="`scales`"):
            keras_rsseg.predict_scenes(None, [], scales=())

    def test_unknown_names(self, tmp_path):
        calls = [
            lambda **options: keras_rsseg.predict_scene(
                None, "scene.tif", "map.tif", **options
            ),
            lambda **options: keras_rsseg.predict_scenes(None, [], **options),
        ]
        for call in calls:
            with pytest.raises(TypeError, match="`tilesize`.*`tile_size`"):
                call(tilesize=512)
            with pytest.raises(TypeError, match="`tta`.*`test_time_augm"):
                call(tta="d4")


class Task:
    ground_sample_distance = 0.3
    class_names = ["a", "b"]


def test_what_the_model_says():
    options = SceneOptions(tile_size=64).for_model(Task())
    assert options.ground_sample_distance == 0.3
    assert options.class_names == ["a", "b"]
    assert (options.tile_size, options.palette) == (64, None)
    given = {"ground_sample_distance": None, "class_names": ["c", "d"]}
    options = SceneOptions(**given).for_model(Task())
    assert options.arguments(SceneOptions).items() >= given.items()
    assert SceneOptions().for_model(len).ground_sample_distance is None


class TestFaces:
    """All have the same options, with the same defaults and help."""

    @pytest.mark.parametrize(
        "function, options, own",
        [
            (
                keras_rsseg.predict_scene,
                SceneOptions,
                ["model", "source", "destination"],
            ),
            (
                keras_rsseg.predict_scenes,
                ScenesOptions,
                ["model", "jobs", "report"],
            ),
        ],
    )
    def test_python(self, function, options, own):
        parameters = inspect.signature(function).parameters
        assert list(parameters) == own + [f.name for f in fields(options)]
        listed, _ = function.__doc__.split("\n    Returns:")
        for field in fields(options):
            parameter = parameters[field.name]
            assert parameter.default == field.default
            assert parameter.annotation == field.type
            assert parameter.kind == parameter.KEYWORD_ONLY
            assert f"\n        {field.name}: {field.option.help[:40]}" in listed
        hints = typing.get_type_hints(function)
        assert hints["tile_size"] is int
        assert max(map(len, function.__doc__.splitlines())) <= 80

    def test_command_line(self):
        command = typer.main.get_command(_app(predict))
        parameters = {each.name: each for each in command.params}
        own = {
            *("scenes", "output", "preset", "polygons", "style", "preview"),
            *("report", "quiet", "verbose", "mosaic", "attribute_table"),
            "dry_run",
        }
        listed = {field.name: field for field in fields(ScenesOptions)}
        assert parameters.keys() == own | (listed.keys() - WITHOUT_FLAG)
        for name in listed.keys() - WITHOUT_FLAG:
            field, parameter = listed[name], parameters[name]
            assert parameter.opts == [field.flag]
            assert parameter.rich_help_panel in GROUPS
            default = parameter.default
            if isinstance(default, str):
                default = field.read(default)
            assert default == field.default

    def test_flags_are_told_apart(self):
        flags = [field.flag for field in fields(ScenesOptions) if field.flag]
        assert len(set(flags)) == len(flags)

    def test_manifest(self):
        from keras_rsseg.scenes.many.scene_manifest import COLUMNS

        assert list(COLUMNS) == [
            *("bands", "nodata", "alpha", "crs", "pixel_size"),
            *("area", "area_crs", "area_layer", "crop"),
            *("ground_sample_distance", "value_range"),
        ]
        for field in COLUMNS.values():
            assert field.option.read and field.option.accepted


def _app(command):
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return app


@pytest.mark.slow
def test_type_checkers_know_the_options(tmp_path, monkeypatch):
    """And so do editors, which ask a function for them."""
    checker = pytest.importorskip("mypy.api")
    code = tmp_path / "calls.py"
    code.write_text(
        "from keras_rsseg.scenes.predict_scene import predict_scene\n"
        "from keras_rsseg.scenes.predict_scenes import predict_scenes\n"
        "result = predict_scene(0, 'a.tif', destination='b.tif', overlap=9)\n"
        "reveal_type(result.valid_share)\n"
        "predict_scene(0, 'a.tif', 'b.tif', tilesize=9)\n"
        "predict_scene(0, 'a.tif', 'b.tif', tile_size='large')\n"
        "predict_scenes(0, [], report='r.csv', resample='never')\n"
        "predict_scenes(0, [], resample='always')\n"
        "predict_scenes(0)\n"
    )
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    # With the settings and the cache of mypy's run on the package, this is one
    # more file.
    settings = ["--config-file", str(ROOT / "pyproject.toml")]
    cache = ["--cache-dir", str(ROOT / ".mypy_cache")]
    told, _, _ = checker.run(
        [*settings, *cache, "--follow-imports=silent", str(code)]
    )
    errors = [line for line in told.splitlines() if ": error: " in line]
    places = [error.split(": ")[0] for error in errors]
    assert places == [f"calls.py:{line}" for line in (5, 6, 8, 9)], told
    assert 'calls.py:4: note: Revealed type is "float"' in told
    assert 'did you mean "tile_size"?' in told
