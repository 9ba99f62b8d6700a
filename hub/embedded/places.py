"""Where the servers have their programs and data, also when their account may not enter the usual place."""

import hashlib
import importlib.util
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from hub.embedded.processes import Account, EmbeddedError, account


def place(data: Path) -> Path:
    """The data folder, made if need be; another one if the servers' account cannot come to it."""
    data = data.resolve()
    _make(data)
    runs_as = account(data / "postgres")
    if runs_as.uid is None or runs_as.reaches(data):
        return data
    instead = Path(tempfile.gettempdir()).resolve() / f"hikkoshi-hub-{_digest(data)}"
    _make(instead)
    if not runs_as.reaches(instead):
        raise EmbeddedError(
            f"Root steps down to uid {runs_as.uid} for the servers, which can enter neither {data} nor\n"
            f"{instead}. Run as an ordinary user, use a folder open to all, or set DATABASE_URL."
        )
    print(  # noqa: T201 (before Django and its logging exist)
        f"Note: {data} is closed to uid {runs_as.uid}, which the servers run as; their data is in {instead}.",
        file=sys.stderr,
    )
    return instead


def package(name: str) -> Path:
    """Where a wheel's files are, without running its code."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError(f"{name} is not installed. Install requirements.txt, or set DATABASE_URL and REDIS_URL.")
    return Path(found.submodule_search_locations[0])


def runnable(program: Path, whole: list[Path], data: Path, runs_as: Account) -> Path:
    """The program where this account can run it: as installed, else in a copy beside the data."""
    if runs_as.run(program, "--version").returncode == 0:
        return program
    root = program.parent
    while not all(path.is_relative_to(root) for path in whole):
        root = root.parent
    copy = data / f"programs-{program.name}-{_digest(root, program.stat().st_mtime_ns)}"
    copied = copy / program.relative_to(root)
    if runs_as.run(copied, "--version").returncode != 0:
        _copy(whole, root, copy)
    said = runs_as.run(copied, "--version")
    if said.returncode != 0:
        raise EmbeddedError(
            f"{copied} does not run: {said.stderr.strip()}\nSet DATABASE_URL and REDIS_URL to use installed servers."
        )
    return copied


def _copy(whole: list[Path], root: Path, copy: Path) -> None:
    """Copy with the same layout (libraries are found by relative paths), readable by all."""
    shutil.rmtree(copy, ignore_errors=True)
    for path in whole:
        shutil.copytree(path, copy / path.relative_to(root), symlinks=True)
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o555)


def _make(folder: Path) -> None:
    """A folder of ours that others may pass through; never one that somebody else laid out for us."""
    folder.mkdir(parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (os.geteuid() != 0 and found.st_uid != os.geteuid()):
        raise EmbeddedError(f"{folder} belongs to uid {found.st_uid}. Run as that account, or remove it.")
    if found.st_uid == os.geteuid():
        folder.chmod(stat.S_IMODE(found.st_mode) | 0o711)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
