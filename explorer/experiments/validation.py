"""What an experiment's file may hold, table by table, and the sentence for what it may not."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from explorer.errors import ExplorerError
from explorer.training import TrainConfig

PROVENANCE = {
    "S": "stated in the paper",
    "C": "from the author's code",
    "M": "measured by us on the author's public weights",
}
"""Where a published value comes from; one recalled from memory does not belong beside measured numbers."""

TRAIN = {f.name: f.default for f in fields(TrainConfig) if f.name not in ("method", "options", "seed")}
"""What a file may say of the training, with the trainer's defaults."""

T = TypeVar("T")

# The description of a field is the end of the sentence for a value that does not fit: "NAME must be a text in quotes".
TEXT = "must be a text in quotes"
PER_CENT = "must be per cent from 0 to 100"
COUNT = "counts images; it must be a whole number from 1"
WANTED = {bool: "must be true or false", int: "must be a whole number", float: "must be a number", str: TEXT}


def _different(values: list[T]) -> list[T]:
    if len(set(values)) != len(values):
        raise ValueError("must not name the same twice")
    return values


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class _Table(BaseModel):
    """A table of the file: unknown keys are refused, a number is not a text, true is not 1."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


Seeds = Annotated[
    list[Annotated[int, Field(ge=0)]],
    Field(min_length=1, description="must be a list of different whole numbers from 0 on"),
    AfterValidator(_different),
]
Texts = Annotated[list[str], Field(description="must be a list of texts"), AfterValidator(_different)]
Count = Annotated[int | None, Field(ge=1, description=COUNT)]
Title = Annotated[str, Field(min_length=1, description=TEXT)]
Text = Annotated[str, Field(description=TEXT)]
Percents = Annotated[
    list[Annotated[float, Field(ge=0, le=100)]],
    BeforeValidator(_as_list),
    Field(description=PER_CENT),
]


def _setting(default: Any, *, listed: bool) -> Any:
    """The type of a training setting, that of its default, or of a list of them; unset ones are None."""
    value_type: Any = str if default is None else type(default)
    one = Annotated[value_type, Field(ge=0)] if value_type in (int, float) else value_type
    if not listed:
        return Annotated[one, Field(description=WANTED[value_type])], None
    several = Annotated[list[one], BeforeValidator(_as_list), Field(min_length=1)]  # type: ignore[valid-type]
    return Annotated[several, Field(description=f"{WANTED[value_type]} (or a list of them)")], None


class Head(_Table):
    """The table [experiment].

    Attributes:
        title: Title of the page.
        paper: The paper.
        about: Text on the page.
        seeds: Seeds of every run.
    """

    title: Title
    paper: Text = ""
    about: Text = ""
    seeds: Seeds = [0]  # pydantic copies it


class _Run(_Table):
    """[[runs]], but for the training settings."""

    method: Any
    title: Text = ""
    seeds: Seeds | None = None
    options: Annotated[
        dict[str, Any], Field(description="must be a table, such as options = { sigma = 0.1 }")
    ] = {}  # pydantic copies it


Training: Any = create_model("Training", __base__=_Table, **{k: _setting(v, listed=False) for k, v in TRAIN.items()})
"""[train]."""

Run: Any = create_model("Run", __base__=_Run, **{k: _setting(v, listed=True) for k, v in TRAIN.items()})
"""[[runs]]: a method, its options, and training settings."""


class Evaluate(_Table):
    """The table [evaluate].

    Attributes:
        split: ``test`` or ``validation``.
        limit: Number of images; None for all.
        recipes: Recipes to measure.
        suites: Suites to measure.
        suite_limit: Number of images of the suites; None for ``limit``.
        theorem: Number of images on which local slopes are measured.
    """

    split: Annotated[Literal["test", "validation"], Field(description="must be one of test, validation")] = "test"
    limit: Count = None
    recipes: Annotated[Texts, Field(min_length=1)] = ["clean"]  # pydantic copies it
    suites: Texts = []  # pydantic copies it
    suite_limit: Count = None
    theorem: Annotated[int, Field(ge=0, description=WANTED[int])] = 0


class Reference(_Table):
    """``from`` in [[published]]: which of the values that a method's file states.

    Attributes:
        source: Key of the source.
        setting: Setting in the source.
    """

    source: Title
    setting: Text = ""


class Published(_Table):
    """A table [[published]].

    Attributes:
        title: What its row is called.
        source: Who reports the values.
        provenance: A key of ``PROVENANCE``.
        where: Settings of the runs that the values describe.
        reference: The values of a method's file, in place of ``values``.
        values: Per cent by recipe.
        note: What is known of them.
    """

    title: Title
    source: Title
    provenance: Annotated[
        Literal["S", "C", "M"],
        Field(description=f"must be one of {', '.join(f'{key} ({words})' for key, words in PROVENANCE.items())}"),
    ]
    where: Annotated[dict[str, Any], Field(description="must be a table")]
    reference: Annotated[
        Reference | None,
        Field(alias="from", description='must name a source, such as from = { source = "usama2018" }'),
    ] = None
    values: Annotated[dict[str, Percents], Field(description="must be a table")] = {}
    note: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _former_name(cls, raw: Any) -> Any:
        """Read ``kind``, as older files call it."""
        if isinstance(raw, dict) and "kind" in raw and "provenance" not in raw:
            return {("provenance" if key == "kind" else key): value for key, value in raw.items()}
        return raw


class File(_Table):
    """A whole file.

    Attributes:
        experiment: The table [experiment].
        train: The table [train].
        runs: The tables [[runs]].
        evaluate: The table [evaluate].
        published: The tables [[published]].
    """

    experiment: Head
    train: Training = Training()
    runs: list[Run] = []  # pydantic copies it
    evaluate: Evaluate = Evaluate()
    published: list[Published] = []  # pydantic copies it


TABLES: dict[str, Any] = {
    "experiment": Head, "train": Training, "runs": Run, "evaluate": Evaluate, "published": Published,
}  # fmt: skip


def read_tables(raw: Mapping[str, Any]) -> File:
    """Check the types of a file's tables.

    Args:
        raw: The file as TOML gives it.

    Returns:
        The tables.

    Raises:
        ExplorerError: If it holds an unknown key or a value of the wrong type; the sentence names the key.
    """
    try:
        return File.model_validate(raw)
    except ValidationError as error:
        # A misspelt key is missing under its correct name, too.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        raise ExplorerError(_sentence(**first)) from None


def _sentence(*, type: str, loc: tuple[int | str, ...], input: Any, **_: Any) -> str:  # noqa: A002  # pydantic's names
    """One error of pydantic in words."""
    section, keys = str(loc[0]), [part for part in loc[1:] if isinstance(part, str)]
    several = section in ("runs", "published")
    where = f"[[{section}]] number {loc[1] + 1}" if several and len(loc) > 1 else f"[{section}]"  # type: ignore[operator]
    if type == "extra_forbidden":
        return _unknown(section, keys, where)
    if not keys:
        brackets = f"{section} must be written with two brackets: [[{section}]]."
        return brackets if several else f"there must be a table [{section}]."
    key, name = keys[0], f"{keys[0]} in {where}"
    wanted = TABLES[section].model_fields["reference" if key == "from" else key].description
    if type == "missing":
        method = f'{where} has no method; name one, for example method = "stability".'
        return method if key == "method" else f"{name} {wanted}."
    if key == "values" and len(keys) > 1:
        name, wanted = f"{keys[1]} in the values of {where}", PER_CENT
    words = {
        "too_short": "is an empty list; give at least one value",
        "value_error": "must not name the same twice",
        "greater_than_equal": f"must not be negative, not {input!r}" if key in (*TRAIN, "theorem") else "",
    }.get(type)
    return f"{name} {words or f'{wanted}, not {input!r}'}."


def _unknown(section: str, keys: Sequence[str], where: str) -> str:
    """The sentence for a key that does not belong there."""
    key, section_name, table = (keys[-1], where, TABLES[section]) if keys else (section, "the file", File)
    if keys[:1] == ["from"]:
        section_name, table = f"from in {where}", Reference
    names = [field.alias or name for name, field in table.model_fields.items()]
    close = difflib.get_close_matches(key, names, n=2)
    hint = f"did you mean {' or '.join(close)}?" if close else f"it may hold {', '.join(names)}."
    return f"{section_name} has no key {key!r}; {hint}"
