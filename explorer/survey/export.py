"""A survey's rows for other programs: CSV, one Parquet file, or samples for FiftyOne, with the annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import ExplorerError
from explorer.files import whole
from explorer.survey.annotations import Annotation, read_annotations

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.survey.query import Survey

BATCH_ROWS = 50_000
"""Rows in memory at a time."""


def export(survey: Survey, format: str, out: Path) -> int:  # noqa: A002  # the command's own word
    """Write all rows of a survey with their annotations in the columns ``star``, ``tags`` and ``note``.

    The file appears completely or not at all, and memory does not grow with the survey.

    Args:
        survey: The survey.
        format: ``csv`` (UTF-8 with a header; empty where a value is unknown; tags and layers as JSON), ``parquet``, or
            ``fiftyone`` (JSON whose ``samples`` suit ``fiftyone.Sample.from_dict``, one per case with a classification
            by every model; ``filepath`` names pictures that ``open_cases`` makes).
        out: The file to write.

    Returns:
        The number of rows.

    Raises:
        ExplorerError: If the format is unknown or the file cannot be written.
    """
    if format not in FORMATS:
        raise ExplorerError(f"There is no export format {format!r}; there are {', '.join(FORMATS)}.")
    annotations = read_annotations(survey)
    if out.resolve().is_relative_to((survey.folder / "rows").resolve()):
        raise ExplorerError(f"{out} lies among the survey's own rows; give another --out.")
    with whole(out) as part:
        return FORMATS[format](survey, annotations, part)


def _csv(survey: Survey, annotations: dict[int, Annotation], part: Path) -> int:
    import pyarrow as pa
    import pyarrow.csv as pc

    count = 0
    with part.open("wb") as file:
        for i, batch in enumerate(_batches(survey, annotations)):
            plain = {name: _text(batch.column(name)) for name in batch.schema.names}
            pc.write_csv(pa.table(plain), file, pc.WriteOptions(include_header=i == 0))
            count += batch.num_rows
    return count


def _parquet(survey: Survey, annotations: dict[int, Annotation], part: Path) -> int:
    import pyarrow.parquet as pq

    count, writer = 0, None
    try:
        for batch in _batches(survey, annotations):
            writer = writer or pq.ParquetWriter(part, batch.schema, compression="zstd")
            writer.write_table(batch)
            count += batch.num_rows
    finally:
        if writer:
            writer.close()
    return count


def _fiftyone(survey: Survey, annotations: dict[int, Annotation], part: Path) -> int:
    """One sample per case."""
    plan, count, first = survey.plan, 0, True
    fields = {model: _field(model) for model in plan.models}
    with part.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"name": f"survey of {plan.data}", "classes": list(plan.classes), "key": plan.key})[:-1])
        file.write(', "samples": [')
        for rows in _cases(survey, annotations):
            shared = rows[0]
            label = None if shared["label"] is None else plan.classes[shared["label"]]
            starred = ["starred"] if shared["star"] else []
            sample: dict[str, Any] = {
                "filepath": f"{plan.data}/{shared['case']:09d}.png",
                "tags": [*shared["tags"], *starred],
                "ground_truth": None if label is None else {"_cls": "Classification", "label": label},
                **{name: _finite(shared[name]) for name in _OF_CASE},
            }
            for row in rows:
                sample[fields[row["model"]]] = {
                    "_cls": "Classification",
                    "label": plan.classes[row["prediction"]],
                    "confidence": row["confidence"],
                    **{name: _finite(row[name]) for name in _OF_MODEL},
                }
            file.write(("" if first else ",") + "\n" + json.dumps(sample, allow_nan=False))
            first, count = False, count + len(rows)
        file.write("\n]}\n")
    return count


FORMATS: dict[str, Callable[[Survey, dict[int, Annotation], Path], int]] = {
    "csv": _csv,
    "parquet": _parquet,
    "fiftyone": _fiftyone,
}

_OF_CASE = ("case", "image", "distortion", "amount", "seed", "image_seed", "hash", "image_hash", "l2", "linf", "psnr",
            "ssim", "note")  # fmt: skip
_OF_MODEL = ("correct", "flipped", "margin", "margin_true", "confidence_true", "kl", "feature_l2", "feature_cosine")


def _batches(survey: Survey, annotations: dict[int, Annotation]) -> Iterator[pa.Table]:
    """The rows in batches, each row with its case's annotation. There is always at least one table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted((survey.folder / "rows").glob("*.parquet"))
    if not files:
        raise ExplorerError(f"{survey.folder} holds no finished rows yet; continue the survey.")
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
            table = pa.Table.from_batches([batch]).replace_schema_metadata(None)
            noted = [annotations.get(case, _NO_ANNOTATION).to_dict() for case in table.column("case").to_pylist()]
            for name, column_type in (("star", pa.bool_()), ("tags", pa.list_(pa.string())), ("note", pa.string())):
                table = table.append_column(name, pa.array([one[name] for one in noted], column_type))
            yield table


_NO_ANNOTATION = Annotation()


def _cases(survey: Survey, annotations: dict[int, Annotation]) -> Iterator[list[dict[str, Any]]]:
    """The rows of one case at a time: those of all models."""
    models = len(survey.plan.models)
    for path in sorted((survey.folder / "rows").glob("*.parquet")):
        yield from _cases_of(survey, path, annotations, models)


def _cases_of(
    survey: Survey, path: Path, annotations: dict[int, Annotation], models: int
) -> Iterator[list[dict[str, Any]]]:
    with survey.connect() as connection:
        cursor = connection.execute(
            'SELECT * EXCLUDE (layers) FROM read_parquet(?, hive_partitioning = false) ORDER BY "case", model',
            [str(path)],
        )
        names = [column[0] for column in cursor.description]
        waiting: list[dict[str, Any]] = []
        while found := cursor.fetchmany(BATCH_ROWS):
            for values in found:
                row = dict(zip(names, values, strict=True))
                waiting.append(row | annotations.get(row["case"], _NO_ANNOTATION).to_dict())
                if len(waiting) == models:
                    yield waiting
                    waiting = []


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as CSV can hold it: lists become JSON, dictionaries their values."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        return pa.chunked_array([pa.array([json.dumps(values) for values in column.to_pylist()], pa.string())])
    return column


def _field(model: str) -> str:
    """A model's name as a field's: letters, digits and underscores."""
    return "".join(sign if sign.isalnum() else "_" for sign in model)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not -float("inf") < value < float("inf") else value
