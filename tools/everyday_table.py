"""Measure the table of Zheng et al. for the page "Methods", and keep it with the versions that it was measured with.

    .venv/bin/python tools/everyday_table.py MODEL... --data FOLDER_OR_LIST --title WORDS

It asks ``explorer evaluate MODEL... --data FOLDER_OR_LIST --suite zheng --json``, the first model being the one that
the others are paired with, and writes ``explorer/app/methods/everyday.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from explorer.provenance import versions

OUT = Path(__file__).parents[1] / "explorer" / "app" / "methods" / "everyday.json"


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", required=True)
    parser.add_argument("--title", required=True, help="what the photographs are")
    given = parser.parse_args()
    asked = ["evaluate", *given.models, "--data", given.data, "--suite", "zheng", "--device", "cpu", "--json"]
    done = subprocess.run([sys.executable, "-m", "explorer", *asked], stdout=subprocess.PIPE, text=True, check=True)
    asked[asked.index(given.data)] = Path(given.data).name
    kept = {
        "title": given.title,
        "command": " ".join(["explorer", *asked]),
        "versions": versions("explorer", "python", "torch", "timm", "pillow"),
        "result": json.loads(done.stdout),
    }
    OUT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
