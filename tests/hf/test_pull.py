"""Fetching checkpoints, by the command, through huggingface_hub, from a Hub on this machine."""

from __future__ import annotations

import importlib
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kinescribe import checkpoints
from kinescribe.backends.nets import huggingface
from kinescribe.checkpoints import Received, wanted
from kinescribe.cli import pulling
from kinescribe.errors import BackendError
from tests.hf import hub as hubs
from tests.hf import tiny
from tests.hf.hub import COMMIT, NAME, Hub, sha256

ROOT = Path(__file__).parents[2]
WEIGHTS = bytes(range(256)) * 8000  # 2 MB
FILES = {
    "config.json": b'{"model_type": "depth_anything"}',
    "preprocessor_config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a program, perhaps",
    "README.md": b"# A model",
    "onnx/model.safetensors": b"another form of it",
    "run.py": b"print('a program')",
}
TAKEN = ["config.json", "model.safetensors", "preprocessor_config.json"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, nobody signed in, and no wait between two tries."""
    constants = pytest.importorskip("huggingface_hub.constants")
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "KINESCRIBE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(checkpoints, "_WAIT_S", 0.0)
    return tmp_path


@pytest.fixture
def hub(home: Path) -> Iterator[Hub]:
    with hubs.serving(FILES, cardData={"license": "apache-2.0"}) as made:
        yield made


@contextmanager
def reached(hub: Hub) -> Iterator[None]:
    """Let this process take that Hub for the real one, as HF_ENDPOINT does from a process's start."""
    constants = importlib.import_module("huggingface_hub.constants")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", hub.url)
        patch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield


def pull(hub: Hub, spec: str = f"hf:{NAME}", say: Callable[[str], None] = lambda message: None) -> Path:
    with reached(hub):
        return checkpoints.pull(spec, say).folder


def refused(hub: Hub, spec: str = f"hf:{NAME}") -> str:
    """What a pull that fails says, in one line."""
    with pytest.raises(BackendError) as caught:
        pull(hub, spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def run(hub: Hub, home: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with that Hub, a cache of its own, and nothing of the user's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "KINESCRIBE_"))}
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "HOME": str(home)}
    return subprocess.run(
        [sys.executable, *command],
        env=kept | own | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def command(hub: Hub, home: Path, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(hub, home, "-m", "kinescribe", "models", "pull", *(names or (f"hf:{NAME}",)), **environment)


def the_error(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a failed command ends with."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert errors == [done.stderr.splitlines()[-1]]
    return errors[0]


def cache(home: Path) -> Path:
    return home / "hub" / f"models--{NAME.replace('/', '--')}"


# --- the command ---


def test_what_loading_needs_is_fetched_and_checked_and_nothing_else(hub: Hub, home: Path) -> None:
    done = command(hub, home)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert folder == cache(home) / "snapshots" / COMMIT
    assert sorted(each.name for each in folder.iterdir()) == TAKEN
    assert all((folder / name).read_bytes() == FILES[name] for name in TAKEN)
    assert done.stderr == f"{NAME}: 2.0 MB in 3 files, licence apache-2.0\n"
    assert (cache(home) / "refs" / "main").read_text() == COMMIT
    assert not [
        path for _, path, _, _ in hub.asked if path.endswith((".bin", ".md", ".py")) or "onnx" in path
    ]
    assert hub.ranges_asked() == [""]


def test_json_is_all_that_is_printed(hub: Hub, home: Path) -> None:
    done = command(hub, home, f"hf:{NAME}", "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "files": [],
        "checkpoints": [
            {
                "id": NAME,
                "folder": str(cache(home) / "snapshots" / COMMIT),
                "commit": COMMIT,
                "licence": "licence apache-2.0",
                "size_bytes": sum(len(FILES[name]) for name in TAKEN),
                "fetched_bytes": len(WEIGHTS),
            }
        ],
    }


def test_an_error_is_one_line(hub: Hub, home: Path) -> None:
    hub.refuse = (404, {"X-Error-Code": "RepoNotFound"})
    assert the_error(command(hub, home)).startswith(f"error: hf:{NAME}: the Hub has no such checkpoint")


# --- a pull that works ---


def test_a_second_pull_fetches_nothing_large(hub: Hub, home: Path) -> None:
    assert pull(hub) == pull(hub)
    assert hub.ranges_asked() == [""]


def test_a_revision_is_found_by_its_name(hub: Hub, home: Path) -> None:
    folder = pull(hub, f"hf:{NAME}@{COMMIT}")
    assert not (cache(home) / "refs" / "main").exists()
    assert checkpoints.find(f"{NAME}@{COMMIT}") == folder
    assert [checkpoints.find(name) for name in (NAME, f"{NAME}@v2", "a/b", "no id", "")] == [None] * 5
    assert pull(hub) == checkpoints.find(NAME) == folder
    assert checkpoints.in_place(NAME)


def test_progress_grows_to_the_whole(hub: Hub, home: Path) -> None:
    seen: list[Received] = []
    hub.cuts = [700_000]
    with reached(hub):
        checkpoints.pull(f"hf:{NAME}", progress=seen.append)
    done = [each.done_bytes for each in seen]
    assert done == sorted(done)
    assert 700_000 in done
    assert (done[-1], {each.total_bytes for each in seen}) == (len(WEIGHTS), {len(WEIGHTS)})


def test_a_token_goes_to_the_hub_and_not_to_where_it_sends_us(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pull(hub)
    assert {path.split("/")[1] for _, path, _, token in hub.asked if token} >= {"api", NAME.split("/")[0]}
    assert [token for _, path, _, token in hub.asked if path.startswith("/cdn/")] == [False]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "no licence stated"),
        ({"tags": ["license:mit"]}, "licence mit"),
        ({"cardData": {"license": "other", "license_name": "sam-licence"}}, "licence other sam-licence"),
        ({"cardData": {"license": "a\x1b[31mred\nerror: b"}}, "licence a[31mrederror: b"),
    ],
)
def test_the_licence_is_shown_as_plain_words(facts: dict[str, Any], told: str, home: Path) -> None:
    said: list[str] = []
    with hubs.serving(FILES, **facts) as hub:
        pull(hub, say=said.append)
    assert told in said[0]


# --- cut connections ---


def test_a_cut_connection_is_made_again_where_it_stopped(hub: Hub, home: Path) -> None:
    hub.cuts = [700_000]
    pull(hub)
    assert hub.ranges_asked() == ["", "bytes=700000-"]


@pytest.mark.parametrize("ranges", [True, False])
def test_another_process_goes_on_where_one_gave_up(ranges: bool, hub: Hub, home: Path) -> None:
    """A server that knows no ranges begins anew, and so do we."""
    hub.cuts, hub.ranges = [700_000, 0, 0, 0], ranges
    said = refused(hub)
    assert "cannot be reached" in said
    assert "goes on where it stopped" in said
    (part,) = (cache(home) / "blobs").glob("*.part")
    assert part.read_bytes() == WEIGHTS[:700_000] if ranges else part.read_bytes() == b""
    assert not (cache(home) / "snapshots").exists()
    hub.asked.clear()
    told: list[str] = []
    assert (pull(hub, say=told.append) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.ranges_asked() == (["bytes=700000-"] if ranges else [""])
    assert ("going on with what is there: 700 kB of 2.0 MB" in told) == ranges
    assert not list(cache(home).rglob("*.part"))


def test_a_part_that_is_too_long_is_no_trap(hub: Hub, home: Path) -> None:
    part = cache(home) / "blobs" / f"{sha256(WEIGHTS)}.kinescribe.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(WEIGHTS + b"more")
    pull(hub)


# --- files that are not what they should be ---


def test_another_checksum_keeps_nothing_and_the_next_pull_repairs_it(hub: Hub, home: Path) -> None:
    hub.served["model.safetensors"] = WEIGHTS[:-1] + b"?"
    said = refused(hub)
    assert f"{NAME}/model.safetensors has the sha256 {sha256(WEIGHTS[:-1] + b'?')}" in said
    assert f"the Hub states {sha256(WEIGHTS)}" in said
    assert not list((cache(home) / "blobs").iterdir())
    hub.served["model.safetensors"] = WEIGHTS
    pull(hub)


def test_a_small_file_that_was_changed_on_the_way(hub: Hub, home: Path) -> None:
    hub.served["config.json"] = FILES["config.json"].replace(b"depth", b"death")
    assert "config.json is not what the Hub states" in refused(hub)
    hub.served["config.json"] = FILES["config.json"]
    assert (pull(hub) / "config.json").read_bytes() == FILES["config.json"]


def test_weights_that_were_damaged_on_the_disk_are_fetched_again(hub: Hub, home: Path) -> None:
    folder = pull(hub)
    blob = (folder / "model.safetensors").resolve()
    blob.write_bytes(WEIGHTS[:-1] + b"?")
    pull(hub)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b"x"}, "has no safetensors"),
        ({"model.safetensors": b"x"}, "has no config.json"),
        ({}, "has no safetensors"),
    ],
)
def test_what_is_no_checkpoint_is_refused_before_it_is_fetched(
    files: dict[str, bytes], told: str, home: Path
) -> None:
    with hubs.serving(files) as hub:
        assert told in refused(hub)
        assert len(hub.asked) == 1


# --- no access, no network, no room ---


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (401, {"X-Error-Code": "GatedRepo"}, f"accept the terms at https://huggingface.co/{NAME}"),
        (403, {"X-Error-Code": "GatedRepo"}, "ask for consent"),
        (401, {}, "no such checkpoint for you"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, "sign in again"),
        (403, {}, "does not accept who you are"),
        (404, {"X-Error-Code": "RepoNotFound"}, "check the spelling"),
        (429, {}, "answers 429"),
        (500, {}, "answers 500: run the command again later"),
        (503, {}, "answers 503"),
    ],
)
def test_a_hub_that_refuses(
    status: int,
    headers: dict[str, str],
    told: str,
    hub: Hub,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "X-Error-Message" in headers:
        monkeypatch.setenv("HF_TOKEN", "hf_old")
    hub.refuse = (status, headers)
    said = refused(hub)
    assert told in said
    assert said.startswith(f"hf:{NAME}: ")
    assert not cache(home).exists()


def test_a_revision_that_is_not_there(hub: Hub, home: Path) -> None:
    assert "has no such revision" in refused(hub, f"hf:{NAME}@v9")


@pytest.mark.parametrize("status", [403, 404, 500])
def test_large_files_that_are_refused(status: int, hub: Hub, home: Path) -> None:
    hub.refuse_large = (status, {})
    assert f"{status}" in refused(hub)


def test_no_network(home: Path) -> None:
    with hubs.serving({}) as hub:
        pass
    said = refused(hub)
    assert "the Hub cannot be reached" in said
    assert "check the network" in said


def test_no_room_is_said_before_anything_is_fetched(hub: Hub, home: Path) -> None:
    hub.stated_size["model.safetensors"] = 10**15
    said = refused(hub)
    assert "1000000.1 GB are needed" in said
    assert "HF_HOME" in said
    assert len(hub.asked) == 1
    assert not cache(home).exists()


def test_a_disk_that_is_full_after_all(hub: Hub, home: Path) -> None:
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, {resource.RLIM_INFINITY}))"
    code = f"{limit}; import sys; from kinescribe.cli import main; sys.argv = ['kinescribe', *sys.argv[1:]]; main()"
    said = the_error(run(hub, home, "-c", code, "models", "pull", f"hf:{NAME}"))
    assert "make room" in said
    pull(hub)
    assert hub.ranges_asked()[-1] == "bytes=300000-"


@pytest.mark.without_hf
@pytest.mark.parametrize(
    "spec",
    [
        "hf:",
        "hf:one",
        "hf:a/b/c",
        "hf:../b",
        "hf:a/b@",
        "hf:a/b@../c",
        "hf:a/b@c/../d",
        "hf:a b/c",
        "hf:a/b;c",
    ],
)
def test_names_that_name_nothing(spec: str) -> None:
    with pytest.raises(BackendError, match="expected hf:ORG/NAME"):
        checkpoints.pull(spec)


@pytest.mark.without_hf
def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for name in ("HF_HUB_OFFLINE", "KINESCRIBE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BackendError, match=r'pip install "kinescribe\[hf\]"'):
        checkpoints.pull("hf:a/b")
    assert checkpoints.find("a/b") is None


# --- offline ---


@pytest.mark.parametrize("variable", ["KINESCRIBE_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_asked(variable: str, hub: Hub, home: Path) -> None:
    assert "OFFLINE is set" in the_error(command(hub, home, **{variable: "1"}))
    assert hub.asked == []


LOAD = """
import socket, sys

touched = []

def no_network(*args):
    touched.append(args)
    raise OSError("no network here")

socket.socket.connect = socket.getaddrinfo = no_network
from transformers import AutoImageProcessor, DepthAnythingForDepthEstimation
from kinescribe.backends.nets import huggingface as hf

folder = hf.checkpoint(sys.argv[1], "a test")
hf.load(DepthAnythingForDepthEstimation, folder, hf.place("cpu", "auto", "a test"), "a test")
hf.processor(AutoImageProcessor, folder, "a test")
assert not touched, touched
print(hf.identity(sys.argv[1]))
"""


def test_what_was_pulled_is_loaded_without_a_network(home: Path) -> None:
    made = tiny.depth_anything(home / "made")
    with hubs.serving({each.name: each.read_bytes() for each in made.iterdir()}) as hub:
        pull(hub)
        hub.asked.clear()
        done = run(hub, home, "-c", LOAD, NAME)
        assert hub.asked == []
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == huggingface.identity(str(made)).split()[-1] != "checkpoint"


# --- progress ---


def shown(terminal: bool, quiet: bool) -> str:
    written = io.StringIO()
    with pulling.Reporter(Console(file=written, force_terminal=terminal, width=100), quiet) as reporter:
        for done in (0, 700_000, 2_000_000):
            reporter(Received("[b]model.safetensors", done, 2_000_000))
    return written.getvalue()


@pytest.mark.without_hf
def test_progress_is_shown_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    live = shown(terminal=True, quiet=False)
    assert "[b]model.safetensors" in live
    assert "2.0/2.0 MB" in live
    assert shown(terminal=True, quiet=True) == shown(terminal=False, quiet=True) == ""
    assert shown(terminal=False, quiet=False) == "", "a line every ten seconds"
    monkeypatch.setattr(pulling, "EVERY_S", 0.0)
    lines = shown(terminal=False, quiet=False).splitlines()
    assert lines == [f"  [b]model.safetensors: {done} of 2 MB" for done in (0, 1, 2)]


# --- which files ---


@pytest.mark.without_hf
@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["model.safetensors", "model.fp16.safetensors", "sam3.pt"], ["model.safetensors"]),
        (
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
             "consolidated.safetensors"],
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
        ),
        (["diffusion.safetensors", "x.h5"], ["diffusion.safetensors"]),
        (["vocab.json", "merges.txt", "chat_template.jinja", "tokenizer.model", "LICENSE", "a.py", "a.msgpack"],
         ["LICENSE", "chat_template.jinja", "merges.txt", "tokenizer.model", "vocab.json"]),
        (["../config.json", "a/config.json", "..\\config.json"], []),
    ],
)  # fmt: skip
def test_one_set_of_weights_is_taken(names: list[str], chosen: list[str]) -> None:
    assert sorted(wanted(names)) == sorted(chosen)
