"""The id of mask pixels without a label, in every room of the package."""

VOID = 255
