"""Grey images of 32 × 32 pixels: a blob and rings, one inside or outside the other, in contact or apart.

A blob is a closed outline around its centre, R(φ) = R₀ (1 + Σ_k a_k cos(kφ + ψ_k)) with k = 2, 3, 4; a ring is a
circle. Outlines are 1.2 pixels wide with an edge of one pixel, the ground is 0, and the value of an
outline is drawn between 0.7 and 1. Lengths are in pixels, positions from 0 at the first pixel's centre.
"""

from dataclasses import dataclass

import numpy as np

SIZE = 32
AT_ONCE = 250  # images whose outlines are computed together: each needs some 100 kB
HARMONICS = np.arange(2, 5)
AMPLITUDE = 0.05  # the largest share of R₀ that one harmonic adds
WIDTH = 1.2  # of an outline
MARGIN = 1.0  # that every outline keeps to the edge of the image
TOUCH = 0.3  # how far from exact a contact may be
APART = (2.5, 6.0)  # free space between outlines that do not touch, smallest and largest
BLOB_RADII, RING_RADII = (8.0, 10.5), (2.2, 3.0)
WIDE_RADII, SMALL_RADII = (10.5, 12.0), (1.6, 2.1)  # of blobs and rings where the rings are counted


@dataclass(frozen=True)
class Blobs:
    """A blob an image. All arrays have the images as their first axis."""

    centre: np.ndarray  # (n, 2): across, down
    radius: np.ndarray  # (n,): R₀
    amplitudes: np.ndarray  # (n, 3)
    phases: np.ndarray  # (n, 3)

    def at(self, angle: np.ndarray) -> np.ndarray:
        """R at angles (n, m)."""
        waves = (self.amplitudes[:, None] * np.cos(self._arguments(angle))).sum(-1)
        return self.radius[:, None] * (1 + waves)

    def slope(self, angle: np.ndarray) -> np.ndarray:
        """dR/dφ at angles (n, m)."""
        waves = (self.amplitudes[:, None] * HARMONICS * np.sin(self._arguments(angle))).sum(-1)
        return self.radius[:, None] * -waves

    def _arguments(self, angle: np.ndarray) -> np.ndarray:
        return angle[..., None] * HARMONICS + self.phases[:, None]

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Distance of points (n, m, 2) to the outline, above 0 inside."""
        angles = np.broadcast_to(np.linspace(0, 2 * np.pi, 72, endpoint=False), (len(points), 72))
        radius = self.at(angles)[..., None]
        outline = self.centre[:, None] + radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        away = points - self.centre[:, None]
        distance = np.sqrt(((points[:, :, None] - outline[:, None]) ** 2).sum(-1).min(-1))
        within = np.hypot(*np.moveaxis(away, -1, 0)) < self.at(np.arctan2(away[..., 1], away[..., 0]))
        return np.where(within, distance, -distance)

    def take(self, index: np.ndarray) -> "Blobs":
        return Blobs(self.centre[index], self.radius[index], self.amplitudes[index], self.phases[index])


def some_blobs(n: int, rng: np.random.Generator, radii: tuple[float, float] = BLOB_RADII) -> Blobs:
    """n blobs, each somewhere in its image."""
    radius = rng.uniform(*radii, n)
    amplitudes = rng.uniform(0, AMPLITUDE, (n, 3))
    room = radius * (1 + amplitudes.sum(1)) + MARGIN
    centre = room[:, None] + rng.uniform(0, 1, (n, 2)) * (SIZE - 1 - 2 * room)[:, None]
    return Blobs(centre, radius, amplitudes, rng.uniform(0, 2 * np.pi, (n, 3)))


def in_frame(centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Whether circles lie in their image with a margin: (n, m) for centres (n, m, 2) and radii (n, m)."""
    return (np.abs(centres - (SIZE - 1) / 2) + radii[..., None] + MARGIN <= (SIZE - 1) / 2).all(-1)


def draw(blobs: Blobs | None, centres: np.ndarray, radii: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Images (n, 32, 32), float32. centres: (n, m, 2) and radii: (n, m) of rings; nan: no ring there."""
    images = np.zeros((len(centres), SIZE, SIZE))
    across, down = np.arange(SIZE), np.arange(SIZE)[:, None]
    if blobs is not None:
        parts = np.array_split(np.arange(len(images)), len(images) // AT_ONCE + 1)
        distance = np.concatenate([_from_outline(blobs.take(part), across, down) for part in parts])
        images = _outline(images, distance, rng)
    for ring in range(centres.shape[1]):
        x = across - centres[:, ring, 0, None, None]
        y = down - centres[:, ring, 1, None, None]
        images = _outline(images, np.abs(np.hypot(x, y) - radii[:, ring, None, None]), rng)
    return images.astype(np.float32)


def _from_outline(blobs: Blobs, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Distance of every pixel from the blob's outline, to first order: (n, 32, 32)."""
    x = across - blobs.centre[:, 0, None, None]
    y = down - blobs.centre[:, 1, None, None]
    angles = _angles(x, y)
    radius, slope = (made(angles).reshape(len(x), SIZE, SIZE) for made in (blobs.at, blobs.slope))
    return np.abs(np.hypot(x, y) - radius) / np.sqrt(1 + (slope / radius) ** 2)


def _angles(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.arctan2(*np.broadcast_arrays(y, x)).reshape(len(x), SIZE * SIZE)


def _outline(images: np.ndarray, distance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    value = rng.uniform(0.7, 1, (len(images), 1, 1))
    line = value * np.clip((WIDTH + 1) / 2 - distance, 0, 1)
    return np.maximum(images, np.nan_to_num(line))
