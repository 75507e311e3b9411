"""Conformance programs and applications: found in ``tests/conformance``, built into a root of this host's files."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from framework.debian_root import CACHE, debian_root
from framework.project import ROOT

__all__ = ["PLACE", "Program", "applications", "common_folder", "lower_folders", "programs", "stage"]

PLACE = ROOT / "tests" / "conformance"
_SOURCES = PLACE / "programs"
_FLAGS = (
    "-std=gnu11 -O1 -s -pthread -Wall -Wextra -Wno-nonnull -Wno-restrict -Wno-stringop-overflow "
    "-Wno-stringop-overread -Wno-array-bounds -Wno-unused-result -Wno-format-truncation -Wno-clobbered"
)
_LINKS = {"static": ["-static"], "static-pie": ["-static-pie"], "dynamic": []}
_OPTION = re.compile(r"@(user|link|args|stdin|shell)\s+(\"[^\"]*\"|\S+)")
_USERS = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/w:/bin/sh\n"
_GROUPS = "root:x:0:\nuser:x:1000:\n"


@dataclass(frozen=True, slots=True)
class Program:
    """One source file. Options stand in its first comment: ``@user 1000 @link dynamic @args "a b" @stdin "text"``."""

    source: Path
    user: int = 0
    link: str = "static"
    args: str = ""
    stdin: str = ""
    shell: str = "sh"

    @property
    def name(self) -> str:
        """As ``files/dup``."""
        return f"{self.source.parent.name}/{self.source.stem}"

    @property
    def built(self) -> str:
        """Where it is in a root."""
        suffix = "" if self.source.suffix == ".c" else self.source.suffix
        return f"/progs/{self.source.parent.name}-{self.source.stem}{suffix}"

    @property
    def debian(self) -> bool:
        """Whether it needs the Debian root: it is not C, nor a script for busybox."""
        return self.source.suffix == ".py" or (self.source.suffix == ".sh" and self.shell != "sh")

    @property
    def argv(self) -> tuple[str, ...]:
        interpreter = {".c": (), ".py": ("/usr/bin/python3", "-I", "-B"), ".sh": (f"/bin/{self.shell}",)}
        return (*interpreter[self.source.suffix], self.built, *shlex.split(self.args))


@functools.cache
def programs() -> tuple[Program, ...]:
    """All short ones, in order of their names."""
    sources = (path for suffix in ("c", "py", "sh") for path in _SOURCES.glob(f"*/*.{suffix}"))
    return tuple(sorted(map(_program, sources), key=lambda program: program.name))


@functools.cache
def applications() -> tuple[Program, ...]:
    """What people run: scripts that take a real program through its paces."""
    return tuple(map(_program, sorted((PLACE / "applications").glob("*.sh"))))


def _program(source: Path) -> Program:
    head = source.read_text(encoding="utf-8").split("\n", 3)[:3]
    options = {name: value.strip('"') for name, value in _OPTION.findall(" ".join(head))}
    user = int(options.pop("user", "0"))
    if "stdin" in options:
        options["stdin"] = options["stdin"].encode().decode("unicode_escape")
    return Program(source, user, **options)


def lower_folders(program: Program) -> str:
    """The layers of the program's root, as overlayfs takes them. They are made when they are missing."""
    return f"{common_folder()}:{debian_root() if program.debian else _small_root()}"


@functools.cache
def stage() -> Path:
    """The program that puts others on the stage."""
    source = PLACE / "stage.c"
    target = CACHE / f"stage-{_digest(source.read_bytes())}"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _compile(source, target, ["-O1", "-Wno-format-truncation", "-Wno-unused-result"])
    return target


@functools.cache
def _small_root() -> Path:
    """Busybox, and the libraries that dynamic programs need."""
    root = CACHE / "small"
    if not (root / "etc" / "group").exists():
        for folder in ("bin", "dev", "proc", "sys", "tmp", "etc", "root", "w", "progs"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "tmp").chmod(0o1777)
        busybox = shutil.which("busybox")
        assert busybox, "busybox is missing (Debian package busybox-static)"
        shutil.copy(busybox, root / "bin" / "busybox")
        (root / "bin" / "sh").unlink(missing_ok=True)
        (root / "bin" / "sh").symlink_to("busybox")
        for library in _libraries():
            (root / library).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(f"/{library}", root / library)
        (root / "etc" / "passwd").write_text(_USERS, encoding="ascii")
        (root / "etc" / "group").write_text(_GROUPS, encoding="ascii")
    return root


def _libraries() -> set[str]:
    """The C library's files, without the first slash, as a dynamic program of this host names them."""
    listed = subprocess.run(["ldd", shutil.which("gcc") or "/usr/bin/gcc"], capture_output=True, text=True, check=True)
    return {found[1:] for found in re.findall(r"(/\S+) \(0x", listed.stdout)}


@functools.cache
def common_folder() -> Path:
    """What lies above every root: the programs, each compiled when its source, the header or the flags changed."""
    tree = CACHE / "programs"
    shop = tree / "progs"
    shop.mkdir(parents=True, exist_ok=True)
    (tree / "etc").mkdir(exist_ok=True)
    (tree / "etc" / "hosts").write_text("127.0.0.1 localhost guest\n::1 localhost\n", encoding="ascii")
    notes = CACHE / "notes"
    notes.mkdir(exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda program: _build(program, shop, notes), (*programs(), *applications())))
    known = {Path(program.built).name for program in (*programs(), *applications())}
    for stale in {path.name for path in shop.iterdir()} - known:
        (shop / stale).unlink()
    return tree


def _build(program: Program, shop: Path, notes: Path) -> None:
    target = shop / Path(program.built).name
    source = program.source.read_bytes()
    flags = [*_FLAGS.split(), *_LINKS[program.link], f"-I{_SOURCES}"]
    digest = _digest(source, (_SOURCES / "check.h").read_bytes(), " ".join(flags).encode())
    note = notes / target.name
    if target.exists() and note.exists() and note.read_text(encoding="ascii") == digest:
        return
    if program.source.suffix == ".c":
        _compile(program.source, target, flags)
    else:
        shutil.copy(program.source, target)
    target.chmod(0o755)
    note.write_text(digest, encoding="ascii")


def _compile(source: Path, target: Path, flags: list[str]) -> None:
    command = ["gcc", *flags, "-o", str(target), str(source), "-lm"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, f"{shlex.join(command)}\n{made.stderr}"


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
