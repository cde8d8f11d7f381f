"""Names of presets are unique, complete and lead to a working model."""

import importlib
import importlib.resources
import json
import pathlib
import re
import shlex
import statistics
import subprocess
import sys

import numpy as np
import pytest
import typer

import keras_rsseg
from examples.networks import SYSTEMS
from keras_rsseg.hub import preset_folder
from keras_rsseg.hub import registry
from keras_rsseg.hub.facts import CARD_FACTS
from keras_rsseg.hub.facts import REGISTRY_FACTS
from keras_rsseg.hub.facts import check_facts
from keras_rsseg.hub.model_card import known_licence
from keras_rsseg.hub.publish import read_facts
from tests.models.segmenter_tester import for_few_steps

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse(command):
    """Return the options of a command as its own parser reads them."""
    python, option, name, *words = shlex.split(command)
    assert (python, option) == ("python", "-m")
    if name.startswith("examples."):
        # They train on tf.data pipelines.
        pytest.importorskip("tensorflow_datasets")
    module = importlib.import_module(name)
    if hasattr(module, "parse_arguments"):
        return vars(module.parse_arguments(words))
    if hasattr(module, "RECIPE"):
        recipe = importlib.import_module("examples.recipe")
        return vars(
            recipe.parse_arguments(module.__doc__, module.RECIPE, words)
        )
    app = typer.Typer()
    app.command()(module.main)
    return typer.main.get_command(app).make_context(name, words).params


def test_the_default_is_listed():
    facts = keras_rsseg.list_presets()[keras_rsseg.DEFAULT_PRESET]
    assert {"handle", "task", "description"} <= set(facts)
    assert facts["where"] == "package" and facts["available"]


def test_what_is_listed_may_be_changed():
    name = keras_rsseg.DEFAULT_PRESET
    before = keras_rsseg.list_presets()[name]
    changed = keras_rsseg.list_presets()
    changed[name]["score"]["mean_iou"] = 1
    changed[name]["handle"] = "x"
    changed.clear()
    assert keras_rsseg.list_presets()[name] == before


def test_a_name_is_given_once(presets):
    registry.register_presets({"a": {"handle": "hf://org/a"}})
    with pytest.raises(ValueError, match="'a' is taken"):
        registry.register_presets({"a": {"handle": "hf://org/b"}})
    assert presets["a"]["handle"] == "hf://org/a"


def test_a_preset_lives_somewhere(presets):
    with pytest.raises(ValueError, match="'a' has no handle"):
        registry.register_presets({"a": {"description": "nowhere"}})
    assert not presets


@pytest.mark.parametrize(
    "facts, unknown",
    [
        ({"license": "MIT"}, "license"),
        ({"how_to_get": {"download": "x"}}, "download"),
    ],
)
def test_facts_that_nobody_reads(presets, facts, unknown):
    with pytest.raises(ValueError, match=rf"unknown facts \['{unknown}'\]"):
        registry.register_presets({"a": {"handle": "hf://o/a", **facts}})
    assert not presets


def test_legends_are_written_out(presets):
    registry.register_presets(
        {
            "all": {"handle": "hf://o/all", "classes": "whu_building"},
            "most": {
                "handle": "hf://o/most",
                "classes": "whu_building",
                "ground_sample_distance": 0.1,
            },
        }
    )
    assert presets["all"]["class_names"] == ("background", "building")
    assert presets["all"]["ground_sample_distance"] == 0.3
    assert presets["most"]["ground_sample_distance"] == 0.1
    with pytest.raises(ValueError, match="`classes` must be one of.*'isaid'"):
        registry.register_presets({"a": {"handle": "hf://o/a", "classes": "x"}})


def test_all_or_none_is_registered(presets):
    good, bad = {"handle": "hf://o/good"}, {"handle": "hf://o/bad", "x": 1}
    with pytest.raises(ValueError, match="'bad' has unknown facts"):
        registry.register_presets({"good": good, "bad": bad})
    assert not presets


def test_where_a_preset_is(presets):
    entries = {
        "convert": {"how_to_get": {"train": "x", "convert": "y"}},
        "train": {"how_to_get": {"train": "x"}},
        "hub": {"published": True, "how_to_get": {"train": "x"}},
        "": {},
    }
    handle = "hf://keras-rsseg-tests/none"
    registry.register_presets(
        {name: {"handle": handle, **facts} for name, facts in entries.items()}
    )
    listed = keras_rsseg.list_presets()
    assert {name: facts["where"] for name, facts in listed.items()} == {
        name: name for name in entries
    }
    available = [name for name, facts in listed.items() if facts["available"]]
    assert available == ["hub"]


def test_names_alike_are_suggested():
    with pytest.raises(ValueError, match="Did you mean pfnet_r50_isaid"):
        registry.preset_facts("pfnet_r50_isiad")
    with pytest.raises(ValueError, match=r"name='xyz'$"):
        registry.preset_facts("xyz")


def test_listing_loads_no_framework():
    """A shell's user should not wait for one to see names."""
    code = (
        "import sys, keras_rsseg; keras_rsseg.list_presets();"
        "heavy = {'tensorflow', 'jax', 'torch', 'keras'};"
        "print(sorted(heavy & set(sys.modules)),"
        " 'keras_rsseg.models' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[]", "False"]


class TestOwnFiles:
    """How the package's JSON files are read."""

    SHARED = {
        "paper": {"dataset": "a", "score": {"by": "x", "data": "y"}},
        "other": {"dataset": "b", "how_to_get": {"train": "{training}"}},
    }

    def test_later_and_own_facts_count(self):
        entry = {
            "like": ["paper", "other"],
            "training": "train --output {name}",
            "score": {"by": "z", "mean_iou": 0.5},
        }
        facts = registry._own_facts("net", entry, self.SHARED)
        assert facts == {
            "handle": "hf://keras-rsseg/net",
            "dataset": "b",
            "training": "train --output net",
            "how_to_get": {"train": "train --output net"},
            "score": {"by": "z", "data": "y", "mean_iou": 0.5},
        }
        assert self.SHARED["paper"]["score"] == {"by": "x", "data": "y"}

    def test_texts_may_name_a_part(self):
        entry = {
            "checkpoint": {"file": "a.pth", "url": "x/{checkpoint.file}"},
            "how_to_get": {"convert": "convert {checkpoint.file}"},
        }
        facts = registry._own_facts("net", entry, {})
        assert facts["how_to_get"]["convert"] == "convert a.pth"
        assert facts["checkpoint"]["url"] == "x/a.pth"

    def test_a_name_stands_once(self):
        """A second file with it would hide the first."""
        names = [
            name
            for path in (ROOT / "keras_rsseg/models").glob("*/presets.json")
            for name in json.loads(path.read_text())
        ]
        assert len(names) == len(set(names))

    def test_unknown_like(self):
        with pytest.raises(KeyError, match="papper"):
            registry._own_facts("net", {"like": ["papper"]}, self.SHARED)

    def test_each_entry_is_needed_and_spelt_right(self):
        """Shared facts are used, and by more than one preset."""
        folder = ROOT / "keras_rsseg"
        shared = json.loads((folder / "hub/shared_presets.json").read_text())
        used = [
            like
            for path in folder.glob("models/*/presets.json")
            for entry in json.loads(path.read_text()).values()
            for like in entry.get("like", ())
        ]
        assert set(used) == set(shared)

    def test_the_files_are_package_data(self):
        """Where the package is imported from, the JSON files are."""
        root = importlib.resources.files("keras_rsseg")
        assert (root / "hub" / "shared_presets.json").is_file()
        systems = [path.name for path in (root / "models").iterdir()]
        assert "pfnet" in systems
        assert (root / "models" / "pfnet" / "presets.json").is_file()


# The aerial checkpoints that mmsegmentation released.
MMSEG = tuple(
    f"{system}_{data}"
    for system, big in (
        *((f"hrnet_w{width}", False) for width in ("18s", "18", "48")),
        *(
            (f"{system}_r{depth}", depth == 101)
            for system in ("pspnet", "deeplabv3plus")
            for depth in (18, 50, 101)
        ),
    )
    for data in ("isaid", "potsdam", "vaihingen", "loveda")
    # For iSAID there are none with a ResNet-101.
    if not (big and data == "isaid")
)
CONVERTED = (
    *("pfnet_r50_isaid", "pfnet_r101_isaid", "pfnet_r50_vaihingen"),
    *("pfnet_r50_potsdam", "semantic_fpn_r50_isaid"),
    *("semantic_fpn_r50_vaihingen", "semantic_fpn_r50_potsdam"),
    *("ccnet_r50_isaid", "danet_r50_isaid", "deeplab_v3_r50_isaid"),
    "pspnet_r50_isaid_pfsegnets",
    *("hrnet_w18_vaihingen_ifwm", "hrnet_w18_whu_building"),
    "farseg_r50_isaid",
    *MMSEG,
)
TRAINED = (
    *("hrnet_ifwm_w18_vaihingen", "hrnet_ifwm_w18_whu_building"),
    *("pfnet_r50_dubai", "semantic_fpn_r50_dubai", "hrnet_w18_dubai"),
    *("hrnet_ifwm_w18_dubai", "pfnet_hrnet_ifwm_w18_dubai"),
)
# For both papers, one that needs no network.
EMBEDDED = {
    "hrnet_ifwm_w18_land_cover": "HRNet",
    "pfnet_hrnet_ifwm_w18_land_cover": "PFNet",
}


class TestOwnPresets:
    """The package's statements about its own presets are true."""

    def test_all_systems_and_data_sets(self):
        assert set(keras_rsseg.list_presets()) == {
            *CONVERTED,
            *TRAINED,
            *EMBEDDED,
        }

    @pytest.mark.parametrize("name", [*CONVERTED, *TRAINED, *EMBEDDED])
    def test_facts(self, name):
        own = registry.registered_presets()[name]
        check_facts(own, name, REGISTRY_FACTS)
        facts = keras_rsseg.list_presets()[name]
        assert issubclass(
            getattr(keras_rsseg, facts["task"]), keras_rsseg.models.Segmenter
        )
        assert len(facts["palette"]) == len(facts["class_names"])
        assert facts["where"]
        if name not in EMBEDDED:
            assert facts["handle"] == f"hf://keras-rsseg/{name}"
        # Only the authors can have scored unreleased weights.
        if name in CONVERTED:
            assert "score" not in facts
        # A score is a measurement, with the command that repeats it.
        if "score" in facts:
            assert {"by", "command", "data"} <= set(facts["score"])
            parts = facts["score"].get("places", {"": facts["score"]})
            parts = [part for part in parts.values() if "mean_iou" in part]
            for part in parts:
                classes = part["classes"]
                assert set(classes) == set(facts["class_names"])
                mean = statistics.fmean(classes.values())
                assert part["mean_iou"] == pytest.approx(mean, abs=1e-4)
            mean = statistics.fmean(part["mean_iou"] for part in parts)
            assert facts["score"]["mean_iou"] == pytest.approx(mean, abs=1e-4)
        for key in ("dataset", "protocol", "licence", "weights_source"):
            assert facts[key], key
        assert facts["parameters"] > 1e6

    def test_legends_are_those_of_the_data_sets(self):
        datasets = pytest.importorskip("keras_rsseg.datasets")
        for facts in keras_rsseg.list_presets().values():
            # If there are several, the first states the legend.
            first = facts["dataset"].partition(", ")[0]
            known = datasets.facts(first.partition("/")[0])
            for key in (
                "class_names",
                "palette",
                "bands",
                "ground_sample_distance",
            ):
                assert facts[key] == getattr(known, key), (facts, key)

    @pytest.mark.parametrize("name", [*CONVERTED, *TRAINED, *EMBEDDED])
    def test_commands_are_understood(self, name):
        """By the commands' own parsers; nothing is run."""
        facts = keras_rsseg.list_presets()[name]
        commands = list(facts.get("how_to_get", {}).values())
        commands += [facts["training"]] if "training" in facts else []
        assert commands
        for command in commands:
            assert re.search(rf"--output {name}$", command)
            options = parse(command)
            if "--variant" in command:
                assert options["variant"] == name
            if "system" in options:
                assert options["system"] in SYSTEMS
        if "score" in facts:
            scored = parse(facts["score"]["command"])
            assert scored.get("score", *scored.get("presets", ())) == name

    def test_paper_scores_say_whose_they_are(self):
        facts = keras_rsseg.list_presets()["pfnet_r50_isaid"]
        assert facts["paper_score"]["mean_iou"] == 0.669
        assert "Li et al." in facts["paper_score"]["source"]

    @pytest.mark.parametrize("name", MMSEG)
    def test_stated_scores_say_whose_they_are(self, name):
        facts = keras_rsseg.list_presets()[name]
        stated, checkpoint = facts["stated_score"], facts["checkpoint"]
        assert stated["by"] == "mmsegmentation"
        assert 0.45 < stated["mean_iou"] < 0.8
        assert facts["dataset"] in checkpoint["file"]
        assert checkpoint["url"].endswith(f"/{checkpoint['file']}")
        assert (
            f"--checkpoint {checkpoint['file']} "
            in (facts["how_to_get"]["convert"])
        )
        # Its name would state a licence on the Hub that nobody gave.
        assert known_licence(facts["licence"]) is None

    @pytest.mark.parametrize("name", EMBEDDED)
    def test_the_embedded_could_be_published(self, name):
        folder, _ = preset_folder.resolve_preset(name)
        facts = keras_rsseg.list_presets()[name]
        card = json.loads((folder / "card.json").read_text())
        assert read_facts(folder, facts)["score"] == card["score"]
        assert card["score"]["mean_iou"] > 0.7

    @pytest.mark.parametrize("name", EMBEDDED)
    def test_the_embedded_are_described_in_their_cards_alone(self, name):
        own = registry.registered_presets()[name]
        assert not set(own) & set(CARD_FACTS)


class TestScoresOnTheSite:
    """The tables of scores match the presets' facts."""

    ROWS = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs" / "presets.md").read_text().splitlines()
        if re.match(r"\| +(\| mean IoU|`\w+_dubai` \|)", line)
    ]
    HEAD, *SCORED = ROWS

    def test_every_scored_preset_has_a_row(self):
        presets = keras_rsseg.list_presets()
        scored = {
            name
            for name, facts in presets.items()
            if "score" in facts and "places" not in facts["score"]
        }
        assert {row[0].strip("`") for row in self.SCORED} == scored
        means = [float(row[1]) for row in self.SCORED]
        assert means == sorted(means, reverse=True)

    @pytest.mark.parametrize("row", SCORED, ids=lambda row: row[0])
    def test_row(self, row):
        facts = keras_rsseg.list_presets()[row[0].strip("`")]
        cells = dict(zip(self.HEAD, row, strict=True))
        score = facts["score"]
        assert cells["mean IoU"] == f"{score['mean_iou']:.3f}"
        for name, iou in score["classes"].items():
            assert float(cells[name]) == pytest.approx(iou, abs=5.1e-4)
        assert cells["parameters"] == f"{facts['parameters'] / 1e6:.1f} M"
        assert cells["GMACs at 512 px"] == f"{facts['gmacs']:.1f}"

    @pytest.mark.parametrize("name", EMBEDDED)
    def test_row_of_an_embedded_one(self, name):
        (row,) = (
            line
            for line in (ROOT / "docs" / "presets.md").read_text().splitlines()
            if line.startswith(f"| `{name}` |")
        )
        places = keras_rsseg.list_presets()[name]["score"]["places"]
        means = [places[place]["mean_iou"] for place in ("dubai", "ohio_naip")]
        means.insert(0, statistics.fmean(means))
        readings = places["kampala"]["readings"]
        means += [readings[at]["iou"] for at in ("0.4 m", "0.8 m")]
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1:6] == [f"{mean:.3f}" for mean in means]

    def test_size_of_the_default(self):
        name = keras_rsseg.DEFAULT_PRESET
        size = keras_rsseg.list_presets()[name]["size"] / 1e6
        text = " ".join((ROOT / "docs" / "presets.md").read_text().split())
        assert (
            f"`{name}`, the default, is in the package ({size:.1f} MB)" in text
        )


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_embedded_presets_load_and_predict(name):
    task = getattr(keras_rsseg, EMBEDDED[name])
    model = for_few_steps(task.from_preset(name))
    facts = keras_rsseg.list_presets()[name]
    assert model.backbone.image_encoder.fusion == "ifwm"
    assert model.class_names == list(facts["class_names"])
    assert model.class_names == [
        "building",
        "land",
        "road",
        "vegetation",
        "water",
    ]
    assert len(model.palette) == model.num_classes == 5
    assert model.palette == list(facts["palette"])
    assert model.ground_sample_distance == facts["ground_sample_distance"]
    assert model.ground_sample_distance == 0.8
    assert model.bands == facts["bands"] == ("red", "green", "blue")
    assert 20e6 < facts["size"] < 25e6
    tiles = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), "uint8")
    logits = model.predict_on_batch(tiles)
    assert logits.shape == (1, 64, 64, 5)
    assert np.isfinite(logits).all() and np.ptp(logits) > 1
