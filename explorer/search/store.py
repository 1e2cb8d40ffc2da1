"""A study of pairs on disk: Parquet as surveys have it, to be asked with DuckDB, with the report and the numbers.

``rows/000000.parquet`` has one row per picture, distortion and model: the distance of the copy, and of the nearest copy
of another picture. ``SELECT model, avg(distance) FROM 'DIR/rows/*.parquet' GROUP BY model``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from explorer.errors import ExplorerError
from explorer.files import whole, write_whole
from explorer.search.neighbours import nearest, products_of
from explorer.search.study import PairRow, PairStudy

ROWS = Path("rows") / "000000.parquet"


def save_study(found: PairStudy, folder: Path) -> list[Path]:
    """Write a study.

    Args:
        found: The study.
        folder: Where to; made if it does not exist.

    Returns:
        The files: ``rows/000000.parquet``, ``pairs.json``, ``pairs.csv`` and ``report.html``.

    Raises:
        ExplorerError: If a file cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ExplorerError(f"{folder} is a file; give the name of a folder.")
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    table = pa.concat_tables([_table(row) for row in found.rows])
    with whole(folder / ROWS) as part:
        pq.write_table(table.replace_schema_metadata({"data": found.data}), part, compression="zstd")
    write_whole(folder / "pairs.json", json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False) + "\n")
    forms = (found.save(folder / name) for name in ("pairs.csv", "report.html"))
    return [folder / ROWS, folder / "pairs.json", *forms]


def _table(row: PairRow) -> pa.Table:  # type: ignore[name-defined]  # noqa: F821  # pyarrow is imported where it is used
    import pyarrow as pa

    copies, n = row.copies, len(row.copies.distances)
    near = nearest(copies.copies, copies.originals, k=2)
    other = near.places[:, 0] == np.arange(n)  # the first that is not its own copy
    place = np.where(other, near.places[:, 1], near.places[:, 0])
    away = np.where(other, near.distances[:, 1], near.distances[:, 0])
    if copies.normalised:  # by the same amount as the distance of the picture's own copy
        vectors, rows = (copies.originals.vectors, copies.copies.vectors), np.arange(n)
        away = copies.distances + products_of(*vectors, rows, rows) - products_of(*vectors, rows, place)
    name, _, amount = row.distortion.rpartition("=")
    alone = "+" not in row.distortion
    return pa.table(
        {
            "image": pa.array(copies.originals.rows, pa.int32()),
            "name": list(copies.originals.names),
            "image_hash": list(copies.originals.hashes),
            "model": [row.model] * n,
            "distortion": [name if alone else row.distortion] * n,
            "amount": pa.array(
                [float(copies.copies.recipe.steps[-1][1]) if alone and amount else None] * n, pa.float64()
            ),
            "recipe": [copies.recipe] * n,
            "distance": pa.array(copies.distances, pa.float64()),
            "nearest_other": [copies.copies.names[i] for i in place],
            "nearest_other_distance": pa.array(away, pa.float64()),
        }
    )
