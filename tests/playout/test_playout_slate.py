"""The slate: any size, the same every time, words in the middle, no font needed."""

import numpy as np
import pytest

from streamgate.playout import slate


@pytest.mark.parametrize(
    "size", [(1920, 1080), (640, 360), (540, 960), (400, 400), (64, 36), (640, 64), (2, 2)]
)
def test_any_size(size):
    card = slate.render(*size)
    assert (card.size, card.mode) == (size, "RGB")


@pytest.mark.parametrize("size", [(640, 360), (360, 640)])
def test_the_words_stand_in_the_middle_with_room_around(size):
    grey = np.asarray(slate.render(*size).convert("L")).astype(int)
    rows, columns = np.nonzero(grey > 160)
    width, height = size
    assert abs(columns.min() + columns.max() - width) < 0.03 * width
    assert columns.min() > 0.1 * width
    assert rows.min() > 0.15 * height
    assert rows.max() < 0.85 * height
    assert grey[0].max() < 40  # calm and dark towards the edges
    assert (grey > 160).mean() > 0.01


def test_the_same_every_time():
    assert slate.render(320, 180).tobytes() == slate.render(320, 180).tobytes()
