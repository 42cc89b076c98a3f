"""Where the built web page lies: in the checkout, in the image and in the wheel alike."""

from pathlib import Path
from typing import Final

PAGE_FOLDER: Final = Path(__file__).parent / "web" / "dist"
