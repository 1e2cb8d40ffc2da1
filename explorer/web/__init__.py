"""Everything that runs in a browser: ES modules and style sheets, and the JSON that they paint.

``shared`` holds what all others use (elements, numbers as text, charts); ``panel`` the live side-by-side view, its
curves and figure, which know neither Gradio nor Jupyter; ``explore``, ``failures`` and ``methods`` the pages of the
app; ``widget`` and ``report`` the entries of the notebook widget and of reports. The app serves the modules as they are
(:mod:`explorer.web.files`); widget and reports get one script made from them (:mod:`explorer.web.bundle`).
"""
