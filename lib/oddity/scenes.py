"""The images of the three visual tasks, drawn again where something does not fit.

Each function makes n images, of which a given property holds, and needs nothing but a random generator.
"""

from collections.abc import Callable

import numpy as np

from lib.oddity.rendering import (
    APART,
    RING_RADII,
    SMALL_RADII,
    TOUCH,
    WIDE_RADII,
    draw,
    in_frame,
    some_blobs,
)

MOST, PLACES = 4, 100  # rings inside a blob; places in its image, of which rings take the first that are free
TRIES = 40  # places tried for a ring before its image is drawn anew


def inside_contact(n: int, inside: int, contact: int, rng: np.random.Generator) -> np.ndarray:
    """A ring inside a blob or outside, on its outline or apart from it. inside, contact: 1 or 0.

    Drawn anew where the ring does not fit, blobs are a little smaller where it is outside and apart: 8.9 against 9.3.
    """

    def some(count: int) -> np.ndarray:
        blobs = some_blobs(count, rng)
        radii = rng.uniform(*RING_RADII, count)
        gap = rng.uniform(-TOUCH, TOUCH, count) if contact else rng.uniform(*APART, count)
        sign = 1 if inside else -1
        wanted = radii + gap
        angle = rng.uniform(0, 2 * np.pi, (count, 1))
        ray = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
        along = blobs.at(angle)[:, 0] - sign * wanted
        for _ in range(3):  # Newton's method on the distance, whose slope along the ray is nearly 1
            found = blobs.inside((blobs.centre + along[:, None] * ray)[:, None])[:, 0]
            along = along + (found - sign * wanted)
        centres = (blobs.centre + along[:, None] * ray)[:, None]
        error = np.abs(blobs.inside(centres)[:, 0] - sign * wanted)
        good = (error < 0.05) & (along >= 0) & in_frame(centres, radii[:, None])[:, 0]
        return draw(blobs.take(good), centres[good], radii[good, None], rng)

    return _until(n, some)


def inside_number(n: int, inside: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Rings apart from every outline, all inside a blob or all but one. number: of rings, 1 to 4; inside: 1 or 0.

    Every image has room for four rings inside and one outside, and shows some of them. Drawn anew where just its own
    rings do not fit, an image with more of them would have a larger blob and smaller rings, which give its number
    away. What does tell beside the rule: the more rings the more ink, and a ring outside is near a corner.
    """

    def some(count: int) -> np.ndarray:
        blobs = some_blobs(count, rng, WIDE_RADII)
        radii = rng.uniform(*SMALL_RADII, (count, 1 + MOST))  # of the ring outside, then of those inside
        centres, good = np.empty((count, 1 + MOST, 2)), np.ones(count, dtype=bool)
        places = rng.uniform(0, 31, (count, PLACES, 2))
        depth = blobs.inside(places)
        for ring in range(1 + MOST):
            own = radii[:, ring, None]
            free = (depth if ring else -depth) >= own + APART[0]
            free &= in_frame(places, own + np.zeros((1, PLACES)))
            free &= (_space(places, own, centres[:, :ring], radii[:, :ring]) >= APART[0]).all(-1)
            centres[:, ring] = places[np.arange(count), free.argmax(1)]
            good &= free.any(1)
        order = np.insert(rng.permuted(np.tile(np.arange(MOST), (count, 1)), axis=1) + 1, 0, 0, axis=1)
        shown = np.arange(count)[:, None], order[:, inside : inside + number]
        return draw(blobs.take(good), centres[shown][good], radii[shown][good], rng)

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


def _until(n: int, some: Callable) -> np.ndarray:
    """n images from a function that makes at most as many as it is asked for."""
    parts, made = [], 0
    while made < n:
        parts.append(some(min(1000, 2 * n)))
        made += len(parts[-1])
    return np.concatenate(parts)[:n]
