"""Presets: names, places, publishing."""

from keras_rsseg.hub.registry import list_presets
from keras_rsseg.hub.upload import upload_preset

__all__ = ["list_presets", "upload_preset"]
