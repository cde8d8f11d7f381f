"""Map many scenes on many machines, with Apache Beam."""

try:
    import apache_beam  # noqa: F401
except ImportError as error:
    raise ImportError(
        "keras_rsseg.beam needs Apache Beam: pip install 'keras-rsseg[beam]'"
    ) from error

from keras_rsseg.beam.predict_scenes import PredictScenes
from keras_rsseg.beam.predict_scenes import WriteReport
from keras_rsseg.beam.predict_scenes import run_scenes

__all__ = ["PredictScenes", "WriteReport", "run_scenes"]
