"""Rules to begin with: `ready_made.yaml`, which says of each why its guard is what it is."""

from functools import lru_cache
from importlib.resources import files

from services.alert_rules.check import check_group
from services.alert_rules.facts import Facts
from services.alert_rules.model import Group, RuleFile
from services.plant.findings import Finding
from services.plant.read import read_document


@lru_cache(maxsize=1)
def ready_made() -> tuple[Group, ...]:
    """Return the groups of rules that a tenant may take over, and change, as they are.

    Raises
    ------
    services.plant.findings.PlantInvalid
        If one of them is not sound.
    """
    # They name no object, so that they hold for any plant, and for none.
    nowhere = Facts("", {})

    def check(file: RuleFile) -> list[Finding]:
        return [found for group in file.groups for found in check_group(group, nowhere)]

    content = files("services.alert_rules").joinpath("ready_made.yaml").read_bytes()
    return read_document(content, form="yaml", model=RuleFile, check=check).groups
