"""A map in QGIS, as a picture: it proves the style file as well.

    python -m docs.draw_qgis

maps `examples/data/harbour.tif` with `--style`, opens scene and map in QGIS on
a virtual screen and writes `docs/images/qgis.jpg`. The run fails unless QGIS
itself lists every class of the map by its name and colour. Needs QGIS, Xvfb
and ImageMagick (on Debian: `apt install qgis xvfb imagemagick`).
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import rasterio

from keras_rsseg.scenes.maps.class_map import hex_color
from keras_rsseg.scenes.maps.class_map import read_legend

ROOT = pathlib.Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "qgis.jpg"
SCENE = ROOT / "examples" / "data" / "harbour.tif"
_WIDTH, _HEIGHT = 1280, 800
_SECONDS = 600

# What QGIS runs when it is up. It leaves by force: its own end asks questions.
_IN_QGIS = """
import json, os, subprocess
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface

scene = QgsRasterLayer({scene!r}, "harbour, the scene")
layer = QgsRasterLayer({map!r}, "harbour, the map")
layer.setOpacity(0.6)
QgsProject.instance().addMapLayers([layer, scene])
iface.mapCanvas().setExtent(layer.extent())
for dock in iface.mainWindow().findChildren(QDockWidget):
    if dock.objectName() != "Layers":
        dock.hide()
# There is no window manager to maximise it.
iface.mainWindow().setGeometry(0, 0, {width}, {height})
entries = [
    (label, color.name()) for label, color in layer.legendSymbologyItems()
]
with open({told!r}, "w") as file:
    json.dump(entries, file)


def leave():
    command = ["import", "-window", "root", "-quality", "88", {picture!r}]
    subprocess.run(command)
    os._exit(0)


QTimer.singleShot(8000, leave)
"""


def legend_of(path: pathlib.Path) -> list[list[str]]:
    """Return names and colours of a map's classes, as the package reads them.

    Args:
        path: of the map.
    """
    with rasterio.open(path) as raster:
        legend = read_legend(raster)
    return [
        [name, hex_color(color)]
        for name, color in zip(legend.names, legend.colors, strict=True)
    ]


def draw(folder: pathlib.Path, picture: pathlib.Path) -> list[list[str]]:
    """Map the sample, open it in QGIS, and take the picture.

    Args:
        folder: for the map and for QGIS' own settings.
        picture: path to write.

    Returns:
        Name and colour of each entry of QGIS' legend.
    """
    path = folder / "harbour_map.tif"
    predict = [sys.executable, "-m", "keras_rsseg.cli", "predict", str(SCENE)]
    run([*predict, "--output", str(path), "--style", "--quiet"])
    told = folder / "legend.json"
    code = folder / "in_qgis.py"
    code.write_text(
        _IN_QGIS.format(
            scene=str(SCENE),
            map=str(path),
            told=str(told),
            picture=str(picture),
            width=_WIDTH,
            height=_HEIGHT,
        )
    )
    screen = ["xvfb-run", "-a", "-s", f"-screen 0 {_WIDTH}x{_HEIGHT}x24"]
    qgis = ["qgis", "--nologo", "--noversioncheck", "--noplugins"]
    own = ["--profiles-path", str(folder / "profile"), "--code", str(code)]
    run([*screen, *qgis, *own], XDG_RUNTIME_DIR=str(folder))
    return json.loads(told.read_text())


def run(command: list[str], **environment: str) -> None:
    """Run a command; what it printed is shown if it fails."""
    options: dict[str, Any] = {"capture_output": True, "text": True}
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        timeout=_SECONDS,
        cwd=ROOT,
        **options,
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")


def main() -> None:
    """Draw, and compare QGIS' legend with the map's."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shown = draw(folder, PICTURE)
        expected = legend_of(folder / "harbour_map.tif")
    missing = [entry for entry in expected if entry not in shown]
    if missing:
        raise SystemExit(f"QGIS shows {shown}, without {missing}")
    print(f"{PICTURE}, with {', '.join(name for name, _ in expected)}")


if __name__ == "__main__":
    main()
