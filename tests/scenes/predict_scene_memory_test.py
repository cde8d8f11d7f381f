"""Memory is that of a section and a strip, not that of a scene."""

import os
import subprocess
import sys
import textwrap

import pytest

from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

SCRIPT = """
    import resource, sys
    from keras_rsseg.scenes.predict_scene import predict_scene
    from tests.scenes.scene_files import threshold_model

    predict_scene(
        threshold_model, sys.argv[1], sys.argv[1] + ".tif", progress=False
    )
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
BAND = """
  <VRTRasterBand dataType="Byte" band="{band}">
    <NoDataValue>0</NoDataValue>
    <SimpleSource>
      <SourceFilename relativeToVRT="1">part.tif</SourceFilename>
      <SourceBand>{band}</SourceBand>
      <SrcRect xOff="0" yOff="0" xSize="800" ySize="800"/>
      <DstRect xOff="{offset}" yOff="{offset}" xSize="800" ySize="800"/>
    </SimpleSource>
  </VRTRasterBand>
"""


def peak_megabytes(folder, side):
    """Predict a scene with 800 x 800 pixels of data, and return the peak
    memory of the process."""
    path = folder / f"{side}.vrt"
    bands = "".join(
        BAND.format(band=band, offset=(side - 800) // 2) for band in (1, 2, 3)
    )
    path.write_text(
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}">'
        "<SRS>EPSG:32632</SRS>"
        "<GeoTransform>500000, 0.5, 0, 5000000, 0, -0.5</GeoTransform>"
        f"{bands}</VRTDataset>"
    )
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.slow
def test_a_scene_of_60000_by_60000_pixels(tmp_path):
    """Its sums alone would take 72 GB, its map 3.6."""
    pytest.importorskip("resource")
    write_scene(tmp_path / "part.tif", random_scene(800, 800))
    peaks = {
        side: peak_megabytes(tmp_path, side) for side in (1_000, 12_000, 60_000)
    }
    # Measured: 159, 257 and 331 MB. A small scene has no full section; GDAL's
    # index and overviews of the map take what the large one has more.
    assert peaks[60_000] < 1.5 * peaks[12_000], peaks
    assert peaks[60_000] < peaks[1_000] + 300, peaks
