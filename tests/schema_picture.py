"""services/store/schema.sql: what a migrated database of the plain tier looks like.

Migrations make every database; this is only their picture, for people and for a test that
compares. `python -m tests.schema_picture` draws it anew.
"""

import re
import subprocess

from deploy import admin, embedded
from deploy.embedded import PROJECT
from tests import servers
from tests.servers import PlainServer

PICTURE = PROJECT / "services" / "store" / "schema.sql"
_HEAD = """\
-- The schema of the plain tier, drawn by `python -m tests.schema_picture`. Do not edit, and do not
-- run: migrations make every database, and a test compares this with what they make.
"""
# What says how pg_dump was run, not what the schema is.
_NOISE = re.compile(r"^(?:--|SET |SELECT pg_catalog\.set_config|\\(?:un)?restrict )")

# The roles of a policy, which come in the order in which the server happens to keep them.
_ROLES = re.compile(r"(?<= TO )\w+(?:, \w+)+")


def draw(url: str) -> str:
    """Return the picture of a migrated database; its server must not be newer than the wheel's."""
    dumped = subprocess.run(
        [embedded._program("pg_dump"), "--schema-only", "--no-owner", f"--dbname={url}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = [line for line in dumped.splitlines() if not _NOISE.match(line)]
    text = _ROLES.sub(lambda roles: ", ".join(sorted(roles[0].split(", "))), "\n".join(lines))
    return _HEAD + "\n" + re.sub(r"\n{2,}", "\n\n", text).strip() + "\n"


def main() -> None:
    """Write the picture of what the migrations make today."""
    with servers.run_folder(servers.RUNS) as folder:
        server = PlainServer(folder)
        server.start()
        url = servers.create_database(server)
        admin.upgrade_database(url)
        PICTURE.write_text(draw(url), encoding="utf-8")
        server.stop()


if __name__ == "__main__":
    main()
