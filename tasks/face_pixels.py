"""A face cut out of a frame at one size and place, and what can be read from it: is the mouth open, is it covered. Pure arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nightdub.tasks.lips import Box

Picture = npt.NDArray[np.uint8]  # (height, width), grey, or (height, width, 3), BGR

# An aligned face is 96 pixels wide and reaches from the top of its box to below the chin; parts as rows and columns of it.
SIDE, DEPTH = 96, 115
UPPER = (slice(10, 53), slice(10, 86))  # eyes and nose
MOUTH = (slice(62, 106), slice(19, 77))
_BETWEEN = (slice(65, 100), slice(36, 60))  # the middle of the lips
_CHEEKS = (slice(43, 62), slice(19, 77))
_SKIN = (slice(34, 56), slice(26, 70))  # cheeks and nose, of which most is skin
_AROUND = np.zeros((DEPTH, SIDE), bool)  # upper lip, corners and chin: skin, or what is before it
_AROUND[60:108, 24:72] = True
_AROUND[68:96, 32:64] = False

_DARK = 0.6  # of the cheeks' light: what is darker between the lips is the inside of a mouth
_TEETH, _PALE = 0.8, 0.012  # what has this share of the cheeks' light, and is by this much less red, is teeth (as in `tasks.lips`)
_STRANGE = 14.0  # levels of Cr and Cb together by which a colour is not the skin's: both halves of one face differ by 5 at most
_BLACK, _WHITE = 0.45, 1.5  # of the skin's light: a beard is as dark, but on both sides
COVERED = 0.35  # share of the skin around the lips (a beard: the same, of one half more than of the other) that makes a mouth covered


def aligned(picture: Picture, box: Box) -> Picture:
    """Return a face as 96 x 115 pixels, grey or BGR as it comes, its box's sides at the picture's own.

    What lies outside the film repeats its edge.
    """
    import cv2

    x, y, width, height = box
    place = np.array([[width / SIDE, 0, x], [0, height / SIDE, y]], np.float32)
    options: dict[str, Any] = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}
    return np.asarray(cv2.warpAffine(picture, place, (SIDE, DEPTH), **options), np.uint8)


def opening(face: Picture) -> float:
    """Return the share of an aligned BGR face's middle of the lips that is dark or teeth, 0..1.

    Shadow and beards are dark as well, and a black and white film shows no teeth, so that only changes mean something.
    """
    cheeks, between = (_light_and_redness(face[part]) for part in (_CHEEKS, _BETWEEN))
    light, redness = (float(np.median(values)) for values in cheeks)
    teeth = (between[0] > _TEETH * light) & (between[1] < redness - _PALE)
    return float(np.mean((between[0] < _DARK * light) | teeth))


def covered(face: Picture) -> bool:
    """Return whether something is before the mouth of an aligned BGR face: a cup, a microphone, a mask.

    Skin around the lips has the colour of the cheeks; a beard is dark on both sides. A bare hand is skin, and is not seen.
    """
    import cv2

    light, *colour = np.moveaxis(cv2.cvtColor(face, cv2.COLOR_BGR2YCrCb).astype(np.float32), -1, 0)
    middle = max(float(np.median(light[_SKIN])), 1.0)
    strange = np.hypot(*(channel - np.median(channel[_SKIN]) for channel in colour)) > _STRANGE
    black = light < _BLACK * middle
    sides = _AROUND.copy(), _AROUND.copy()
    sides[0][:, SIDE // 2 :] = sides[1][:, : SIDE // 2] = False
    one, other = (float(np.mean(black[side])) for side in sides)
    odd = float(np.mean((~black & (strange | (light > _WHITE * middle)))[_AROUND]))
    return odd > COVERED or abs(one - other) > COVERED


def _light_and_redness(picture: Picture) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return BT.601 luma, and the pseudo hue of Hulbert and Poggio 1998: red over red and green."""
    blue, green, red = np.moveaxis(picture.astype(np.float32), -1, 0)
    return 0.114 * blue + 0.587 * green + 0.299 * red, red / (green + red + 1)
