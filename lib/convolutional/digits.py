"""Images of digits from explicit sources, and their composition into numbers of several digits.

A source is never replaced by another: what cannot be had is an error that names the file and the way out.
"""

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lib.validation import check_count, check_positive

CACHE = "specialization-of-neural-modules"
FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


@dataclass(frozen=True)
class IdxSource:
    """A data set in four IDX files: SHA-256 of their uncompressed content where known, and where they can be had."""

    sha256: dict[str, str]
    registry: dict[str, str]  # SHA-256 of the compressed files on the public mirrors
    mirrors: tuple[str, ...]


SOURCES = {
    "mnist": IdxSource(
        sha256={
            "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        registry={
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
    ),
    "fashion-mnist": IdxSource({}, {}, ()),  # no checksum we are sure of: never downloaded
}
NAMES = ("digits", *SOURCES)


@dataclass(frozen=True)
class Digits:
    """Images (n, height, width), float32 from 0 to 1, and labels (n,) from 0 to 9, for training and for test."""

    source: str
    sha256: str  # of the four files' uncompressed content, one after the other
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def pooled(self, size: int, brightness: float = 1.0) -> "Digits":
        """The same with every size × size square of pixels replaced by its mean, times the brightness.

        Raises ValueError where size does not divide height and width.
        """
        height, width = self.train_images.shape[1:]
        if size < 1 or height % size or width % size:
            raise ValueError(f"pooling by {size} does not fit images of {height} × {width}; choose a divisor")
        shape = (-1, height // size, size, width // size, size)
        images = {
            name: getattr(self, name).reshape(shape).mean(axis=(2, 4)) * np.float32(brightness)
            for name in ("train_images", "test_images")
        }
        return replace(self, **images)


@dataclass(frozen=True)
class Composites:
    """Digits side by side, with the targets of Compositional MNIST."""

    images: np.ndarray  # (n, height, digits * width), float32
    labels: np.ndarray  # (n, digits), integers from 0 to 9
    r: float = 10.0  # value of the non-compositional output of the shown number

    def __post_init__(self) -> None:
        check_positive("r", self.r)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def digits(self) -> int:
        return self.labels.shape[1]

    @property
    def numbers(self) -> np.ndarray:
        """(n,): the shown number, its first digit leftmost."""
        return self.labels @ 10 ** np.arange(self.digits)[::-1]

    @property
    def compositional(self) -> np.ndarray:
        """(n, 10 digits): one-hot of each digit, one after the other."""
        return np.eye(10)[self.labels].reshape(len(self), -1)

    @property
    def noncompositional(self) -> np.ndarray:
        """(n, 10**digits): one-hot of the number, times r."""
        targets = np.zeros((len(self), 10**self.digits))
        targets[np.arange(len(self)), self.numbers] = self.r
        return targets

    def first(self, count: int) -> "Composites":
        """The first of them; ValueError where there are fewer."""
        if not 1 <= count <= len(self):
            raise ValueError(f"{count} composites asked for, but there are {len(self)}; ask for fewer")
        return self.part(0, count)

    def part(self, start: int, stop: int) -> "Composites":
        """Those from `start` on, before `stop`."""
        return replace(self, images=self.images[start:stop], labels=self.labels[start:stop])


def load(source: str = "digits", directory: str | Path | None = None) -> Digits:
    """Load a source: "digits" (8 × 8 pixels, part of scikit-learn), or "mnist", "fashion-mnist" (28 × 28).

    directory: where the IDX files are, plain or compressed (.gz), there or in a folder named as the source;
    without it the environment variable BOOK_DATA; without that the cache, into which MNIST is downloaded once.
    MNIST's files must have the known content, wherever they come from.
    Raises ValueError for an unknown source and for files that are wrong, FileNotFoundError for files that are
    missing, ConnectionError where the download fails.
    """
    if source == "digits":
        return _embedded()
    if source not in SOURCES:
        raise ValueError(f"source = {source!r} is unknown; choose one of {', '.join(NAMES)}")
    directory = directory or os.environ.get("BOOK_DATA")
    contents = {}
    for part, name in FILES.items():
        path = _find(Path(directory), source, name) if directory else _cached(source, part)
        contents[part] = (path, _content(path, SOURCES[source].sha256.get(part)))
    arrays = {part: _idx(path, content, part) for part, (path, content) in contents.items()}
    for kind in ("train", "test"):
        images, labels = arrays[f"{kind}_images"], arrays[f"{kind}_labels"]
        if len(images) != len(labels):
            path = contents[f"{kind}_labels"][0]
            raise ValueError(
                f"{path} has {len(labels)} labels for {len(images)} images; take all four files from one place"
            )
    if arrays["train_images"].shape[1:] != arrays["test_images"].shape[1:]:
        raise ValueError(
            f"{contents['test_images'][0]} has images of another size than the training images; take all four "
            "files from one place"
        )
    digest = hashlib.sha256(b"".join(content for _, content in contents.values())).hexdigest()
    return Digits(source, digest, **arrays)


def side_by_side(images: np.ndarray, labels: np.ndarray, digits: int = 3, r: float = 10.0) -> Composites:
    """Composites of the paper: position j shows the images of the j-th part, in their order.

    The images are cut into as many equal parts as there are digits; a remainder at the end is left out. MNIST
    gives 20000 training and 3333 test composites of three digits. Raises ValueError for too few images.
    """
    _check(images, labels, digits)
    count = len(images) // digits
    if count < 1:
        raise ValueError(f"{len(images)} images are too few for one composite of {digits} digits")
    chosen = np.arange(digits * count).reshape(digits, count).T
    return _compose(images, labels, chosen, r)


def at_random(
    images: np.ndarray,
    labels: np.ndarray,
    count: int,
    rng: np.random.Generator,
    digits: int = 3,
    r: float = 10.0,
) -> Composites:
    """`count` composites of images drawn independently, each from all of them, by a numpy Generator."""
    _check(images, labels, digits)
    check_count("count", count)
    return _compose(images, labels, rng.integers(len(images), size=(count, digits)), r)


def _compose(images: np.ndarray, labels: np.ndarray, chosen: np.ndarray, r: float) -> Composites:
    n, digits = chosen.shape
    height, width = images.shape[1:]
    joined = images[chosen].transpose(0, 2, 1, 3).reshape(n, height, digits * width)
    return Composites(joined, labels[chosen], float(r))


def _check(images: np.ndarray, labels: np.ndarray, digits: int) -> None:
    if not 1 <= digits <= 5:
        raise ValueError(f"digits = {digits} must lie from 1 to 5: the network has 10**digits outputs")
    if len(images) == 0 or len(images) != len(labels):
        raise ValueError(f"{len(images)} images and {len(labels)} labels; give equally many, at least one")
    if np.min(labels) < 0 or np.max(labels) > 9:
        raise ValueError(f"labels from {np.min(labels)} to {np.max(labels)}; digits have labels from 0 to 9")


def _embedded() -> Digits:
    """scikit-learn's digits, in a fixed random order: 1350 for training, 447 for test."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    images, labels = (data.images[order] / 16).astype(np.float32), data.target[order].astype(np.int64)
    digest = hashlib.sha256(data.images.astype(np.uint8).tobytes() + data.target.astype(np.uint8).tobytes())
    return Digits("digits", digest.hexdigest(), images[:1350], labels[:1350], images[1350:], labels[1350:])


def _find(directory: Path, source: str, name: str) -> Path:
    """The file in the user's directory."""
    for folder in (directory, directory / source):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise FileNotFoundError(
        f"neither {name} nor {name}.gz is in {directory} or its folder {source}; put it there, or name another "
        "directory (argument directory, or the environment variable BOOK_DATA)"
    )


def _cached(source: str, part: str) -> Path:
    """The file in the cache, downloaded on its first use."""
    import pooch

    folder, name = Path(pooch.os_cache(CACHE)) / source, FILES[part]
    path, known = folder / f"{name}.gz", SOURCES[source]
    if path.name not in known.registry:
        raise FileNotFoundError(
            f"{source} is not downloaded, for its checksums are not known here: get {name} and the other three "
            "files yourself, and name their directory (argument directory, or the environment variable BOOK_DATA)"
        )
    failures = []
    for mirror in known.mirrors:  # nothing enters the cache before its checksum is verified
        store = pooch.create(folder, mirror, registry=known.registry, env=None)
        try:
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=30)
            return Path(store.fetch(path.name, downloader=downloader))
        except (OSError, ValueError) as error:
            failures.append(f"{mirror}: {error}")
    raise ConnectionError(
        f"{path.name} could not be had: "
        + "; ".join(failures)
        + f". Try again with a network, or get the four files of {source} elsewhere and name their directory "
        "(argument directory, or the environment variable BOOK_DATA)"
    )


def _content(path: Path, sha256: str | None) -> bytes:
    """The uncompressed bytes of a file, which must have the SHA-256 if one is known."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is truncated or corrupt ({error}); delete it and get it anew") from None
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(
            f"{path} has other content than the published file (SHA-256 "
            f"{hashlib.sha256(content).hexdigest()[:12]}…, not {sha256[:12]}…); delete it and get it anew"
        )
    return content


def _idx(path: Path, content: bytes, part: str) -> np.ndarray:
    """Images as float32 from 0 to 1, or labels, out of a file in the IDX format."""
    kind, dimensions = part.split("_")[1], 3 if "images" in part else 1
    header = 4 + 4 * dimensions
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) < header:
        raise ValueError(
            f"{path} is no IDX file of {kind} (bytes in {dimensions} dimensions); get {FILES[part]}"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, 4))
    if len(content) != header + np.prod(shape, dtype=object) or 0 in shape:
        raise ValueError(
            f"{path} has {len(content) - header} bytes of data where its header {shape} asks for "
            f"{np.prod(shape, dtype=object)}; it is truncated or corrupt: delete it and get it anew"
        )
    data = np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    if kind == "images":
        return data.astype(np.float32) / np.float32(255)
    if data.max() > 9:
        raise ValueError(f"{path} has the label {data.max()}; labels are 0 to 9: get {FILES[part]} anew")
    return data.astype(np.int64)
