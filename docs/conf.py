"""The site: `make docs` builds it, runs every tutorial, and fails on any warning."""

import os
import sys
from pathlib import Path

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

from sparseeg import __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])

import diagrams  # noqa: E402

diagrams.draw(HERE / "_static" / "drawn")




class FigureScraper:
    """Shows each figure that a part of a tutorial has made, whether pyplot knows it or not."""

    def __init__(self) -> None:
        self.shown: set[int] = set()

    def __repr__(self) -> str:
        return "FigureScraper"

    def __call__(self, block, block_vars, gallery_conf) -> str:
        """Save the new figures among the variables, and return the text that shows them."""
        paths = []
        for value in block_vars["example_globals"].values():
            if isinstance(value, Figure) and id(value) not in self.shown:
                self.shown.add(id(value))
                path = next(block_vars["image_path_iterator"])
                value.savefig(path, dpi=110)
                paths.append(path)
        return figure_rst(paths, gallery_conf["src_dir"])


project = "sparseeg"
author = "sparseeg developers"
version = release = __version__
language = "en"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "tutorials/*.md", "tutorials/README.txt"]
suppress_warnings = ["config.cache"]  # functions in the settings of the gallery
root_doc = "index"

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "learn",
    "filename_pattern": r"/\d\d_",
    "ignore_pattern": r"__init__\.py",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 0,
    "remove_config_comments": True,
    "reset_modules": ("matplotlib",),
    "image_scrapers": (FigureScraper(),),
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = "sparseeg"
html_theme_options = {
    "github_url": "https://github.com/sparseeg/sparseeg",
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_show_sourcelink = False
html_copy_source = False
