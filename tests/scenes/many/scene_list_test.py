"""Which scenes are meant, and which map belongs to which."""

import os
import pathlib

import pytest
import rasterio
import rasterio.shutil

from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.many.scene_job import check_outputs
from keras_rsseg.scenes.many.scene_list import check_scenes
from keras_rsseg.scenes.many.scene_list import is_several
from keras_rsseg.scenes.many.scene_list import list_scenes
from keras_rsseg.scenes.many.scene_manifest import read_manifest
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder with the files named by a test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names):
    for name in names:
        path = pathlib.Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def listed(sources, output="maps"):
    return {
        job.source: str(job.destination) for job in list_scenes(sources, output)
    }


class TestFiles:
    def test_maps_are_named_after_their_scenes(self, here):
        touch("in/a.tif", "b.jp2", "2024.05", "c.TIFF")
        assert listed(["in/a.tif", "b.jp2", "2024.05", "c.TIFF"]) == {
            "in/a.tif": "maps/a.tif",
            "b.jp2": "maps/b.tif",
            "2024.05": "maps/2024.05.tif",
            "c.TIFF": "maps/c.tif",
        }

    def test_urls_are_not_looked_for(self, here):
        assert listed(
            ["https://host/x.tif?token=a/b", "/vsizip/in.zip/y.png"]
        ) == {
            "https://host/x.tif?token=a/b": "maps/x.tif",
            "/vsizip/in.zip/y.png": "maps/y.tif",
        }

    def test_a_file_that_is_missing(self, here):
        touch("a.tif")
        with pytest.raises(FileNotFoundError, match="no file b.tif"):
            list_scenes(["a.tif", "b.tif"], "maps")
        touch("harbour.tif")
        with pytest.raises(FileNotFoundError) as caught:
            list_scenes(["harbor.tif", "a.tif", "x/y.tif"], "maps")
        assert str(caught.value) == (
            "`source`: there is no file harbor.tif. Did you mean harbour.tif?; "
            "there is no file x/y.tif"
        )

    def test_one_path_is_a_list_of_one(self, here):
        touch("in/a.tif")
        assert listed("in/a.tif") == {"in/a.tif": "maps/a.tif"}
        assert listed(here / "in") == {str(here / "in/a.tif"): "maps/a.tif"}

    def test_named_twice_is_mapped_once(self, here):
        touch("in/a.tif", "in/b.tif")
        sources = ["in/a.tif", "in", "./in/../in/b.tif"]
        assert list(listed(sources)) == ["in/a.tif", "in/b.tif"]

    def test_no_folder_to_write_to(self, here):
        touch("a.tif", "b.tif")
        with pytest.raises(ValueError, match="`output`"):
            list_scenes(["a.tif", "b.tif"])
        with pytest.raises(ValueError, match="no scene"):
            list_scenes([], "maps")


class TestFolders:
    def test_sub_folders_are_kept(self, here):
        touch("in/a/x.tif", "in/b/x.tif", "in/y.png")
        assert listed(["in"]) == {
            "in/y.png": "maps/y.tif",
            "in/a/x.tif": "maps/a/x.tif",
            "in/b/x.tif": "maps/b/x.tif",
        }

    def test_others_are_passed_over_with_a_line(self, here, caplog):
        touch("in/x.tif", "in/x.tif.aux.xml", "in/notes.txt", "in/.x.tif")
        touch("in/.hidden/y.tif")
        assert list(listed(["in"])) == ["in/x.tif"]
        (record,) = caplog.records
        assert "in, not rasters" in record.getMessage()
        assert "notes.txt, x.tif.aux.xml" in record.getMessage()
        assert ".x.tif" not in record.getMessage()

    def test_many_others_are_counted(self, here, caplog):
        touch("in/x.tif", *(f"in/{i}.txt" for i in range(9)))
        listed(["in"])
        assert "4.txt and 4 more" in caplog.text

    def test_maps_of_a_run_before_are_no_scenes(self, here):
        touch("in/x.tif", "in/maps/x.tif")
        assert list(listed(["in"], "in/maps")) == ["in/x.tif"]
        assert list(listed(["in/**/*.tif"], "in/maps")) == ["in/x.tif"]

    def test_scenes_within_the_output_are_scenes(self, here):
        touch("maps/in/x.tif")
        assert listed(["maps/in"]) == {"maps/in/x.tif": "maps/x.tif"}

    def test_a_folder_without_rasters(self, here, caplog):
        touch("in/notes.txt")
        with pytest.raises(FileNotFoundError, match="no rasters in in"):
            list_scenes(["in"], "maps")


class TestPatterns:
    def test_folders_after_the_first_wildcard_are_kept(self, here):
        touch("in/2023/a/x.tif", "in/2024/a/x.tif", "in/2024/b/x.png")
        assert listed(["in/20*/a/*.tif"]) == {
            "in/2023/a/x.tif": "maps/2023/a/x.tif",
            "in/2024/a/x.tif": "maps/2024/a/x.tif",
        }
        assert len(listed(["in/**/*"])) == 3
        assert listed(["in/2024/b/*.png"]) == {"in/2024/b/x.png": "maps/x.tif"}

    def test_a_suffix_that_is_asked_for_is_a_raster(self, here):
        touch("in/x.dat", "in/y.txt")
        assert listed(["in/*.dat"]) == {"in/x.dat": "maps/x.dat.tif"}

    def test_a_name_with_brackets_is_a_name(self, here):
        touch("scene[1].tif")
        assert listed(["scene[1].tif"]) == {"scene[1].tif": "maps/scene[1].tif"}

    def test_nothing_matches(self, here):
        with pytest.raises(FileNotFoundError, match="no rasters in"):
            list_scenes(["in/*.tif"], "maps")


class TestManifests:
    def write(self, text, name="in/list.csv", encoding="utf-8"):
        path = pathlib.Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=encoding)
        return name

    def test_paths_and_options(self, here):
        manifest = self.write(
            "scene,output,bands,nodata,area,ground_sample_distance,value_range\n"
            'a/x.tif,one/x.tif,"4,3,2",0,fields.gpkg,0.5,0;10000\n'
            "b/x.jp2,,nir;red,nan,POLYGON ((0 0)),native,\n"
            f"{here}/y.tif,{here}/z.tif,,,,auto,\n"
            "https://host/u.tif,,,border,,,\n"
        )
        jobs = list_scenes([manifest], "maps")
        assert [job.source for job in jobs] == [
            "in/a/x.tif",
            "in/b/x.jp2",
            f"{here}/y.tif",
            "https://host/u.tif",
        ]
        assert [str(job.destination) for job in jobs] == [
            "maps/one/x.tif",
            "maps/x.tif",
            f"{here}/z.tif",
            "maps/u.tif",
        ]
        assert jobs[0].options == {
            "bands": ["4", "3", "2"],
            "nodata": 0.0,
            "area": "in/fields.gpkg",
            "ground_sample_distance": 0.5,
            "value_range": (0.0, 10000.0),
        }
        options = jobs[1].options
        assert options.pop("nodata") != 0
        assert options == {
            "bands": ["nir", "red"],
            "area": "POLYGON ((0 0))",
            "ground_sample_distance": None,
        }
        assert jobs[2].options == {"ground_sample_distance": "auto"}
        assert jobs[3].options == {"nodata": "border"}

    def test_maps_lie_beside_it_without_a_folder(self, here):
        manifest = self.write("output,scene\nmaps/x.tif,x.tif\n,y.tif\n")
        assert listed([manifest], None) == {
            "in/x.tif": "in/maps/x.tif",
            "in/y.tif": "in/y.tif",
        }

    def test_as_excel_writes_it(self, here):
        manifest = self.write(
            "scene,output\r\nx.tif,\r\n", encoding="utf-8-sig"
        )
        assert list(listed([manifest])) == ["in/x.tif"]

    @pytest.mark.parametrize(
        "text, match",
        [
            ("scene,colour\nx.tif,red\n", "'colour'"),
            ("scene;colour\nx.tif;red\n", "'colour' is none of these"),
            ("scene,scene\nx.tif,y.tif\n", "each once"),
            ("output\nx.tif\n", "column scene"),
            ("", "column scene"),
            ("scene\n", "lists no scene"),
            ("scene,bands\nx.tif,4,3,2\n", "line 2.*in quotes"),
            ("scene,bands\nx.tif\n", "line 2.*as many cells"),
            ("scene,output\nx.tif,\n,y.tif\n", "line 3.*names no scene"),
            ("scene,nodata\n,1\nx.tif,red\n", "(?s)line 2.*line 3"),
            (
                "scene,nodata\nx.tif,black\n",
                "line 2: `nodata` must be a number",
            ),
            ("scene,bands\nx.tif,1;;2\n", "line 2: `bands` must be band"),
            (
                "scene,value_range\nx.tif,9\n",
                "line 2: `value_range` must be t",
            ),
            ("scene,ground_sample_distance\nx.tif,fine\n", "auto, native or"),
            ('scene\n"x.tif\n', "is not CSV"),
        ],
    )
    def test_errors_name_the_line(self, here, text, match):
        with pytest.raises(ValueError, match=match):
            list_scenes([self.write(text)], "maps")

    def test_a_manifest_that_is_missing(self, here):
        with pytest.raises(FileNotFoundError, match="no manifest list.csv"):
            list_scenes(["list.csv"], "maps")
        self.write("scène\n", encoding="latin-1")
        with pytest.raises(ValueError, match="columns: 'scène'"):
            list_scenes(["in/list.csv"], "maps")
        pathlib.Path("in/list.csv").write_bytes(b"PK\3\4\0\0")
        with pytest.raises(ValueError, match="is not CSV.*a workbook"):
            list_scenes(["in/list.csv"], "maps")

    def test_as_excel_writes_it_where_the_comma_is_for_decimals(self, here):
        touch("in/sub/süd.tif")
        manifest = self.write(
            "Scene;output;ground_sample_distance;value_range;bands;\r\n"
            "sub\\süd.tif;;0,5;0,1;4,3,2;\r\n"
            ";;;;;\r\n"
            "x.tif;new\\x.tif;;0,5;;\r\n",
            encoding="cp1252",
        )
        first, second = list_scenes([manifest], "maps")
        assert first.source == "in/sub/süd.tif"
        assert first.options["ground_sample_distance"] == 0.5
        assert first.options["bands"] == ["4", "3", "2"]
        assert str(second.destination) == "maps/new/x.tif"

    def test_a_text_file_of_paths(self, here):
        touch("in/a.tif", "in/c.tif")
        text = "# flight 3\na.tif\n\nmissing.tif\nhttps://host/x.tif\n"
        assert listed([self.write(text, "in/list.txt")]) == {
            "in/a.tif": "maps/a.tif",
            "in/missing.tif": "maps/missing.tif",
            "https://host/x.tif": "maps/x.tif",
        }
        # A grid of numbers is a raster.
        grid = self.write("ncols 2\nnrows 2\n", "in/grid.txt")
        assert listed([grid]) == {"in/grid.txt": "maps/grid.txt.tif"}


class TestOutputs:
    def test_two_scenes_of_one_map(self, here):
        touch("a/x.tif", "b/x.tif", "c/x.jp2", "c/x.tif")
        for sources in (["a/x.tif", "b/x.tif"], ["a", "b"], ["c"]):
            with pytest.raises(ValueError, match="written twice") as caught:
                list_scenes(sources, "maps")
            assert "maps/x.tif" in str(caught.value)
            assert "x.tif" in str(caught.value)
        assert '"c/*.jp2"' in str(caught.value)

    def test_files_beside_the_map(self):
        job = SceneJob("a.jp2", pathlib.Path("maps/a.b.tif"), {"nodata": 0})
        full = job.with_endings(
            style=True,
            probabilities="_prob.tif",
            uncertainty=None,
            polygons=".gpkg",
            preview=".png",
        )
        assert list(map(str, full.outputs())) == [
            "maps/a.b.tif",
            "maps/a.b_prob.tif",
            "maps/a.b.gpkg",
            "maps/a.b.png",
            "maps/a.b.qml",
        ]
        assert full.options["nodata"] == 0
        assert job.options == {"nodata": 0}
        assert job.outputs() == [pathlib.Path("maps/a.b.tif")]

    def test_a_map_and_another_scenes_probabilities(self, here):
        touch("in/x.tif", "in/x_prob.tif")
        jobs = list_scenes(["in"], "maps")
        with pytest.raises(ValueError, match="x_prob.tif would be"):
            check_outputs(
                [job.with_endings(probabilities="_prob.tif") for job in jobs]
            )
        with pytest.raises(ValueError, match=os.path.join("maps", "x.tif")):
            check_outputs([jobs[0].with_endings(uncertainty=".tif")])


class TestOtherRasters:
    """Names that are not files with the suffix of a raster."""

    def test_bands_in_several_files(self, here):
        touch(
            "in/T32UPU_B04_10m.jp2", "in/T32UPU_B03_10m.jp2", "a.tif", "b.tif"
        )
        stack = "in/T32UPU_B04_10m.jp2+T32UPU_B03_10m.jp2"
        assert listed([stack, "a.tif+b.tif"]) == {
            stack: "maps/T32UPU.tif",
            "a.tif+b.tif": "maps/a.tif",
        }
        with pytest.raises(FileNotFoundError, match="no file c.tif"):
            list_scenes(["a.tif+c.tif"], "maps")
        assert not is_several(stack)

    def test_bands_in_several_files_of_a_manifest(self, here):
        touch("in/a.tif", "in/b.tif")
        pathlib.Path("in/list.csv").write_text(
            "scene,output\na.tif+b.tif,map.tif\nGTIFF_DIR:2:a.tif,\n"
        )
        assert listed(["in/list.csv"]) == {
            "in/a.tif+in/b.tif": "maps/map.tif",
            "GTIFF_DIR:2:in/a.tif": "maps/a_2.tif",
        }
        job, page = (job.absolute() for job in list_scenes(["in/list.csv"]))
        assert job.source == f"{here}/in/a.tif+{here}/in/b.tif"
        assert page.source == f"GTIFF_DIR:2:{here}/in/a.tif"

    def test_a_layer_of_an_area(self, here):
        touch("a.tif", "plan.gpkg")
        pathlib.Path("list.csv").write_text(
            "scene,area,area_layer\na.tif,plan.gpkg|layername=plots,\n"
            "a.tif,plan.gpkg,plots\n"
        )
        jobs = [
            SceneJob("a.tif", pathlib.Path("a.tif"), options)
            for _, _, options in read_manifest("list.csv")
        ]
        first, second = (job.absolute().options for job in jobs)
        assert first == {"area": f"{here}/plan.gpkg|layername=plots"}
        assert second == {"area": f"{here}/plan.gpkg", "area_layer": "plots"}

    def test_a_map_of_each_extent(self, here):
        """Switches and words as written by people and spreadsheets."""
        touch("a.tif")
        pathlib.Path("list.csv").write_text(
            "scene,output,crop,nodata\na.tif,b.tif,FALSE,Border\n"
            "a.tif,c.tif,yes,NONE\na.tif,d.tif,,\na.tif,e.tif,0,0\n"
        )
        options = [job.options for job in list_scenes(["list.csv"])]
        assert options == [
            {"crop": False, "nodata": "border"},
            {"crop": True, "nodata": "none"},
            {},
            {"crop": False, "nodata": 0},
        ]
        pathlib.Path("list.csv").write_text("scene,crop\na.tif,perhaps\n")
        with pytest.raises(
            ValueError, match="line 2: `crop` must be yes or no"
        ):
            list_scenes(["list.csv"])

    def test_parts_of_files(self, here):
        touch("in/ocean.nc", "in/scan.tif")
        assert listed(
            ['NETCDF:"in/ocean.nc":sst', "GTIFF_DIR:2:in/scan.tif"]
        ) == {
            'NETCDF:"in/ocean.nc":sst': "maps/ocean_sst.tif",
            "GTIFF_DIR:2:in/scan.tif": "maps/scan_2.tif",
        }

    def convert(self, path, driver):
        scene = pathlib.Path("all.tif")
        write_scene(scene, random_scene(40, 60), photometric="rgb")
        path = pathlib.Path(path)
        path.parent.mkdir(exist_ok=True)
        try:
            rasterio.shutil.copy(scene, path, driver=driver)
        except rasterio.errors.RasterioError:
            pytest.skip(f"GDAL here writes no {driver}")
        scene.unlink()

    @pytest.mark.parametrize(
        "name, driver",
        [
            ("scene.zarr", "Zarr"),
            ("scene.gpkg", "GPKG"),
            ("scene.mbtiles", "MBTiles"),
            ("scene", "ENVI"),
            ("scene.dat", "ENVI"),
        ],
    )
    def test_by_name_and_in_a_folder(self, here, name, driver):
        self.convert(f"in/{name}", driver)
        plain = "scene.dat.tif" if name.endswith(".dat") else "scene.tif"
        for sources in (["in"], [f"in/{name}"]):
            assert listed(sources) == {f"in/{name}": f"maps/{plain}"}
        assert not is_several(f"in/{name}") and is_several("in")
        assert check_scenes(list_scenes(["in"], "maps")) == {}

    def test_vectors_in_the_same_formats_are_none(self, here, caplog):
        shapely = pytest.importorskip("shapely")
        pyogrio = pytest.importorskip("pyogrio")
        touch("in/a.tif", "in/notes.hdr", "in/notes.txt", "in/b.mbtiles")
        pyogrio.raw.write(
            "in/plots.gpkg",
            shapely.to_wkb([shapely.box(0, 0, 1, 1)]),
            field_data=[],
            fields=[],
            geometry_type="Polygon",
            crs="EPSG:4326",
        )
        assert listed(["in"]) == {"in/a.tif": "maps/a.tif"}
        assert "plots.gpkg" in caplog.text and "notes.txt" in caplog.text
