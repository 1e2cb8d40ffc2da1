"""Experiments as data: one TOML file says what is trained and measured; one command does it and writes the page.

``experiments/README.md`` describes the file. Nothing is imported here, so that ``explorer --help`` stays quick.
"""
