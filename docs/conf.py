"""Sphinx's settings. The site is built by ``make docs``, which puts the generated pages beside these sources first."""

from typing import Any

import explorer

project = "Stability Explorer"
author = "the Stability Explorer authors"
copyright = author  # noqa: A001 - Sphinx reads this name
release = version = explorer.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docs.tools.mathml"]
exclude_patterns = ["examples", "generated"]
suppress_warnings = ["myst.header"]  # an experiment's page begins its sections at the third level

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

nb_execution_mode = "off"  # lessons are shown with the outputs that are stored in them
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # MyST-NB would load these from a CDN

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"Stability Explorer {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_math_renderer = "mathml"


def setup(app: Any) -> None:
    """The fields of named tuples are documented in their class's docstring."""
    app.connect("autodoc-skip-member", lambda _app, _what, _name, member, skip, _options: is_field(member) or skip)


def is_field(member: object) -> bool:
    """Whether a member is a field of a named tuple."""
    return type(member).__name__ == "_tuplegetter"
