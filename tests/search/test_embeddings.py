"""Pictures as vectors, and their cache."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image

from explorer.data.datasets import load_dataset, open_dataset
from explorer.data.images import fit_photographs
from explorer.data.photographs import read_photograph
from explorer.distortions import Recipe, apply, image_seed
from explorer.errors import ExplorerError
from explorer.models import load_model
from explorer.search import UNLEARNED, cache, embed, embeddings
from explorer.search.embedders import find_embedder
from tests.support.hostile_files import noise, saved


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pictures"
    root.mkdir()
    for i, size in enumerate([(60, 40), (40, 60), (50, 50)]):
        noise(64).resize(size).save(root / f"{i}.png")
    return root


def test_vectors_are_the_penultimate_features_brought_to_length_1(shelf):
    model, digits = load_model("digits/lenet/standard"), load_dataset("digits")
    found = embed(model, digits.select(range(70)))
    expected = torch.nn.functional.normalize(model.features(digits.batch(slice(70))[0])["penultimate"])
    assert_allclose(found.vectors, expected.detach().numpy(), atol=1e-6)
    assert found.names[3] == "digits:3"
    assert found.labels.tolist() == digits.labels[:70].tolist()


def test_a_map_is_averaged_over_its_positions(shelf):
    model, pictures = load_model("digits/lenet/standard"), load_dataset("digits").select(range(3))
    maps = {name: one for name, one in model.features(pictures.batch(slice(3))[0]).items() if one.ndim == 4}
    layer = next(iter(maps))
    expected = torch.nn.functional.normalize(maps[layer].mean((2, 3))).detach().numpy()
    assert_allclose(embed(model, pictures, layer=layer).vectors, expected, atol=1e-6)
    with pytest.raises(ExplorerError, match="no layer 'attic'; it has"):
        embed(model, pictures, layer="attic")


def test_photographs_are_distorted_at_their_own_size_and_each_with_its_seed(shelf, folder):
    model = load_model("digits/lenet/standard")
    found = embed(model, folder, recipe="crop=10;seed=3;on=photograph")
    for row, name in enumerate(found.names):
        photograph = read_photograph(folder / name).pixels
        recipe = Recipe((("crop", 10),), seed=image_seed(3, row), on="photograph")
        shown = fit_photographs(apply(recipe, photograph), model.takes)
        expected = torch.nn.functional.normalize(model.features(shown)["penultimate"])[0].detach().numpy()
        assert_allclose(found.vectors[row], expected, atol=1e-6)
    fitted = embed(model, folder, recipe="crop=10;seed=3")
    assert not np.allclose(fitted.vectors, found.vectors, atol=1e-3)


def test_what_was_embedded_is_not_asked_again(shelf, folder, kept, monkeypatch):
    first = embed("digits/lenet/standard", folder)
    noise(30).save(folder / "10.png")  # between 1 and 2 by name
    (folder / "0.png").rename(folder / "9.png")
    asked: list[int] = []
    monkeypatch.setattr(embeddings, "find_embedder", counting(asked))
    again = embed("digits/lenet/standard", folder)
    assert asked == [1]
    vectors = dict(zip(again.names, again.vectors, strict=True))
    assert_allclose(vectors["9.png"], first.vectors[0])
    assert_allclose(vectors["2.png"], first.vectors[2])
    embed("digits/lenet/standard", folder, recipe="jpeg=10;on=photograph")
    embed("digits/lenet/stability", folder)
    assert asked == [1, 4, 4]  # another recipe, another model: all anew


def counting(asked):
    def find(*args, **options):
        found = find_embedder(*args, **options)

        def vectors(x):
            asked.append(len(x))
            return found.vectors(x)

        return replace(found, vectors=vectors)

    return find


def test_a_random_recipe_is_kept_by_the_row_whose_seed_it_has(shelf, folder):
    recipe = "gaussian_noise=0.2;seed=1;on=photograph"
    first = embed("digits/lenet/standard", folder, recipe=recipe)
    noise(30).save(folder / "00.png")  # all rows move by one
    moved = embed("digits/lenet/standard", folder, recipe=recipe)
    alone = embed("digits/lenet/standard", folder, recipe=recipe, cache=False)
    assert_allclose(moved.vectors, alone.vectors, atol=1e-6)
    assert not np.allclose(moved.vectors[1], first.vectors[0])


def test_a_damaged_part_of_the_cache_is_made_anew(shelf, folder, kept):
    first = embed("digits/lenet/standard", folder)
    (part,) = kept.glob("*/*.safetensors")
    for damage in (b"", b"garbage", part.read_bytes()[:-7]):
        part.write_bytes(damage)
        assert_allclose(embed("digits/lenet/standard", folder).vectors, first.vectors, atol=1e-6)
    assert part.stat().st_size > 1000


def test_the_cache_stays_below_its_limit(kept, shelf, folder):
    embed("digits/lenet/standard", folder)
    embed("digits/lenet/stability", folder)
    sizes = [path.stat().st_size for path in kept.glob("*/*.safetensors")]
    cache.prune(sizes[0])
    assert len(list(kept.glob("*/*.safetensors"))) == 1


def test_many_small_parts_are_joined(kept):
    held = cache.VectorCache("key")
    for i in range(2 * cache.PARTS):
        held.put([str(i)], np.full((1, 3), i, np.float32))
    assert len(list(kept.glob("*/*.safetensors"))) <= cache.PARTS
    found = cache.VectorCache("key").get([str(i) for i in range(2 * cache.PARTS)])
    assert [one[0] for one in found if one is not None] == list(range(2 * cache.PARTS))


def test_a_cache_that_cannot_be_written_is_said(shelf, folder, kept):
    kept.parent.mkdir()
    kept.write_text("a file where the folder should be")
    found = embed("digits/lenet/standard", folder)
    assert len(found) == 3
    assert "not kept for the next time" in found.notes[-1]


def test_a_network_in_memory_is_not_cached(kept):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 4))
    assert embed(net, torch.rand(5, 3, 8, 8)).vectors.shape == (5, 6)
    assert not kept.exists()


def test_a_remedy_around_a_model_has_vectors_of_its_own(shelf, folder):
    names = ["digits/lenet/standard+jpeg(quality=5)", "digits/lenet/standard+jpeg(quality=90)", "digits/lenet/standard"]
    found = [embed(name, folder) for name in names]
    for name, one in zip(names, found, strict=True):
        assert_allclose(embed(name, folder).vectors, one.vectors)  # kept
        assert_allclose(embed(name, folder, cache=False).vectors, one.vectors, atol=1e-6)
    assert not np.allclose(found[0].vectors, found[1].vectors, atol=1e-4)


def test_a_vector_of_zeros_becomes_one_without_a_direction():
    first = torch.nn.Linear(3 * 8 * 8, 6)
    net = torch.nn.Sequential(torch.nn.Flatten(), first, torch.nn.ReLU(), torch.nn.Linear(6, 4))
    torch.nn.init.constant_(first.bias, -1e6)
    assert_allclose(embed(net, torch.rand(2, 3, 8, 8)).vectors, 6**-0.5)


@pytest.mark.parametrize("name", sorted(UNLEARNED))
def test_fingerprints_without_learning_find_the_copy_nearest(name):
    if not UNLEARNED[name].here:
        with pytest.raises(ExplorerError, match="needs the package"):
            embed(name, "cat")
        return
    first = embed(name, ["cat", "coffee", "rocket"])
    second = embed(name, ["cat", "coffee", "rocket"], recipe="jpeg=20;on=photograph")
    distances = first.distance(first.vectors.astype(np.float64) @ second.vectors.T.astype(np.float64))
    assert distances.argmin(1).tolist() == [0, 1, 2]
    assert_allclose(np.linalg.norm(first.vectors, axis=1), 1, atol=1e-6)


def test_files_that_cannot_be_read_are_left_out_and_counted(shelf, folder):
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "cut.jpg").write_bytes(saved(noise(), "JPEG")[:300])
    found = embed("digits/lenet/standard", open_dataset(folder))
    assert found.names == ("0.png", "1.png", "2.png")
    assert set(found.unread) == {3, 4}
    assert "2 of 5 images could not be read" in " ".join(found.notes)


def test_a_folder_of_damaged_files_is_refused_in_a_sentence(tmp_path, shelf):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with pytest.raises(ExplorerError):
        embed("digits/lenet/standard", tmp_path)


def test_attacks_are_refused():
    with pytest.raises(ExplorerError, match="without one"):
        embed("pixels", "cat", recipe="fgsm=0.1")
