"""A survey on disk: ``plan.json``, and one Parquet file per shard under ``rows/``, each written whole or not at all.

A file that is there is finished; a run that was killed leaves at most one unfinished ``.part`` beside them, which the
next one removes. Every file names the plan it belongs to, so that rows of two plans are never mixed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import ExplorerError
from explorer.files import WriteError, whole, write_whole
from explorer.survey.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.survey.scan import Columns

ROWS = "rows"
PLAN = "plan.json"
LOCK = ".lock"
"""Held by the run that writes here."""


class Store:
    """The folder of one survey.

    Args:
        folder: Where ``plan.json`` and ``rows/`` are, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def plan(self) -> Plan:
        """The stored plan.

        Raises:
            ExplorerError: If the folder holds no plan or a damaged one.
        """
        try:
            raw = json.loads((self.folder / PLAN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ExplorerError(
                f"{self.folder} holds no survey; make one with 'explorer survey run ... --out {self.folder}'."
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise ExplorerError(f"{self.folder / PLAN} cannot be read; run the survey into another folder.") from error
        if not isinstance(raw, dict):
            raise ExplorerError(f"{self.folder / PLAN} holds no plan; run the survey into another folder.")
        return Plan.from_dict(raw)

    def begin(self, plan: Plan) -> None:
        """Store the plan, or verify that the same plan is already stored.

        Args:
            plan: The plan of the run that starts.

        Raises:
            ExplorerError: If the folder holds a survey with another plan, or other files.
        """
        if (self.folder / PLAN).exists():
            if changes := differences(self.plan, plan):
                raise ExplorerError(
                    f"{self.folder} holds a survey of something else ({', '.join(changes)} differ); give another "
                    "--out, or delete that folder."
                )
        elif any(path.name != LOCK for path in self.folder.iterdir()):
            raise ExplorerError(f"{self.folder} is not empty and holds no survey; give an empty or a new folder.")
        (self.folder / ROWS).mkdir(parents=True, exist_ok=True)
        for left in (self.folder / ROWS).glob("*.part"):
            left.unlink()
        if not (self.folder / PLAN).exists():
            write_whole(self.folder / PLAN, json.dumps(plan.to_dict(), indent=1).encode())

    def path(self, shard: int) -> Path:
        """Path of one shard's file, whether it exists or not.

        Args:
            shard: Index of the shard, from 0.

        Returns:
            The path of the Parquet file.
        """
        return self.folder / ROWS / f"{shard:06d}.parquet"

    def finished(self, plan: Plan) -> set[int]:
        """The shards that are complete and belong to this plan. Any other shard file is deleted.

        Args:
            plan: The plan of the run.

        Returns:
            Indices of the finished shards.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        done = set()
        for path in (self.folder / ROWS).glob("*.parquet"):
            try:
                found = (pq.read_schema(path).metadata or {}).get(b"plan", b"").decode()
            except (pa.ArrowInvalid, OSError):
                found = ""
            if found == plan.key and path.stem.isdecimal() and int(path.stem) < plan.shards:
                done.add(int(path.stem))
            else:
                path.unlink()
        return done

    def put(self, plan: Plan, shard: int, columns: Columns | None, unread: dict[int, str]) -> None:
        """Write one shard completely, or leave nothing behind.

        Args:
            plan: The plan of the run.
            shard: Index of the shard.
            columns: The rows, or None if no image of the shard could be read.
            unread: Images that could not be read: row in the data set to the reason.

        Raises:
            ExplorerError: If the file cannot be written, for example because the disk is full.
        """
        import pyarrow.parquet as pq

        rows = table(plan, columns, unread)
        try:
            with whole(self.path(shard)) as part:
                pq.write_table(rows, part, compression="zstd", use_dictionary=DICTIONARY, write_statistics=True)
        except WriteError as error:
            raise ExplorerError(
                f"The rows of images {plan.images_of(shard).start} to {plan.images_of(shard).stop - 1} could not be "
                f"written ({error.reason}); finished rows stay; run again when there is space."
            ) from error

    def unread(self) -> dict[int, str]:
        """The images that could not be read.

        Returns:
            Row in the data set to a sentence that says why.
        """
        import pyarrow.parquet as pq

        found: dict[int, str] = {}
        for path in sorted((self.folder / ROWS).glob("*.parquet")):
            listed = json.loads((pq.read_schema(path).metadata or {}).get(b"unread", b"{}"))
            found.update({int(row): sentence for row, sentence in listed.items()})
        return found


DICTIONARY = ["image_hash", "distortion", "amount", "model", "hash", "seed", "image"]
"""Columns that say the same in many rows."""


def schema(plan: Plan) -> pa.Schema:
    """The columns of a survey and their types.

    Args:
        plan: The survey's plan; its models decide how many layers are stored.

    Returns:
        The Arrow schema.
    """
    import pyarrow as pa

    name = pa.dictionary(pa.int16(), pa.string())
    fields: dict[str, Any] = {
        "case": pa.int64(),
        "image": pa.int32(),
        "image_hash": pa.string(),
        "label": pa.int16(),
        "distortion": name,
        "amount": pa.float64(),
        "seed": pa.int64(),
        "image_seed": pa.int64(),
        "hash": pa.string(),
        "model": name,
        "prediction": pa.int16(),
        "confidence": pa.float32(),
        "confidence_true": pa.float32(),
        "margin": pa.float32(),
        "margin_true": pa.float32(),
        "kl": pa.float32(),
        "flipped": pa.bool_(),
        "correct": pa.bool_(),
        "clean_prediction": pa.int16(),
        "clean_confidence": pa.float32(),
        "clean_confidence_true": pa.float32(),
        "clean_correct": pa.bool_(),
        "feature_l2": pa.float32(),
        "feature_cosine": pa.float32(),
        "layers": pa.list_(pa.float32(), max(map(len, plan.layers))),
        "l2": pa.float32(),
        "linf": pa.float32(),
        "psnr": pa.float32(),
        "ssim": pa.float32(),
    }
    return pa.schema(list(fields.items()))


def table(plan: Plan, columns: Columns | None, unread: dict[int, str]) -> pa.Table:
    """The rows of one shard as an Arrow table.

    Args:
        plan: The survey's plan.
        columns: The rows, or None for an empty table.
        unread: Images that could not be read, stored in the table's metadata.

    Returns:
        The table. Columns that need the true class are null where it is unknown.
    """
    import pyarrow as pa

    typed = schema(plan).with_metadata({"plan": plan.key, "unread": json.dumps(unread)})
    if columns is None:
        return typed.empty_table()
    unknown = columns["label"] < 0
    arrays = []
    for field in typed:
        values = columns["model" if field.name == "model" else field.name]
        if field.name == "layers":
            width = field.type.list_size
            padded = np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=np.nan)
            flat = pa.array(padded.reshape(-1), mask=np.isnan(padded.reshape(-1)))
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, width))
        elif field.name == "model":
            arrays.append(pa.DictionaryArray.from_arrays(pa.array(values), pa.array(plan.models)))
        elif field.name == "distortion":
            arrays.append(pa.array(values).dictionary_encode().cast(field.type))
        else:
            hidden = unknown if field.name in UNKNOWN else None
            arrays.append(pa.array(values, field.type, mask=hidden))
    return pa.Table.from_arrays(arrays, schema=typed)


UNKNOWN = {"correct", "clean_correct", "confidence_true", "clean_confidence_true", "margin_true", "label"}
"""Columns that are null where an image's class is not known."""


def differences(there: Plan, wanted: Plan) -> list[str]:
    """Name what differs between two plans.

    Args:
        there: The stored plan.
        wanted: The plan of the run that starts.

    Returns:
        One phrase per difference; empty if the plans are equal.
    """
    words = {
        "weights": "the models' weights",
        "pixels": "the images",
        "rows": "how many images",
        "conditions": "distortions, amounts or seeds",
        "versions": "versions of the libraries",
        "batch": "CPU or GPU",
    }
    mine, theirs = there.to_dict(), wanted.to_dict()
    return [words.get(key, key) for key in mine if mine[key] != theirs[key]]
