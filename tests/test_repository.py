"""What lies in git: no machine's paths, no download addresses, nothing large; and what the wheel holds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "constraints.txt"
LARGEST_MB = 2
LARGE_FILES = {  # path: why it has to be in git
    "kinescribe/language/model/tok2vec/model": "our own parser, which the package ships (see its card)",
}

# Written so that this file does not hold what it looks for.
SLASH = "/"
MACHINE_PATH = re.compile(rf"(?<![\w.\-{SLASH}~])[{SLASH}](?:work|root){SLASH}[\w.]")
REGISTRY = re.compile(
    r"\b(?:pypi|test\.pypi|pythonhosted|npmjs|yarnpkg|anaconda|debian|ubuntu)[.](?:org|com)\b", re.IGNORECASE
)
PACKAGE_FILE = re.compile(r"\b(?:https?|ftp|file):[/]{2}\S+\.(?:whl|tar\.gz|tgz|zip|deb|conda|jar|gem)\b")
ADDRESS = re.compile(
    r"\w:[/]{2}|^\s*--?(?:i|f|index|extra-index|find-links|trusted-host)\b|\s@\s", re.MULTILINE
)
LOCK_WITH_ADDRESSES = re.compile(r"(?:uv\.lock|pylock(?:\..+)?\.toml|poetry\.lock|pdm\.lock|Pipfile\.lock)")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file git has, that is still there."""
    if not ((ROOT / ".git").exists() and shutil.which("git")):
        pytest.skip("not a git checkout, or no git")
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in git.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """A file's text; nothing for a binary file."""
    content = path.read_bytes()
    return "" if b"\0" in content[:8000] else content.decode("utf-8", errors="replace")


def found(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """Where the pattern stands: file, line number and line."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in files
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_place_on_our_machines(tracked: list[Path]) -> None:
    assert not found(MACHINE_PATH, tracked), "use paths relative to the repository"


def test_no_file_names_a_registry_or_a_package_file(tracked: list[Path]) -> None:
    assert not found(REGISTRY, tracked) + found(PACKAGE_FILE, tracked), "packages are named, never addressed"


def test_no_lock_with_addresses(tracked: list[Path]) -> None:
    locks = [path.name for path in tracked if LOCK_WITH_ADDRESSES.fullmatch(path.name)]
    assert not locks, "constraints.txt is the lock"


def test_no_large_file(tracked: list[Path]) -> None:
    large = {str(path.relative_to(ROOT)) for path in tracked if path.stat().st_size > LARGEST_MB * 1_000_000}
    assert large <= LARGE_FILES.keys(), f"above {LARGEST_MB} MB: ship it in a release or a package"


@pytest.mark.parametrize(
    ("pattern", "line", "caught"),
    [
        (MACHINE_PATH, SLASH + "work/main", True),
        (MACHINE_PATH, f'"{SLASH}root/.cache"', True),
        (MACHINE_PATH, "frame/work/main or ../work/main", False),
        (REGISTRY, "from https:" + SLASH * 2 + "pypi" + ".org/simple", True),
        (REGISTRY, "PyPI and Debian", False),
        (PACKAGE_FILE, "https:" + SLASH * 2 + "example.net/a/b-1.0-py3-none-any" + ".whl", True),
        (PACKAGE_FILE, "https://example.net/paper.pdf", False),
        (ADDRESS, "--find-links wheels", True),
        (ADDRESS, "name @ somewhere", True),
        (ADDRESS, "numpy==2.4.6 ; sys_platform == 'win32' \\", False),
        (ADDRESS, "    --hash=sha256:00", False),
    ],
)
def test_patterns(pattern: re.Pattern[str], line: str, caught: bool) -> None:
    assert bool(pattern.search(line)) is caught


def test_the_lock_has_versions_and_hashes_and_no_address() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    assert not [line for line in lock.splitlines() if ADDRESS.search(line)]
    lines = re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    for line in lines:
        assert re.match(r"[a-z0-9][a-z0-9._-]*==[^ ;]+ ", line), f"not a pinned version: {line[:80]}"
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), f"no hash: {line[:80]}"


def test_the_lock_holds_one_opencv_and_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower() for requirement in wanted}
    locked = set(re.findall(r"^([a-z0-9._-]+)==", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert not names - locked, "run: make lock"
    assert {name for name in locked if name.startswith("opencv")} == {"opencv-python-headless"}


def test_the_wheel_holds_every_file_of_the_package_and_the_recipes(
    tracked: list[Path], tmp_path: Path
) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    names = [path.relative_to(ROOT).as_posix() for path in tracked]
    assert not {name for name in names if name.startswith("kinescribe/")} - held
    assert not {f"kinescribe/{name}" for name in names if name.startswith("recipes/")} - held
