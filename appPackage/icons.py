"""Draws the app's two icons in the sizes that Teams asks for. Run it to write them anew.

A speech bubble with a tick in it. Written by hand as PNG, so that nothing has to be installed to change a colour.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
BLUE, WHITE, CLEAR = (0x1F, 0x4E, 0x79, 255), (255, 255, 255, 255), (255, 255, 255, 0)
TAIL = ((0.2, 0.6), (0.52, 0.76), (0.2, 0.95))
FINE = 4
"""Points looked at along each side of a pixel, for smooth edges."""

Colour = tuple[int, int, int, int]
Inside = Callable[[float, float], bool]


def bubble(x: float, y: float) -> bool:
    """Whether a point of the unit square lies on the bubble: a circle with a tail."""
    sides = [_left(x, y, a, b) for a, b in zip(TAIL, (*TAIL[1:], TAIL[0]), strict=True)]
    return (x - 0.5) ** 2 + (y - 0.46) ** 2 <= 0.36**2 or all(sides)


def tick(x: float, y: float, half: float = 0.05) -> bool:
    """Whether a point lies on the tick."""
    return _near(x, y, (0.33, 0.47), (0.45, 0.6), half) or _near(x, y, (0.45, 0.6), (0.68, 0.34), half)


def _left(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (y - a[1]) >= (b[1] - a[1]) * (x - a[0])


def _near(x: float, y: float, a: tuple[float, float], b: tuple[float, float], half: float) -> bool:
    (ax, ay), (bx, by) = a, b
    along = max(0.0, min(1.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)))
    return (x - ax - along * (bx - ax)) ** 2 + (y - ay - along * (by - ay)) ** 2 <= half**2


def within(shape: Inside, margin: float) -> Inside:
    """The shape, drawn smaller with a margin around it."""
    return lambda x, y: shape((x - margin) / (1 - 2 * margin), (y - margin) / (1 - 2 * margin))


def png(size: int, shape: Inside, on: Colour, off: Colour) -> bytes:
    """A square picture of a shape."""
    rows = b"".join(b"\0" + b"".join(_pixel(size, x, y, shape, on, off) for x in range(size)) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _pixel(size: int, x: int, y: int, shape: Inside, on: Colour, off: Colour) -> bytes:
    steps = [(n + 0.5) / FINE for n in range(FINE)]
    share = sum(shape((x + dx) / size, (y + dy) / size) for dx in steps for dy in steps) / FINE**2
    return bytes(round(a * share + b * (1 - share)) for a, b in zip(on, off, strict=True))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def draw() -> dict[str, bytes]:
    """Both icons by file name."""
    cut = within(lambda x, y: bubble(x, y) and not tick(x, y), 0.2)
    outline = within(lambda x, y: bubble(x, y) and not tick(x, y, 0.07), 0.04)
    return {"color.png": png(192, cut, WHITE, BLUE), "outline.png": png(32, outline, WHITE, CLEAR)}


if __name__ == "__main__":
    for name, data in draw().items():
        (HERE / name).write_bytes(data)
