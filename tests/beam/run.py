"""`python -m tests.beam.run FOLDER OUTPUT [beam options]`: maps of scenes."""

import sys

from apache_beam.options.pipeline_options import PipelineOptions

from keras_rsseg.beam import run_scenes
from keras_rsseg.scenes.many.scene_list import list_scenes
from tests.beam.models import load_model

# Small blocks, so that there are many.
OPTIONS = {"tile_size": 32, "strip_height": 32, "unit_blocks": 2}

if __name__ == "__main__":
    folder, output, *beam_options = sys.argv[1:]
    report = run_scenes(
        load_model,
        list_scenes([folder], output),
        f"{output}/report.csv",
        PipelineOptions(beam_options),
        **OPTIONS,
    )
    print(report.to_text())
    sys.exit(bool(report.bad))
