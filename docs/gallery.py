"""Shows the figures that tutorials make."""

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def show_figures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the new figures among the variables of a tutorial, whether pyplot knows them or not.

    Returns the text that shows them.
    """
    paths = []
    for value in block_vars["example_globals"].values():
        if isinstance(value, Figure) and not getattr(value, "in_gallery", False):
            value.in_gallery = True  # type: ignore[attr-defined]
            paths.append(next(block_vars["image_path_iterator"]))
            value.savefig(paths[-1], dpi=110)
    return str(figure_rst(paths, gallery_conf["src_dir"]))
