"""Experiments as data: one TOML file says what is trained and measured; one command does it and writes the page.

The file's form stands in ``experiments/README.md``. Nothing is imported here, so that ``explorer --help`` stays quick.
"""
