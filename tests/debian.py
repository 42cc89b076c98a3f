"""A small Debian 13 inside .cache, for the servers of the tests: TimescaleDB and Mosquitto.

Made once by debootstrap (30 s, 0.6 GB), used through chroot as an unprivileged user. No Docker.
"""

import fcntl
import os
import platform
import secrets
import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ROOT = PROJECT / ".cache" / "debian13"
PACKAGES = ("postgresql-17", "postgresql-17-timescaledb", "mosquitto", "mosquitto-clients")
RECIPE = "trixie " + " ".join(PACKAGES)
SUITE_SCRIPTS = Path("/usr/share/debootstrap/scripts")
TIMEOUT_S = 900
# Another apt-get may be at work: wait for it.
_WAIT = ("-o", "DPkg::Lock::Timeout=300")
# A shell by `su` without `-` has no folder of what administrators run: chroot, debootstrap.
os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


class ServerAbsentError(Exception):
    """This machine cannot run the server; the message is the reason the test run prints."""


def ensure_root() -> Path:
    """Return the root's folder, made now if it is not there.

    Raises
    ------
    ServerAbsentError
        If this machine cannot make it.
    """
    marker = ROOT / "etc" / "nengtan-recipe"
    ROOT.parent.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        raise ServerAbsentError("only root can use chroot; set NENGTAN_TEST_DATABASE_URL instead")
    with (ROOT.parent / "debian13.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if marker.exists() and marker.read_text(encoding="ascii") == RECIPE:
            return ROOT
        _make_root()
        marker.write_text(RECIPE, encoding="ascii")
    return ROOT


def ensure_program(root: Path, package: str, *paths: str) -> None:
    """Bring files and folders of a package that needs no other into the root, if not there.

    They are only unpacked: the root is shared, and nothing of it is configured anew.

    Raises
    ------
    ServerAbsentError
        If the package cannot be had.
    """
    if all((root / path).exists() for path in paths):
        return
    inside = f"var/tmp/{secrets.token_hex(4)}"
    (root / inside).mkdir(parents=True)
    try:
        fetch = f"cd /{inside} && apt-get download -qq -o APT::Sandbox::User=root {package}"
        _run(["chroot", str(root), "sh", "-c", f"{fetch} && dpkg -x *.deb unpacked"])
        for path in paths:
            # In one step: another run may be looking for it.
            if not (root / path).exists():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / inside / "unpacked" / path).replace(root / path)
    finally:
        shutil.rmtree(root / inside)


def command(root: Path, user: str, folder: str, *program: str) -> list[str]:
    """Return the command that runs a program in the root, as a user of the root, in a folder."""
    uid, gid = user_ids(root, user)
    # The change of user clears a death signal that was set before it.
    privileges = (f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--pdeathsig=INT")
    inside = ("/usr/bin/setpriv", *privileges, "--", "/usr/bin/env", f"--chdir={folder}")
    return ["chroot", str(root), *inside, "LC_ALL=C.UTF-8", "HOME=/nonexistent", *program]


def user_ids(root: Path, user: str) -> tuple[int, int]:
    """Return the user and group number that the root's own table gives a name."""
    for line in (root / "etc" / "passwd").read_text(encoding="utf-8").splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == user:
            return int(uid), int(gid)
    raise ServerAbsentError(f"{root} has no user {user}: remove the folder, it is made again")


def install(*packages: str) -> None:
    """Have this machine's own apt-get install packages.

    Raises
    ------
    ServerAbsentError
        If it is no Debian, the user is not root, or apt-get fails.
    """
    _debian_codename()
    if os.geteuid() != 0:
        raise ServerAbsentError(f"only root can install {' '.join(packages)}")
    _run(["apt-get", *_WAIT, "update", "-qq"])
    _run(["apt-get", *_WAIT, "install", "-y", "-qq", "--no-install-recommends", *packages])


def _debian_codename() -> str:
    facts = platform.freedesktop_os_release()
    if facts.get("ID") != "debian" or shutil.which("apt-get") is None:
        raise ServerAbsentError(f"{facts.get('NAME', 'this system')} is not Debian")
    return facts["VERSION_CODENAME"]


def _make_root() -> None:
    codename = _debian_codename()
    if shutil.which("debootstrap") is None:
        install("debootstrap")
    unfinished = ROOT.with_name("debian13.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    # Debian's suites differ in the script by name only; an old debootstrap lacks the newest name.
    script = next(name for name in ("trixie", "sid") if (SUITE_SCRIPTS / name).exists())
    _run(
        [
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            "trixie",
            str(unfinished),
            _mirror(codename),
            str(SUITE_SCRIPTS / script),
        ],
    )
    for archive in (unfinished / "var" / "cache" / "apt" / "archives").glob("*.deb"):
        archive.unlink()
    shutil.rmtree(ROOT, ignore_errors=True)
    unfinished.rename(ROOT)


def _mirror(codename: str) -> str:
    listed = _run(["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)"])
    for line in listed.splitlines():
        release, component, address = line.split()
        if (release, component) == (codename, "main"):
            return address
    raise ServerAbsentError(f"apt has no source for {codename} main, so no mirror is known")


def _run(arguments: list[str]) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            arguments,
            check=True,
            capture_output=True,
            text=True,
            env=environment,
            timeout=TIMEOUT_S,
        )
    except subprocess.CalledProcessError as error:
        last = [*(error.stdout + error.stderr).strip().splitlines(), "(no output)"][-2:][0]
        raise ServerAbsentError(f"{arguments[0]} failed: {last}") from error
    except subprocess.TimeoutExpired as error:
        raise ServerAbsentError(f"{arguments[0]} took longer than {TIMEOUT_S} s") from error
    return done.stdout
