"""The codecs. Light, so that planning can use it.

Adding a codec is one file (see ``vcmflow.encode.codec.Codec``) and one line in each table here.
"""

from __future__ import annotations

from vcmflow.core.registry import Entry

# Name -> "module:builder", for ``vcmflow.core.registry.lookup``. A builder takes the encoder's
# preset, the intra period of random access, the number of threads, and the codec's own options.
CODECS: dict[str, Entry] = {
    "vvenc": Entry("vcmflow.encode.vvenc:build"),
    "x264": Entry("vcmflow.encode.x264:build"),
    "x265": Entry("vcmflow.encode.x265:build"),
}

# Name -> how a stream's file name ends; the decoder knows the syntax by it.
SUFFIXES: dict[str, str] = {"vvenc": ".266", "x264": ".264", "x265": ".265"}

# Name -> lowest and highest QP.
QP_RANGES: dict[str, tuple[int, int]] = {"vvenc": (0, 63), "x264": (0, 51), "x265": (0, 51)}
