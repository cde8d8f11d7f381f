"""Presets: names, places, publishing."""

from keras_rsseg.hub.registry import list_presets

__all__ = ["list_presets"]
