"""Downloads from a server that the test starts, and archives that mean harm."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from vcmflow.__main__ import stage
from vcmflow.core.errors import VcmflowError
from vcmflow.data.archives import Limits, unpack
from vcmflow.data.catalogue import Entry, entry_for, read_catalogue, total_volume
from vcmflow.data.download import MARKER, obtain
from vcmflow.data.fetch import Patience, fetch

BODY = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(BODY).hexdigest()
HASTY = Patience(timeout=0.4, retries=2, backoff=0.01)


@dataclass
class Site:
    """What the server does with a path, and what it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: {"/file": BODY})
    ranges: bool = True
    etag: str | None = '"one"'
    cut_at: list[int] = field(default_factory=list)  # one per answer: bytes until it hangs up
    statuses: list[int] = field(default_factory=list)  # one per answer: refuse with these first
    pause: float = 0.0
    kind: str = "application/octet-stream"
    location: str = ""
    announced: int | None = None
    chunked: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves a Site."""

    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        site = self.site
        wanted = self.headers.get("Range")
        site.asked.append((self.path, wanted))
        self.close_connection = True
        if site.location and self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", site.location)
            self.end_headers()
            return
        if site.statuses:
            self.send_error(site.statuses.pop(0))
            return
        body = site.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = 0
        same = self.headers.get("If-Range") in (None, site.etag)
        if wanted and site.ranges and same:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        body = body[start:]
        self.send_header("Content-Type", site.kind)
        if site.etag:
            self.send_header("ETag", site.etag)
        if site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            length = len(body) if site.announced is None else site.announced
            self.send_header("Content-Length", str(length))
        self.end_headers()
        time.sleep(site.pause)
        part = body[: site.cut_at.pop(0)] if site.cut_at else body
        if site.chunked:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n" if part == body else b"ffff\r\nbroken")
        else:
            self.wfile.write(part)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_and_leaves_nothing_else(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.bin"
    assert fetch(f"{site.url}/file", target, DIGEST.upper(), len(BODY), HASTY) == DIGEST
    assert target.read_bytes() == BODY
    assert left(target.parent) == ["file.bin"]


def test_a_file_that_is_there_is_checked_and_not_fetched_again(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(BODY)
    assert fetch(f"{site.url}/file", target, DIGEST, len(BODY), HASTY) == DIGEST
    target.write_bytes(BODY[:-1] + b"!")
    with pytest.raises(VcmflowError, match=r"sha256 is .* delete"):
        fetch(f"{site.url}/file", target, DIGEST, len(BODY), HASTY)
    with pytest.raises(VcmflowError, match=f"has {len(BODY)} bytes, expected 3"):
        fetch(f"{site.url}/file", target, DIGEST, 3, HASTY)
    assert site.asked == []


def test_a_wrong_checksum_leaves_no_file(site: Site, tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match=f"/file: sha256 is {DIGEST}, expected 00"):
        fetch(f"{site.url}/file", tmp_path / "file", "00" * 32, None, HASTY)
    assert left(tmp_path) == []


def test_a_truncated_body_is_resumed_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.cut_at = [100_000, 50_000]
    fetch(f"{site.url}/file", tmp_path / "file", DIGEST, None, HASTY)
    assert (tmp_path / "file").read_bytes() == BODY
    assert site.asked == [("/file", None), ("/file", "bytes=100000-"), ("/file", "bytes=150000-")]


def test_a_later_call_goes_on_with_what_an_earlier_one_kept(site: Site, tmp_path: Path) -> None:
    site.cut_at = [100_000, 0, 0, 0]
    target = tmp_path / "file"
    with pytest.raises(VcmflowError, match=r"gave up after 3 tries.*100000 bytes are kept"):
        fetch(f"{site.url}/file", target, None, len(BODY), HASTY)
    assert left(tmp_path) == ["file.part", "file.part.json"]
    fetch(f"{site.url}/file", target, None, len(BODY), HASTY)
    assert target.read_bytes() == BODY
    assert site.asked[-1] == ("/file", "bytes=100000-")
    assert left(tmp_path) == ["file"]


def test_a_server_without_ranges_starts_over_cleanly(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    site.cut_at = [100_000]
    fetch(f"{site.url}/file", tmp_path / "file", DIGEST, None, HASTY)
    assert (tmp_path / "file").read_bytes() == BODY
    assert len(site.asked) == 2


def test_a_file_that_changed_on_the_server_is_not_glued_together(
    site: Site, tmp_path: Path
) -> None:
    site.cut_at = [100_000, 0, 0, 0]
    with pytest.raises(VcmflowError, match="gave up"):
        fetch(f"{site.url}/file", tmp_path / "file", None, None, HASTY)
    site.files["/file"] = BODY[::-1]
    site.etag = '"two"'
    fetch(f"{site.url}/file", tmp_path / "file", None, None, HASTY)
    assert (tmp_path / "file").read_bytes() == BODY[::-1]


def test_without_tag_and_checksum_nothing_is_glued_together(site: Site, tmp_path: Path) -> None:
    site.etag = None
    site.cut_at = [100_000]
    fetch(f"{site.url}/file", tmp_path / "file", None, None, HASTY)
    assert (tmp_path / "file").read_bytes() == BODY
    assert [wanted for _, wanted in site.asked] == [None, None]


def test_a_wrong_beginning_is_fetched_again_from_the_start(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    (tmp_path / "file.part.json").write_text(
        json.dumps({"url": f"{site.url}/file", "tag": '"one"'}), "utf-8"
    )
    fetch(f"{site.url}/file", tmp_path / "file", DIGEST, None, HASTY)
    assert (tmp_path / "file").read_bytes() == BODY
    assert [wanted for _, wanted in site.asked] == ["bytes=1000-", None]


def test_a_missing_file_is_final(site: Site, tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match="/none: HTTP status 404"):
        fetch(f"{site.url}/none", tmp_path / "file", None, None, HASTY)
    assert len(site.asked) == 1
    assert left(tmp_path) == []


def test_an_overloaded_server_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.statuses = [503, 429]
    fetch(f"{site.url}/file", tmp_path / "file", DIGEST, None, HASTY)
    site.statuses = [500] * 9
    with pytest.raises(VcmflowError, match="HTTP status 500; gave up after 3 tries"):
        fetch(f"{site.url}/file", tmp_path / "again", DIGEST, None, HASTY)
    assert len(site.asked) == 6


def test_a_silent_server_is_given_up(site: Site, tmp_path: Path) -> None:
    site.pause = 0.3
    hasty = Patience(timeout=0.1, retries=1, backoff=0.01)
    with pytest.raises(VcmflowError, match=r"(no answer in time|timed out).*gave up after 2"):
        fetch(f"{site.url}/file", tmp_path / "file", None, None, hasty)
    assert not (tmp_path / "file").exists()


def test_a_server_that_is_not_there_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match="gave up after 3 tries"):
        fetch("http://127.0.0.1:9/file", tmp_path / "file", None, None, HASTY)


def test_a_chunked_body_that_breaks_off_is_noticed(site: Site, tmp_path: Path) -> None:
    site.chunked = True
    fetch(f"{site.url}/file", tmp_path / "whole", None, None, HASTY)
    assert (tmp_path / "whole").read_bytes() == BODY
    site.ranges = False
    site.cut_at = [1000] * 9
    with pytest.raises(VcmflowError, match="closed in the middle"):
        fetch(f"{site.url}/file", tmp_path / "file", None, None, HASTY)
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "text/html; charset=utf-8"}, "web page"),
        ({"announced": 10**18}, "bytes to fetch, .* are free"),
        ({"files": {"/file": b""}}, "is empty"),
    ],
)
def test_answers_that_are_not_the_file_are_refused(
    change: dict[str, object], words: str, site: Site, tmp_path: Path
) -> None:
    for key, value in change.items():
        setattr(site, key, value)
    with pytest.raises(VcmflowError, match=words):
        fetch(f"{site.url}/file", tmp_path / "file", None, None, HASTY)
    assert not (tmp_path / "file").exists()
    site.asked.clear()


def test_a_file_of_another_size_than_expected_is_refused_at_once(
    site: Site, tmp_path: Path
) -> None:
    with pytest.raises(VcmflowError, match=f"file has {len(BODY)} bytes, expected 9"):
        fetch(f"{site.url}/file", tmp_path / "file", None, 9, HASTY)
    assert left(tmp_path) == []


def test_only_http_is_spoken(site: Site, tmp_path: Path) -> None:
    for url in ("ftp://x/y", "file:///etc/passwd", "/etc/passwd", "http:///y"):
        with pytest.raises(VcmflowError, match="not an http"):
            fetch(url, tmp_path / "file", None, None, HASTY)
    site.location = "ftp://127.0.0.1/file"
    with pytest.raises(VcmflowError, match=r"not http or https"):
        fetch(f"{site.url}/moved", tmp_path / "file", None, None, HASTY)
    site.location = f"{site.url}/file"
    fetch(f"{site.url}/moved", tmp_path / "file", DIGEST, None, HASTY)


def test_two_processes_do_not_write_one_file(site: Site, tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "file.part.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(VcmflowError, match="another process is fetching"):
            fetch(f"{site.url}/file", tmp_path / "file", None, None, HASTY)
    fetch(f"{site.url}/file", tmp_path / "file", DIGEST, None, HASTY)


def zipped(
    members: dict[str, bytes],
    modes: dict[str, int] | None = None,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = (modes or {}).get(name, 0o100644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def tarred(members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o4777
    return info


GOOD = {"a/1.png": b"one", "a/b/2.png": b"two", "é 'x'.txt": b"three"}


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_archives_unpack_to_what_was_packed(mode: str, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    kind = "zip" if mode == "zip" else "tar"
    files = [(member(name), content) for name, content in GOOD.items()]
    archive.write_bytes(zipped(GOOD) if kind == "zip" else tarred(files, mode))
    assert unpack(archive, tmp_path / "out", kind) == 3
    out = tmp_path / "out"
    assert {name: (out / name).read_bytes() for name in GOOD} == GOOD
    assert not (out / "a/1.png").stat().st_mode & 0o7111  # neither set-uid nor executable
    assert left(tmp_path) == ["archive", "out"]
    with pytest.raises(VcmflowError, match="is there already"):
        unpack(archive, out, kind)


def test_a_top_folder_of_the_same_name_is_taken_off(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({"set/a.txt": b"a", "set/b/c.txt": b"c"}))
    unpack(tmp_path / "x.zip", tmp_path / "set", "zip")
    assert left(tmp_path / "set") == ["a.txt", "b"]
    unpack(tmp_path / "x.zip", tmp_path / "other", "zip")
    assert left(tmp_path / "other") == ["set"]


ENCRYPTED = bytearray(zipped({"a": b"secret"}))
ENCRYPTED[6] |= 1
ENCRYPTED[ENCRYPTED.index(b"PK\x01\x02") + 8] |= 1

FLIPPED = zipped({"a": b"content"}, method=zipfile.ZIP_STORED).replace(b"content", b"contemt")

HARMFUL = {
    "up": ("zip", zipped({"a": b"1", "../evil": b"2"}), "leads out"),
    "up_inside": ("zip", zipped({"a/../../evil": b"2"}), "leads out"),
    "absolute": ("zip", zipped({"/srv/evil": b"2"}), "leads out"),
    "drive": ("zip", zipped({"C:/evil": b"2"}), "leads out"),
    "backslash": ("zip", zipped({"..\\evil": b"2"}), "leads out"),
    "zip_link": ("zip", zipped({"l": b"/etc"}, {"l": 0o120777}), "link or a device"),
    "twice": ("tar", tarred([(member("a"), b"1"), (member("./a"), b"2")]), "two members"),
    "file_is_folder": ("tar", tarred([(member("a"), b"1"), (member("a/b"), b"2")]), "and a folder"),
    "tar_up": ("tar", tarred([(member("../evil"), b"2")]), "leads out"),
    "tar_absolute": ("tar", tarred([(member("/srv/evil"), b"2")]), "leads out"),
    "tar_link": ("tar", tarred([(member("l", tarfile.SYMTYPE, "/etc"), b"")]), "link or a device"),
    "tar_hard": ("tar", tarred([(member("l", tarfile.LNKTYPE, "../x"), b"")]), "link or a device"),
    "tar_device": ("tar", tarred([(member("d", tarfile.CHRTYPE), b"")]), "link or a device"),
    "tar_pipe": ("tar", tarred([(member("d", tarfile.FIFOTYPE), b"")]), "link or a device"),
    "bomb": ("zip", zipped({"zeros": bytes(4_000_000)}), "unpacks to more than"),
    "many": ("zip", zipped({str(i): b"" for i in range(60)}), "more than 50 members"),
    "nothing": ("zip", zipped({}), "holds no file"),
    "no_zip": ("zip", b"hello", "damaged or not a zip"),
    "no_tar": ("tar", b"hello", "damaged or not a tar"),
    "cut_zip": ("zip", zipped(GOOD)[:-30], "damaged or not a zip"),
    "cut_tar": ("tar", tarred([(member("a"), BODY)])[:-600], "damaged or not a tar"),
    "cut_plain_tar": ("tar", tarred([(member("a"), BODY)], "w")[:9000], "damaged or not a tar"),
    "wrong_crc": ("zip", FLIPPED, "damaged or not a zip.*CRC"),
    "encrypted": ("zip", bytes(ENCRYPTED), "damaged or not a zip.*encrypted"),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_harmful_archives_are_refused_and_leave_nothing(name: str, tmp_path: Path) -> None:
    kind, content, words = HARMFUL[name]
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "archive").write_bytes(content)
    with pytest.raises(VcmflowError, match=words) as caught:
        unpack(inner / "archive", inner / "out", kind, Limits(50, 1 << 30, 10.0, 1_000_000))
    assert "\n" not in str(caught.value)
    assert left(inner) == ["archive"]
    assert left(tmp_path) == ["inner"]


def entry(site: Site, name: str, **more: object) -> Entry:
    values: dict[str, object] = {
        "name": name,
        "url": f"{site.url}/{name}",
        "size": None,
        "sha256": None,
        "licence": "CC0",
        "format": "zip",
        "expects": "a/*.png",
    }
    return Entry(**(values | more))  # type: ignore[arg-type]


def test_a_dataset_is_unpacked_or_is_not_there(site: Site, tmp_path: Path) -> None:
    site.files["/set"] = zipped(GOOD)
    out = tmp_path / "set"
    obtain(entry(site, "set"), out, HASTY)
    assert (out / "a/1.png").read_bytes() == b"one"
    source = json.loads((out / MARKER).read_text("utf-8"))
    assert source["sha256"] == hashlib.sha256(site.files["/set"]).hexdigest()
    assert left(tmp_path) == ["set"]
    asked = len(site.asked)
    assert "already there" in obtain(entry(site, "set"), out, HASTY)
    assert len(site.asked) == asked
    with pytest.raises(VcmflowError, match="holds 'set', not 'other'"):
        obtain(entry(site, "other"), out, HASTY)


def test_an_archive_with_members_outside_leaves_no_dataset(site: Site, tmp_path: Path) -> None:
    site.files["/set"] = zipped({"../evil.txt": b"x", "a/1.png": b""})
    with pytest.raises(VcmflowError, match="leads out of the target folder"):
        obtain(entry(site, "set"), tmp_path / "in" / "set", HASTY)
    assert left(tmp_path) == ["in"]
    assert left(tmp_path / "in") == ["set.zip"]


def test_an_archive_with_other_content_leaves_no_dataset(site: Site, tmp_path: Path) -> None:
    site.files["/set"] = zipped({"readme.txt": b"moved"})
    with pytest.raises(VcmflowError, match=r"nothing in it matches a/\*\.png"):
        obtain(entry(site, "set"), tmp_path / "set", HASTY)
    assert left(tmp_path) == ["set.zip"]


def test_a_mounted_folder_is_used_as_it_is_if_it_is_the_right_one(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "mount" / "a").mkdir(parents=True)
    (tmp_path / "set").symlink_to(tmp_path / "mount")
    with pytest.raises(VcmflowError, match="does not hold set"):
        obtain(entry(site, "set"), tmp_path / "set", HASTY)
    (tmp_path / "mount" / "a" / "1.png").touch()
    assert "used as it is" in obtain(entry(site, "set"), tmp_path / "set", HASTY)
    assert site.asked == []


def test_a_list_of_archives_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    names = ["part_0", "part_1", "part_2"]
    for name in names:
        site.files[f"/{name}.tar.gz"] = tarred([(member(f"{name}.mp4"), name.encode())])
    site.files["/list"] = "\n".join(f"{site.url}/{name}.tar.gz" for name in names).encode()
    broken = site.files.pop("/part_1.tar.gz")
    many = entry(site, "list", format="tar-list", expects="**/*.mp4")
    with pytest.raises(VcmflowError, match=r"part_1\.tar\.gz: HTTP status 404"):
        obtain(many, tmp_path / "videos", HASTY)
    assert not (tmp_path / "videos").exists()
    site.files["/part_1.tar.gz"] = broken
    obtain(many, tmp_path / "videos", HASTY)
    found = sorted(path.name for path in (tmp_path / "videos").rglob("*.mp4"))
    assert found == [f"{name}.mp4" for name in names]
    assert [path for path, _ in site.asked].count("/part_0.tar.gz") == 1
    assert left(tmp_path) == ["videos"]


def test_a_list_may_only_name_its_own_server(site: Site, tmp_path: Path) -> None:
    many = entry(site, "list", format="tar-list")
    for line in ("http://elsewhere.test/a.tar", f"{site.url}/..", "", f"{site.url}/a {site.url}/a"):
        site.files["/list"] = line.encode() or b" "
        with pytest.raises(VcmflowError, match=r"lists|not a list"):
            obtain(many, tmp_path / "videos", HASTY)


def test_the_command_shows_the_licence_and_ends_with_one_line(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.files["/set.zip"] = zipped(GOOD)
    table = tmp_path / "table.csv"
    table.write_text(
        "name,url,bytes,sha256,licence,format,citation\n"
        f"set,{site.url}/set.zip,,,CC BY 4.0,zip,somebody\n"
        f"weights,{site.url}/file,{len(BODY)},{DIGEST},MIT,,\n"
        f"wrong,{site.url}/file,{len(BODY)},{'0' * 64},MIT,file,\n",
        "utf-8",
    )
    common = ["download", "--table", str(table), "--retries", "0", "--timeout", "5"]
    assert stage([*common, "--name", "set", "--out", str(tmp_path / "set")]) == 0
    assert "set: licence: CC BY 4.0; please cite somebody" in capsys.readouterr().err
    assert stage([*common, "--name", "weights", "--out", str(tmp_path / "w.bin")]) == 0
    assert (tmp_path / "w.bin").read_bytes() == BODY
    capsys.readouterr()
    assert stage([*common, "--name", "wrong", "--out", str(tmp_path / "x.bin")]) == 2
    error = capsys.readouterr().err
    assert f"sha256 is {DIGEST}" in error
    assert "Traceback" not in error
    assert not (tmp_path / "x.bin").exists()
    assert stage([*common, "--name", "nothing", "--out", str(tmp_path / "x")]) == 2
    assert "there are set, weights, wrong" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,url\n", "no column 'bytes'"),
        ("a b,http://x/y,,,MIT\n", "line 2: name"),
        ("a,ftp://x/y,,,MIT\n", "line 2: url"),
        ("a,http://x/y,-4,,MIT\n", "line 2: bytes"),
        ("a,http://x/y,,abc,MIT\n", "line 2: sha256"),
        ("a,http://x/y,,,\n", "line 2: licence is empty"),
        ("a,http://x/y,,,MIT,7\n", "line 2 does not have 5 fields"),
        ("a,http://x/y,,,MIT\na,http://x/y,,,MIT\n", "line 3: name 'a' stands twice"),
    ],
)
def test_a_broken_table_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    head = "" if text.startswith("name,") else "name,url,bytes,sha256,licence\n"
    path.write_text(head + text, "utf-8")
    with pytest.raises(VcmflowError, match=words):
        read_catalogue(path)
    with pytest.raises(VcmflowError, match="no such file"):
        read_catalogue(tmp_path / "none.csv")


def test_an_entry_is_found_by_the_folder_that_it_fills() -> None:
    entries = read_catalogue(Path(__file__).parents[2] / "data" / "datasets.csv")
    found = entry_for(entries, Path("data/osdar23/3_fire_site_3.2/3_fire_site_3.2_labels.json"))
    assert found is not None
    assert found.name == "osdar23-3_fire_site_3.2"
    assert entry_for(entries, Path("data/osdar23/3_fire_site_3.20")) is None
    assert entry_for(entries, Path("data/davis2017/DAVIS")) is entries["davis2017"]
    exact, unknown = total_volume([entries["davis2017"]])
    assert (exact, unknown) == (832_766_765, 0)


def test_what_the_table_does_not_know_is_noted_at_first_and_equal_from_then_on(
    site: Site, tmp_path: Path
) -> None:
    seen = tmp_path / "seen.sha256sums"
    site.files["/a"] = b"first"
    for name in ("one", "two"):
        digest = fetch(f"{site.url}/a", tmp_path / name, None, None, HASTY, seen)
        assert seen.read_text("utf-8") == f"{digest}  {site.url}/a\n"
    site.files["/a"] = b"other"
    with pytest.raises(VcmflowError, match=f"expected {digest}"):
        fetch(f"{site.url}/a", tmp_path / "three", None, None, HASTY, seen)
    assert not (tmp_path / "three").exists()
    seen.write_text(f"what  {site.url}/a\n", "utf-8")
    with pytest.raises(VcmflowError, match="no sha256; remove the line"):
        fetch(f"{site.url}/a", tmp_path / "three", None, None, HASTY, seen)


def test_a_download_has_an_end(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = b"slow"
    with pytest.raises(VcmflowError, match="too slow; 4 bytes are kept"):
        fetch(f"{site.url}/a", tmp_path / "a", patience=replace(HASTY, longest=0.0))
    assert not (tmp_path / "a").exists()


def test_an_endless_answer_fills_no_disk(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    site.files["/a"], site.chunked = bytes(600), True
    with pytest.raises(VcmflowError, match="sends more than 500 bytes"):
        fetch(f"{site.url}/a", tmp_path / "a", patience=HASTY)
    assert [path.name for path in tmp_path.iterdir()] == []
