"""Lists of scenes, and reports on them."""
