"""The images of the three visual tasks, drawn again where something does not fit.

Each function makes n images, of which a given property holds, and needs nothing but a random generator.
"""

from collections.abc import Callable

import numpy as np

from lib.oddity.rendering import (
    APART,
    BLOB_RADII,
    RING_RADII,
    SMALL_RADII,
    TOUCH,
    draw,
    in_frame,
    some_blobs,
)

CLEAR = 1.2  # least distance between the outlines of small rings and whatever is near, see inside_number
TRIES = 40  # places tried for a ring before its image is drawn anew


def inside_contact(n: int, inside: int, contact: int, rng: np.random.Generator) -> np.ndarray:
    """A ring inside a blob or outside, on its outline or apart from it. inside, contact: 1 or 0."""

    def some(count: int) -> np.ndarray:
        blobs = some_blobs(count, rng)
        radii = rng.uniform(*RING_RADII, count)
        gap = rng.uniform(-TOUCH, TOUCH, count) if contact else rng.uniform(*APART, count)
        sign = 1 if inside else -1
        wanted = radii + gap
        angle = rng.uniform(0, 2 * np.pi, (count, 1))
        ray = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
        along = blobs.at(angle)[0][:, 0] - sign * wanted
        for _ in range(3):  # Newton's method on the distance, whose slope along the ray is nearly 1
            found = blobs.inside((blobs.centre + along[:, None] * ray)[:, None])[:, 0]
            along = along + (found - sign * wanted)
        centres = (blobs.centre + along[:, None] * ray)[:, None]
        error = np.abs(blobs.inside(centres)[:, 0] - sign * wanted)
        good = (error < 0.05) & (along >= 0) & in_frame(centres, radii[:, None])[:, 0]
        return draw(blobs.take(good), centres[good], radii[good, None], rng)

    return _until(n, some)


def inside_number(n: int, inside: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Rings whose outlines meet no other, all inside a blob or all but one. number: of rings, inside: 1 or 0.

    CLEAR is as small as the width of an outline, so outlines run together on pixels: of the 1000 images of the test
    with each number, from 1 to 4, some do in 29, 58, 86 and 95 % (pixels above 0.4, with their eight neighbours).
    """

    def some(count: int) -> np.ndarray:
        blobs = some_blobs(count, rng, (BLOB_RADII[0] + 0.5, BLOB_RADII[1]))
        radii = rng.uniform(*SMALL_RADII, (count, number))
        centres, good = np.empty((count, number, 2)), np.ones(count, dtype=bool)
        for ring in range(number):
            sign = -1 if ring == 0 and not inside else 1
            places = rng.uniform(0, 31, (count, TRIES, 2))
            own = radii[:, ring, None]
            free = (sign * blobs.inside(places) >= own + CLEAR) & in_frame(places, own + np.zeros((1, TRIES)))
            free &= _clear(places, own, centres[:, :ring], radii[:, :ring])
            centres[:, ring] = places[np.arange(count), free.argmax(1)]
            good &= free.any(1)
        return draw(blobs.take(good), centres[good], radii[good], rng)

    return _until(n, some)


def number_contact(n: int, number: int, contact: int, rng: np.random.Generator) -> np.ndarray:
    """Rings each of which touches another, or all but one do. number: of rings, from 2; contact: 1 or 0."""

    def some(count: int) -> np.ndarray:
        radii = rng.uniform(*RING_RADII, (count, number))
        centres, good = np.empty((count, number, 2)), np.ones(count, dtype=bool)
        centres[:, 0] = rng.uniform(0, 31, (count, 2))
        for ring in range(1, number):
            alone = ring == number - 1 and not contact
            partner = rng.integers(ring, size=(count, TRIES))
            bounds = APART if alone else (-TOUCH, TOUCH)
            rows, own = np.arange(count), radii[:, ring, None]
            away = own + radii[rows[:, None], partner] + rng.uniform(*bounds, (count, TRIES))
            angle = rng.uniform(0, 2 * np.pi, (count, TRIES))
            ray = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
            places = centres[rows[:, None], partner] + away[..., None] * ray
            space = _space(places, own, centres[:, :ring], radii[:, :ring])
            np.put_along_axis(space, partner[..., None], np.inf, axis=-1)
            free = (space >= APART[0]).all(-1) & in_frame(places, own + np.zeros((1, TRIES)))
            centres[:, ring] = places[rows, free.argmax(1)]
            good &= free.any(1)
        good &= in_frame(centres, radii).all(1)
        return draw(None, centres[good], radii[good], rng)

    return _until(n, some)


def _space(places: np.ndarray, own: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Free space (n, tries, others) between a circle at places (n, tries, 2) and others."""
    distance = np.linalg.norm(places[:, :, None] - centres[:, None], axis=-1)
    return distance - own[..., None] - radii[:, None]


def _clear(places: np.ndarray, own: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    return np.all(_space(places, own, centres, radii) >= CLEAR, axis=-1)


def _until(n: int, some: Callable) -> np.ndarray:
    """n images from a function that makes at most as many as it is asked for."""
    parts, made = [], 0
    while made < n:
        parts.append(some(min(1000, 2 * n)))
        made += len(parts[-1])
    return np.concatenate(parts)[:n]
