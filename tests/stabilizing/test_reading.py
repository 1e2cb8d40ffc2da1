"""Pictures keep the address by which the explorer finds them again."""

from __future__ import annotations

import torch

import explorer
from explorer.data.inputs import read_images
from explorer.stabilizing.reading import read_parts


def test_an_address_names_the_very_picture() -> None:
    whole, model = explorer.load_dataset("digits"), explorer.load_model("digits/lenet/standard")
    parts = read_parts(whole.select(range(100, 160)), model, labels=False, seed=0)
    for i, source in enumerate(parts.sources):
        assert source.address == source.name == f"digits:{source.row}"
        mine = parts.reported.batch([i], torch.device("cpu"))
        assert torch.equal(mine, read_images([source.address], model.takes).pictures[0].pixels)


def test_training_images_have_no_address() -> None:
    parts = read_parts("digits", explorer.load_model("digits/lenet/standard"), labels=False, seed=0)
    assert {source.address for source in parts.sources} == {None}
    assert parts.sources[0].name == f"digits, training image {parts.sources[0].row}"
