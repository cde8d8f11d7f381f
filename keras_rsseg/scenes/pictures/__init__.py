"""From a map to pictures and styles."""
