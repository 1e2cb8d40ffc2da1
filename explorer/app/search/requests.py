"""What the page "Search" sends with each of its questions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from explorer.app.pictures import MAX_WHOLE
from explorer.app.validation import MAX_TEXT, Request, Sentence
from explorer.defaults import MAX_MODELS

MAX_PICTURES = 2000
"""Pictures of a data set that are searched at once: their pairs are looked at one by one."""

MAX_UNDER = 8
"""Distortions of a comparison."""

FEWEST = 2
DRAWN = 48
"""Thumbnails of one answer."""

Index = Annotated[int, Field(ge=0, lt=MAX_PICTURES)]
Amount = Annotated[
    tuple[Annotated[str, Field(max_length=100, pattern=r"^\w+$")], Annotated[float, Field(gt=-1e9, lt=1e9)]],
    Field(strict=False),
]


class OpenRequest(Request):
    """What to search in, and by what.

    Attributes:
        dataset: Name of a data set, or None.
        tokens: In its place, pictures that the visitor brought.
        samples: In their place, the bundled photographs.
        models: Names of networks of one family, and of measures without learning.
        limit: Pictures at most.
    """

    wrong = "Choose pictures to search in, and models."

    dataset: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    tokens: Annotated[
        list[Annotated[str, Field(max_length=100)]] | None,
        Field(min_length=FEWEST, max_length=MAX_WHOLE),
        Sentence(
            f"Choose {FEWEST} to {MAX_WHOLE} pictures of your own; a folder is opened with 'explorer app --data'."
        ),
    ] = None
    samples: bool = False
    models: Annotated[
        list[Annotated[str, Field(max_length=MAX_TEXT)]],
        Field(min_length=1, max_length=MAX_MODELS),
        Sentence(f"Choose 1 to {MAX_MODELS} models."),
    ]
    limit: Annotated[
        int,
        Field(ge=FEWEST, le=MAX_PICTURES),
        Sentence(f"Give {FEWEST} to {MAX_PICTURES:,} pictures, as a whole number."),
    ] = 200


class RunRequest(Request):
    """A question about pictures that were opened.

    Attributes:
        run: What they are called, which no other page can guess.
    """

    run: Annotated[str, Field(max_length=100)]


class CopiesRequest(RunRequest):
    """Which copies to make.

    Attributes:
        under: Distortions with their amounts.
    """

    under: Annotated[
        list[Amount],
        Field(min_length=1, max_length=MAX_UNDER),
        Sentence(f"Choose 1 to {MAX_UNDER} distortions, each with an amount."),
    ]


class DuplicatesRequest(RunRequest):
    """How near duplicates are.

    Attributes:
        model: By which model.
        threshold: Their largest distance; None for that of the precision.
        precision: Share of copies among the pairs found, measured on copies that are made of the pictures; None where
            the threshold says it, or, without one, the distances themselves do.
    """

    model: Any
    threshold: Annotated[float | None, Field(ge=0, le=1e6), Sentence("A threshold is a distance of 0 or more.")] = None
    precision: Annotated[float | None, Field(gt=0, le=1), Sentence("A precision is a share above 0 and up to 1.")] = (
        None
    )


class ThumbsRequest(RunRequest):
    """Which pictures to draw.

    Attributes:
        wanted: Picture and distortion of each; a distortion of -1: the original.
        under: The distortions.
    """

    wanted: Annotated[
        list[Annotated[tuple[Index, Annotated[int, Field(ge=-1, lt=MAX_UNDER)]], Field(strict=False)]],
        Field(max_length=DRAWN),
        Sentence(f"At most {DRAWN} pictures are drawn at once."),
    ]
    under: Annotated[list[Amount], Field(max_length=MAX_UNDER)] = []  # noqa: RUF012  # pydantic copies it


class PictureRequest(RunRequest):
    """A picture, as it is or distorted.

    Attributes:
        picture: Which.
        under: What is done to it; None for nothing.
    """

    picture: Index
    under: Amount | None = None


class RelativesRequest(PictureRequest):
    """A request for the nearest pictures of one.

    Attributes:
        models: By which models.
    """

    models: Annotated[list[Annotated[str, Field(max_length=MAX_TEXT)]], Field(min_length=1, max_length=MAX_MODELS)]
