"""COCO's run lengths: what is written comes back, and what does not fit is refused."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle

from vcmflow.core.errors import VcmflowError
from vcmflow.core.rle import decode_mask, encode_mask


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_masks_are_coded_as_pycocotools_reads_them(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 30))
    bits = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(bits).reshape(height, width)
    code = encode_mask(mask)
    assert rle.area(code) == mask.sum()
    np.testing.assert_array_equal(decode_mask(code), mask)
    np.testing.assert_array_equal(decode_mask(code, size=(height, width)), mask)
    runs = [len(list(run)) for _, run in groupby(mask.T.ravel().tolist())]
    plain = {"size": [height, width], "counts": [0, *runs] if mask[0, 0] else runs}
    np.testing.assert_array_equal(decode_mask(plain), mask)
    with pytest.raises(VcmflowError, match="frames are"):
        decode_mask(code, size=(height + 1, width))


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [[0, 0, 1, 1]],
        {"size": [4, 4], "counts": "0"},
        {"size": [4, 4], "counts": "ÿ"},
        {"size": [4, 4], "counts": "oooooooooooooooooo"},
        {"size": [-4, 4], "counts": "`0"},
        {"size": [4, 4], "counts": "P"},
        {"size": [4, 4], "counts": [8, -1, 9]},
        {"size": [4, 4], "counts": [8.0, 8.0]},
        {"size": [4, 4], "counts": [17]},
        {"size": [4, 4], "counts": None},
        {"size": [1 << 20, 1 << 20], "counts": "0"},
    ],
)
def test_a_mask_that_does_not_fit_its_size_is_refused(segmentation: Any) -> None:
    with pytest.raises(VcmflowError, match="segmentation: "):
        decode_mask(segmentation)
