"""`python -m keras_rsseg.cli`."""

from keras_rsseg.cli import app

app()
