"""The id of mask pixels without a label, in the whole package."""

VOID = 255
