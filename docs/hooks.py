"""MkDocs configuration besides `mkdocs.yml`: pages made from the code.

The reference has a page for every subpackage, with its public names, and the
page of each network is found in `docs/systems`. Neither has to be listed by
hand.
"""

import pathlib
from typing import Any

from mkdocs.structure.files import File
from mkdocs.structure.files import Files
from mkdocs.structure.files import InclusionLevel

ROOT = pathlib.Path(__file__).parents[1]
# Pictures from elsewhere in the repository.
PICTURES = {
    "images/harbour_map.jpg": "examples/data/harbour_map.jpg",
    "images/river_map.jpg": "examples/data/river_map.jpg",
    # Beside the page that includes `benchmarks/RESULTS.md`.
    "growth.svg": "benchmarks/growth.svg",
}


def on_config(config: Any) -> Any:
    """List the generated pages in the navigation."""
    from docs.make_pages import reference_rooms
    from keras_rsseg.systems import SYSTEMS

    for entry in config.nav:
        if "Networks" in entry:
            pages = [{name: f"systems/{f}.md"} for name, f in SYSTEMS.items()]
            entry["Networks"] += pages
        if "Reference" in entry:
            entry["Reference"] = ["reference/index.md"] + [
                {room or "keras_rsseg": f"reference/{room or 'package'}.md"}
                for room in reference_rooms()
            ]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the reference, and pictures from elsewhere."""
    from docs.make_pages import reference_index
    from docs.make_pages import reference_page
    from docs.make_pages import reference_rooms

    pages = {"index": reference_index()} | {
        room or "package": reference_page(room) for room in reference_rooms()
    }
    for name, text in pages.items():
        path = f"reference/{name}.md"
        files.append(File.generated(config, path, content=text))
    for place, path in PICTURES.items():
        source = str(ROOT / path)
        files.append(File.generated(config, place, abs_src_path=source))
    for source in sorted((ROOT / "examples" / "results").glob("*.md")):
        page = File.generated(
            config, f"results/{source.name}", abs_src_path=str(source)
        )
        # Reached from the pages about presets and papers.
        page.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(page)
    return files
