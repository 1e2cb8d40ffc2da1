"""`python -m explorer ...` is the `explorer` command, also from a plain checkout."""

from explorer.cli import main

main()
