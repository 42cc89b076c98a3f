"""Debian's Chromium and a font with Chinese glyphs, for the tests that look at the page."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.debian import ServerAbsentError, install

PACKAGES = ("chromium", "fonts-noto-cjk")
# A machine without a screen, without the sandbox's user namespaces, without the network: Chromium
# would look up its maker's hosts at every start.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@cache
def ensure_chromium() -> Path:
    """Return the path of Chromium, installed now if it is not there.

    Raises
    ------
    ServerAbsentError
        If this machine cannot have it.
    """
    if not _is_complete():
        install(*PACKAGES)
    path = shutil.which("chromium")
    if path is None:
        raise ServerAbsentError("chromium was installed, but is not on PATH")
    return Path(path)


def _is_complete() -> bool:
    return shutil.which("chromium") is not None and _has_chinese_font()


def _has_chinese_font() -> bool:
    lister = shutil.which("fc-list")
    if lister is None:
        return False
    done = subprocess.run([lister, ":lang=zh-cn"], capture_output=True, text=True, check=True)
    return bool(done.stdout.strip())
