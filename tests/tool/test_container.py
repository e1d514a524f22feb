"""The container: what is written is read, by the page's own reader too, and damage is one line."""

from __future__ import annotations

import random
import re
import struct
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcmflow.core.errors import VcmflowError
from vcmflow.encode.registry import CODECS
from vcmflow.tool.compress import compress
from vcmflow.tool.container import Header, Segment, Writer, open_container
from vcmflow.tool.info import read_info
from vcmflow.tool.method import Method
from vcmflow.tool.restore import Receiver
from vcmflow.tool.source import open_timed

PAGE = Path(__file__).parents[2] / "docs" / "container.md"
HEADER = Header(
    codec={"codec": "x264"},
    point=37,
    roles=("base", "more"),
    width=64,
    height=48,
    time_base=Fraction(1, 12800),
    fps=25.0,
    sampler={"sampler": "uniform"},
    keep="1/3",
    reconstructor={"reconstructor": "flow"},
    rotation=90,
    aspect=Fraction(16, 11),
    colour=(9, 16),
)


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    gaps = draw(st.lists(st.integers(0, 255), max_size=4))
    n = len(gaps) + 1 + sum(gaps)
    first = draw(st.integers(-(10**9), 10**12))
    steps = draw(
        st.one_of(
            st.integers(1, 10**6).map(lambda step: [step] * n),
            st.lists(st.integers(1, 10**6), min_size=n, max_size=n),
        )
    )
    times = [first]
    for step in steps:
        times.append(times[-1] + step)
    streams = {role: draw(st.binary(max_size=50)) for role in HEADER.roles}
    return Segment(tuple(gaps), tuple(times[:-1]), times[-1], streams)


def write(path: Path, parts: list[Segment], header: Header = HEADER) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, header)
        for part in parts:
            writer.add(part)
        writer.close()
    return path


@settings(max_examples=60, deadline=None)
@given(st.lists(segments(), max_size=3))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, parts) -> None:
    path = write(tmp_path_factory.mktemp("c") / "a.vcm", parts)
    namespace: dict[str, Any] = {}
    code = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)[0]
    exec(code, namespace)  # noqa: S102  (the page's reader)
    header, there = namespace["read"](path)
    with open_container(path) as reader:
        found = list(reader)
        reader.check()
        assert reader.header == HEADER
        assert header["time_base"] == [1, 12800]
        overhead = reader.start + sum(part.overhead for part in found)
    sent = sum(len(data) for part in parts for data in part.streams.values())
    assert overhead + sent == path.stat().st_size
    assert [replace(part, checksum=0, overhead=0) for part in found] == parts
    assert there == [(list(p.gaps), list(p.times), p.end, p.streams) for p in parts]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "0, not a whole number in 1..16384"),
        ({"height": 20000}, "20000, not a whole number"),
        ({"rotation": 45}, "rotation"),
        ({"aspect": Fraction(1, 1 << 20)}, "not a whole number"),
        ({"roles": ("a", "a")}, "roles"),
        ({"roles": ()}, "roles"),
        ({"fps": 0.0}, "point or fps"),
        ({"codec": {"name": "x264"}}, "None, no plain word"),
        ({"codec": {"codec": "\x1b[2J"}}, "no plain word"),
        ({"keep": "1\n2"}, "no plain word"),
        ({"time_base": Fraction(1 << 40)}, "not a whole number"),
    ],
)
def test_a_header_that_cannot_be_is_refused(tmp_path, change, message):
    path = write(tmp_path / "a.vcm", [], replace(HEADER, **change))
    with pytest.raises(VcmflowError, match=f"its header is damaged.*{re.escape(message)}"):
        open_container(path)


def test_another_version_and_other_files_are_refused(tmp_path):
    path = write(tmp_path / "a.vcm", [])
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\2" + data[9:])
    with pytest.raises(VcmflowError, match="its version is 2, this reads 1"):
        open_container(path)
    with pytest.raises(VcmflowError, match="it does not begin as one"):
        open_container(PAGE)
    with pytest.raises(VcmflowError, match="cannot be read"):
        open_container(tmp_path)


def test_side_information_that_grows_without_end_is_refused(tmp_path):
    path = write(tmp_path / "a.vcm", [])
    bomb = zlib.compress(bytes(50_000_000), 9)
    body = b"\1" + _varint(len(bomb)) + b"\0\0" + bomb
    start = bytearray(path.read_bytes())
    struct.pack_into("<I", start, 9, 1)
    start[-4:] = struct.pack("<I", zlib.crc32(start[:-4]))
    segment = b"SEGM" + struct.pack("<I", len(body)) + body + struct.pack("<I", zlib.crc32(body))
    path.write_bytes(bytes(start) + segment)
    with open_container(path) as reader:
        assert list(reader) == []
        with pytest.raises(VcmflowError, match="gaps and times do not fit"):
            reader.check()


def test_a_playlist_in_place_of_a_stream_is_not_followed(make_video, tmp_path):
    """Whatever ffmpeg could take it for, nothing but the codec's own format is read."""
    secret = make_video(1)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode()
    for codec in CODECS:
        header = replace(HEADER, codec={"codec": codec}, point=0 if codec == "lossless" else 30)
        part = Segment((), (0,), 512, {"base": playlist})
        path = write(tmp_path / "a.vcm", [part], replace(header, roles=("base",)))
        with open_container(path) as reader, pytest.raises(VcmflowError):
            list(Receiver(reader).frames())


def _varint(value: int) -> bytes:
    return bytes([value & 127 | 128]) + _varint(value >> 7) if value > 127 else bytes([value])


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, put in, taken out or moved; half the time with right checksums."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        place = chance.randrange(len(out)) if out else 0
        kind = chance.randrange(5)
        if kind == 0 and out:
            out[place] = chance.randrange(256)
        elif kind == 1:
            out[place:place] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 2:
            del out[place : place + chance.randrange(1, 40)]
        elif kind == 3:
            out += out[place : place + 100]
        elif out:
            out[place] ^= 1 << chance.randrange(8)
    if chance.random() < 0.5:
        mend(out)
    return bytes(out)


def mend(out: bytearray) -> None:
    """Give a damaged file checksums that are right, so that what is behind them is reached."""
    if len(out) < 25:
        return
    at = 25 + struct.unpack_from("<I", out, 21)[0]
    if at + 4 <= len(out):
        struct.pack_into("<I", out, at, zlib.crc32(out[:at]))
    place = out.find(b"SEGM")
    while place >= 0 and place + 12 <= len(out):
        end = place + 8 + struct.unpack_from("<I", out, place + 4)[0]
        if end + 4 <= len(out):
            struct.pack_into("<I", out, end, zlib.crc32(out[place + 8 : end]))
        place = out.find(b"SEGM", place + 4)


def attack(original: bytes, folder: Path, count: int, decode_every: int, seed: int) -> int:
    """Read mutated files; every ``decode_every``-th that can be read is decoded, too."""
    chance, path, read = random.Random(seed), folder / "m.vcm", 0
    for _ in range(count):
        path.write_bytes(mutated(original, chance))
        try:
            with open_container(path) as reader:
                info = read_info(reader)
                read += bool(info["segments"])
                if info["segments"] and read % decode_every == 0:
                    receiver = Receiver(reader, "hold")
                    for frame, _, duration in receiver.frames():
                        assert frame.shape == (reader.header.height, reader.header.width, 3)
                        assert duration > 0
                reader.check()
        except VcmflowError as error:
            assert "\n" not in str(error)
    assert [entry.name for entry in folder.iterdir()] == ["m.vcm"]
    return read


@pytest.mark.parametrize(
    ("codec", "count", "decode_every"),
    [
        ("{codec: x264, preset: ultrafast, intra_period: 4}", 1000, 100),
        pytest.param("vvenc", 3000, 20, marks=pytest.mark.slow),
        pytest.param("{codec: x265, intra_period: 4}", 3000, 20, marks=pytest.mark.slow),
        pytest.param("{codec: av1, intra_period: 4}", 4000, 20, marks=pytest.mark.slow),
    ],
)
def test_mutated_files_are_refused_or_read(make_video, tmp_path, codec, count, decode_every):
    whole, folder = tmp_path / "a.vcm", tmp_path / "attack"
    folder.mkdir()
    compress(open_timed(make_video(12)), whole, method=Method(codec=codec), seconds=0.2)
    assert attack(whole.read_bytes(), folder, count, decode_every, seed=1) > count / 10
