"""Loading digits, with every error seen, and composing them."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.convolutional import digits


def idx(array):
    array = np.asarray(array, np.uint8)
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def contents(train=12, test=7):
    rng = np.random.default_rng(1)
    return {
        "train_images": idx(rng.integers(256, size=(train, 4, 4))),
        "train_labels": idx(rng.integers(10, size=train)),
        "test_images": idx(rng.integers(256, size=(test, 4, 4))),
        "test_labels": idx(rng.integers(10, size=test)),
    }


def pack(content):
    """Compressed, always to the same bytes."""
    return gzip.compress(content, mtime=0)


def write(folder, parts, compressed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for part, content in parts.items():
        name = digits.FILES[part] + (".gz" if compressed else "")
        (folder / name).write_bytes(pack(content) if compressed else content)
    return folder


@pytest.fixture(autouse=True)
def apart(monkeypatch, tmp_path):
    """Neither the reader's data nor the reader's cache; small files pass for MNIST's."""
    monkeypatch.delenv("BOOK_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    known = {part: hashlib.sha256(content).hexdigest() for part, content in contents().items()}
    packed = {
        f"{digits.FILES[part]}.gz": hashlib.sha256(pack(c)).hexdigest() for part, c in contents().items()
    }
    source = digits.IdxSource(known, packed, ("https://one.invalid/", "https://two.invalid/"))
    monkeypatch.setitem(digits.SOURCES, "mnist", source)


@pytest.fixture
def mirror(monkeypatch):
    """A network in which each address answers with the bytes in this dictionary, or not at all."""
    pages, asked = {}, []

    class Downloader:
        def __init__(self, progressbar, timeout):
            assert progressbar
            assert timeout

        def __call__(self, url, output_file, pooch):
            asked.append(url)
            with open(output_file, "wb") if isinstance(output_file, str | Path) else output_file as file:
                if url not in pages:
                    file.write(b"half")
                    raise OSError(f"cannot reach {url}")
                file.write(pages[url])

    monkeypatch.setattr("pooch.HTTPDownloader", Downloader)
    return pages, asked


def test_the_embedded_digits_need_nothing():
    data = digits.load()
    assert data.train_images.shape == (1350, 8, 8)
    assert data.test_images.shape == (447, 8, 8)
    assert data.train_images.dtype == np.float32
    assert (data.train_images.min(), data.train_images.max()) == (0, 1)
    assert set(data.train_labels) == set(data.test_labels) == set(range(10))
    np.testing.assert_array_equal(data.train_images, digits.load("digits").train_images)
    mean = [data.train_images[data.train_labels == k].mean(0) for k in range(10)]
    nearest = ((data.test_images[:, None] - np.array(mean)) ** 2).sum((2, 3)).argmin(1)
    assert (nearest == data.test_labels).mean() > 0.85  # images and labels belong together


@pytest.mark.parametrize("folder", ["", "mnist"])
@pytest.mark.parametrize("compressed", [True, False])
def test_files_of_the_user(tmp_path, folder, compressed, monkeypatch):
    write(tmp_path / "data" / folder, contents(), compressed)
    data = digits.load("mnist", tmp_path / "data")
    pixels = np.frombuffer(contents()["train_images"], np.uint8, offset=16).reshape(12, 4, 4)
    np.testing.assert_array_equal(data.train_images, (pixels / np.float32(255)).astype(np.float32))
    assert list(data.test_labels) == list(contents()["test_labels"][8:])
    assert data.sha256 == hashlib.sha256(b"".join(contents().values())).hexdigest()
    monkeypatch.setenv("BOOK_DATA", str(tmp_path / "data"))
    assert digits.load("mnist").sha256 == data.sha256


def broken(part, content):
    return contents() | {part: content}


images, labels = contents()["train_images"], contents()["train_labels"]
WRONG_FILES = {
    "another magic number": (broken("train_images", b"\0\0\t\3" + images[4:]), "train-images.* no IDX file"),
    "labels for images": (broken("train_images", labels), "train-images.* is no IDX file of images"),
    "an empty file": (broken("test_labels", b""), "t10k-labels.* is no IDX file of labels"),
    "cut short": (broken("train_images", images[:-5]), "train-images.*187 bytes of data.*asks for 192"),
    "too long": (broken("train_labels", labels + b"\0"), "train-labels.*13 bytes of data.*asks for 12"),
    "no images": (broken("test_images", idx(np.zeros((0, 4, 4)))), "t10k-images.*truncated or corrupt"),
    "label 10": (broken("test_labels", idx([1, 2, 10, 3, 4, 5, 6])), "t10k-labels.*has the label 10"),
    "labels missing": (broken("train_labels", idx(range(9))), "train-labels.* 9 labels for 12 images"),
    "another size": (broken("test_images", idx(np.zeros((7, 5, 4)))), "t10k-images.* of another size"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_wrong_files_are_named(tmp_path, case):
    parts, message = WRONG_FILES[case]
    write(tmp_path, parts)
    with pytest.raises(ValueError, match=message):
        digits.load("fashion-mnist", tmp_path)


def test_a_changed_pixel_is_noticed_where_the_checksum_is_known(tmp_path):
    write(tmp_path, broken("train_images", images[:-1] + bytes([images[-1] ^ 1])))
    digits.load("fashion-mnist", tmp_path)
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz has other content .*get it anew"):
        digits.load("mnist", tmp_path)


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-9], lambda b: b"no gzip", lambda b: b[:30] + b"\0\0" + b[32:]]
)
def test_damaged_compression_is_named(tmp_path, spoil):
    write(tmp_path, contents())
    path = tmp_path / (digits.FILES["test_images"] + ".gz")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte\.gz is truncated or corrupt .*get it anew"):
        digits.load("mnist", tmp_path)


def test_a_missing_file_is_not_looked_for_elsewhere(tmp_path, mirror):
    write(tmp_path / "cache" / "mnist", contents())
    write(tmp_path / "data", {part: c for part, c in contents().items() if part != "test_labels"})
    with pytest.raises(FileNotFoundError, match=r"neither t10k-labels.* is in .*data.*BOOK_DATA"):
        digits.load("mnist", tmp_path / "data")
    assert mirror[1] == []


def test_download_once_from_the_first_mirror_that_has_it(tmp_path, mirror):
    pages, asked = mirror
    for part, content in contents().items():
        pages[f"https://two.invalid/{digits.FILES[part]}.gz"] = pack(content)
    data = digits.load("mnist")
    assert len(asked) == 8  # each file: the first mirror in vain, then the second
    assert digits.load("mnist").sha256 == data.sha256
    assert len(asked) == 8
    kept = sorted(path.name for path in (tmp_path / "cache" / "mnist").iterdir())
    assert kept == sorted(f"{name}.gz" for name in digits.FILES.values())


@pytest.mark.parametrize(
    "answer",
    [None, b"<html>", pack(b"another file"), pack(images)[:-20]],
    ids=["no answer", "a page", "another file", "cut short"],
)
def test_a_failed_download_keeps_nothing(tmp_path, mirror, answer):
    if answer is not None:
        mirror[0][f"https://one.invalid/{digits.FILES['train_images']}.gz"] = answer
    with pytest.raises(ConnectionError, match=r"train-images.*one\.invalid.*two\.invalid.*BOOK_DATA"):
        digits.load("mnist")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_without_checksums_nothing_is_downloaded(mirror):
    with pytest.raises(FileNotFoundError, match=r"fashion-mnist is not downloaded.*train-images.*BOOK_DATA"):
        digits.load("fashion-mnist")
    assert mirror[1] == []


def test_an_unknown_source_lists_the_known_ones():
    with pytest.raises(ValueError, match="source = 'cifar' is unknown; choose one of digits, mnist, fashion"):
        digits.load("cifar")


def test_pooling_keeps_the_mean():
    data = digits.load()
    pooled = data.pooled(2, brightness=3)
    assert pooled.train_images.shape == (1350, 4, 4)
    np.testing.assert_allclose(pooled.test_images.mean((1, 2)), 3 * data.test_images.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(
        pooled.train_images[5, 1, 2], 3 * data.train_images[5, 2:4, 4:6].mean(), rtol=1e-6
    )
    with pytest.raises(ValueError, match="pooling by 3 does not fit images of 8 × 8"):
        data.pooled(3)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4), st.integers(4, 30), st.floats(0.1, 20), st.integers(0, 99))
def test_composites_show_what_their_targets_say(count, n, r, seed):
    rng = np.random.default_rng(seed)
    pictures, names = rng.random((n, 3, 2), np.float32), rng.integers(10, size=n)
    for made in (
        digits.side_by_side(pictures, names, count, r),
        digits.at_random(pictures, names, 9, rng, count, r),
    ):
        assert made.compositional.shape == (len(made), 10 * count)
        assert made.noncompositional.shape == (len(made), 10**count)
        for k in range(len(made)):
            shown = [made.images[k, :, 2 * j : 2 * j + 2] for j in range(count)]
            found = [next(i for i in range(n) if (pictures[i] == part).all()) for part in shown]
            assert list(made.labels[k]) == list(names[found])
            assert (
                int("".join(map(str, names[found]))) == made.numbers[k] == made.noncompositional[k].argmax()
            )
        one_hot = made.compositional.reshape(len(made), count, 10)
        np.testing.assert_array_equal(one_hot.argmax(2), made.labels)
        assert (one_hot.sum(2) == 1).all()
        assert ((made.noncompositional == r).sum(1) == 1).all()
        np.testing.assert_allclose((made.noncompositional**2).sum(1), r**2)


def test_parts_of_the_images_stay_apart_as_in_the_paper():
    pictures = np.arange(10, dtype=np.float32).reshape(10, 1, 1)
    made = digits.side_by_side(pictures, np.arange(10), 3)
    assert made.images[:, 0].tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert made.first(2).numbers.tolist() == [36, 147]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p, n: digits.side_by_side(p[:2], n[:2], 3), "2 images are too few for one composite of 3"),
        (lambda p, n: digits.side_by_side(p, n, 0), "digits = 0 must lie from 1 to 5"),
        (lambda p, n: digits.side_by_side(p, n, 6), "digits = 6 must lie from 1 to 5"),
        (lambda p, n: digits.side_by_side(p, n[:3]), "8 images and 3 labels"),
        (lambda p, n: digits.side_by_side(p, n + 5), "labels from 5 to 12"),
        (lambda p, n: digits.side_by_side(p, n, r=0), "r = 0.0 is not finite and positive"),
        (lambda p, n: digits.side_by_side(p, n, r=np.inf), "r = inf is not finite"),
        (
            lambda p, n: digits.at_random(p, n, 0, np.random.default_rng(0)),
            "count = 0 is not an integer from 1 on",
        ),
        (lambda p, n: digits.side_by_side(p, n, 2).first(5), "5 composites asked for, but there are 4"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((8, 2, 2), np.float32), np.arange(8))
