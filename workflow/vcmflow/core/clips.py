"""What a network of clips sees of a video: which frames, and at what size.

The same on both sides of a codec: an import that samples writes what the network will see, so that
this is coded; a model that samples sees it in a video that was coded whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcmflow.core.errors import VcmflowError
from vcmflow.core.ranges import Count, Natural

if TYPE_CHECKING:
    from vcmflow.core.video import Frame


@dataclass(frozen=True)
class View:
    """What a network sees.

    Attributes:
        frames: of a clip.
        stride: frames from one to the next; 0: they are spread over the whole video.
        short_side: px; frames are resized to it, their aspect kept.
        crop: px; side of the square in their middle.
    """

    frames: Count
    stride: Natural
    short_side: Count
    crop: Count

    def __post_init__(self) -> None:
        if self.crop > self.short_side:
            raise VcmflowError(
                f"crop is {self.crop}; allowed: at most short_side, which is {self.short_side}"
            )

    def indices(self, total: int, clips: int = 1) -> list[list[int]]:
        """The frames of clips that are spread evenly over a video, from 0.

        The video is cut into equal parts. A clip lies in the middle of its part; where the frames
        of one clip are spread, each frame does (the test mode of TSN and TSM).

        Args:
            total: frames of the video.
            clips: how many; 1 where the frames are spread.

        Raises:
            VcmflowError: the video is shorter than a clip.
        """
        span = 1 if self.stride == 0 else (self.frames - 1) * self.stride + 1
        if total < max(span, self.frames):
            apart = f" with a stride of {self.stride}" if self.stride > 1 else ""
            raise VcmflowError(
                f"the video has {total} frames, a clip of {self.frames}{apart} needs "
                f"{max(span, self.frames)}; leave the video out, or lower frames or stride"
            )
        parts = self.frames if self.stride == 0 else clips
        starts = [int((k + 0.5) * (total - span + 1) / parts) for k in range(parts)]
        if self.stride == 0:
            return [starts]
        return [list(range(start, start + span, self.stride)) for start in starts]

    def square(self, frame: Frame) -> Frame:
        """The square that is seen of a frame: uint8 crop x crop x 3.

        A frame that is this square already passes as it is.
        """
        import numpy as np

        from vcmflow.core.resize import fit_short_side, resize

        height, width = frame.shape[:2]
        if height == width == self.crop:
            return frame
        frame = resize(frame, *fit_short_side(height, width, self.short_side))
        top, left = ((length - self.crop) // 2 for length in frame.shape[:2])
        return np.ascontiguousarray(frame[top : top + self.crop, left : left + self.crop])
