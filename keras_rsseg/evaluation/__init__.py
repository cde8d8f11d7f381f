"""Scores by the papers' protocols, each named for what it measures."""

from keras_rsseg.data.pair_files import matching_files
from keras_rsseg.evaluation.evaluate import evaluate
from keras_rsseg.evaluation.evaluation_report import EvaluationReport
from keras_rsseg.evaluation.evaluation_report import check_output
from keras_rsseg.evaluation.masks import erode_boundaries
from keras_rsseg.evaluation.scene_scorer import WorstTile

__all__ = [
    "EvaluationReport",
    "WorstTile",
    "check_output",
    "erode_boundaries",
    "evaluate",
    "matching_files",
]
