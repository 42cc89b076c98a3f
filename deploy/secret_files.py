"""The secret files of compose.yaml: made once, random, kept out of git and of the image."""

import secrets
from pathlib import Path

from deploy.access import Access, mosquitto_access_list, mosquitto_passwords

FOLDER = Path(__file__).resolve().parent / "secrets"
PASSWORDS = (
    "database_superuser",
    "database_nengtan_admin",
    "database_nengtan_ingest",
    "database_nengtan_worker",
    "database_nengtan_api",
    "database_grafana",
    "grafana_admin",
    "mqtt_centre",
)


def centre_access(password: str) -> Access:
    """Return what the centre itself may publish and receive on the broker."""
    return Access(
        password=password,
        publish=(
            "nengtan/v1/+/+/+/receipt",
            "nengtan/v1/+/+/+/cmd",
            "nengtan/v1/+/+/value/#",
        ),
        subscribe=("nengtan/v1/+/+/+/telemetry", "nengtan/v1/+/+/+/status"),
    )


def write_missing(folder: Path = FOLDER) -> list[Path]:
    """Write every secret that is not there, and return the new files.

    The containers read them as users of their own, so the files are readable by all; the folder,
    which only its owner may enter, keeps everybody else of this machine out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    texts = {name: f"{secrets.token_urlsafe(24)}\n" for name in PASSWORDS}
    made = [path for name, text in texts.items() if (path := _write(folder / name, text))]
    centre = {"centre": centre_access((folder / "mqtt_centre").read_text("ascii").strip())}
    broker_files = {
        "mosquitto_passwords": mosquitto_passwords(centre),
        "mosquitto_access_list": mosquitto_access_list(centre),
    }
    made += [path for name, text in broker_files.items() if (path := _write(folder / name, text))]
    return made


def _write(path: Path, text: str) -> Path | None:
    if path.exists():
        return None
    path.write_text(text, encoding="ascii")
    path.chmod(0o444)
    return path


if __name__ == "__main__":
    for written in write_missing():
        print(f"written: {written}")
