import re
import shlex
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from deploy import access, grafana_push, secret_files
from deploy.cli import app
from deploy.grafana_commands import DASHBOARDS
from services.settings import Settings
from tests.debian import PROJECT

DEPLOY = PROJECT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CENTRE = ("migrate", "ingest", "worker", "api")

# The parts of the Compose file format that we use; an unknown key is most often a misspelt one.
WORDS = {"type": "array", "items": {"type": "string"}}
DURATION = {"type": "string", "pattern": r"^(\d+(s|m|h))+$"}
SERVICE_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["image"]}, {"required": ["build"]}],
    "properties": {
        "build": {
            "type": "object",
            "additionalProperties": False,
            "required": ["context"],
            "properties": {"context": {"type": "string"}, "dockerfile": {"type": "string"}},
        },
        "cap_drop": WORDS,
        "command": WORDS,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["condition"],
                "properties": {
                    "condition": {
                        "enum": [
                            "service_started",
                            "service_healthy",
                            "service_completed_successfully",
                        ],
                    },
                },
            },
        },
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test"],
            "properties": {
                "test": {
                    "type": "array",
                    "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}],
                    "items": {"type": "string"},
                    "minItems": 2,
                },
                "interval": DURATION,
                "timeout": DURATION,
                "start_period": DURATION,
                "retries": {"type": "integer", "minimum": 1},
            },
        },
        "image": {"type": "string", "pattern": r"^[a-z0-9./_-]+:[A-Za-z0-9._-]+$"},
        "init": {"type": "boolean"},
        "ports": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^\$\{NENGTAN_BIND:-127\.0\.0\.1\}:\d+:\d+$"},
        },
        "read_only": {"type": "boolean"},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "secrets": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["source"],
                        "properties": {"source": {"type": "string"}, "target": {"type": "string"}},
                    },
                ],
            },
        },
        "security_opt": WORDS,
        "shm_size": {"type": "string", "pattern": r"^\d+(kb|mb|gb)$"},
        "stop_grace_period": DURATION,
        "tmpfs": WORDS,
        "volumes": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^[^:]+:/[^:]+(:ro)?$"},
        },
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "services"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string"},
        "services": {"type": "object", "additionalProperties": SERVICE_SCHEMA},
        "volumes": {"type": "object"},
        "secrets": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["file"],
                "properties": {"file": {"type": "string"}},
            },
        },
    },
}


def secrets_of(service: dict[str, Any]) -> list[str]:
    listed = service.get("secrets", [])
    return [item if isinstance(item, str) else item["source"] for item in listed]


class TestCompose:
    def test_is_well_formed(self) -> None:
        assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(COMPOSE)) == []

    @pytest.mark.parametrize("name", SERVICES)
    def test_names_only_what_exists(self, name: str) -> None:
        service = SERVICES[name]
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        assert set(secrets_of(service)) <= set(COMPOSE["secrets"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = (DEPLOY / source).exists() if source[0] == "." else source in COMPOSE["volumes"]
            assert known, f"{name}: {volume}"
        if "build" in service:
            context = DEPLOY / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).is_file()

    @pytest.mark.parametrize("name", SERVICES)
    def test_waits_for_health_only_where_health_is_told(self, name: str) -> None:
        for other, wait in SERVICES[name].get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]

    @pytest.mark.parametrize("name", SERVICES)
    def test_reads_secrets_from_files_it_is_given(self, name: str) -> None:
        service = SERVICES[name]
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert variable.endswith("FILE")
                assert value.removeprefix("/run/secrets/") in secrets_of(service)

    @pytest.mark.parametrize("name", CENTRE)
    def test_sets_only_variables_that_the_settings_know(self, name: str) -> None:
        known = {f"NENGTAN_{field.upper()}" for field in Settings.model_fields}
        assert set(SERVICES[name]["environment"]) <= known

    def test_uses_every_secret_and_volume_it_declares(self) -> None:
        used = {secret for service in SERVICES.values() for secret in secrets_of(service)}
        mounted = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}
        assert used == set(COMPOSE["secrets"])
        assert set(COMPOSE["volumes"]) <= mounted

    def test_publishes_no_port_twice(self) -> None:
        ports = [port.split(":")[-2] for s in SERVICES.values() for port in s.get("ports", [])]
        assert len(ports) == len(set(ports))

    def test_gives_each_process_the_password_of_its_own_role_alone(self) -> None:
        for name in ("ingest", "worker", "api"):
            held = {item for item in secrets_of(SERVICES[name]) if item.startswith("database_")}
            assert held == {f"database_nengtan_{name}"}

    def test_shows_the_keys_of_gateways_to_ingest_alone(self) -> None:
        mounts = {
            name: volume.split(":")[1:]
            for name, service in SERVICES.items()
            for volume in service.get("volumes", [])
            if volume.startswith("./secrets/")
        }
        folder = SERVICES["ingest"]["environment"]["NENGTAN_GATEWAY_KEYS_FOLDER"]
        assert mounts == {"ingest": [folder, "ro"]}

    def test_mounts_the_broker_files_where_its_settings_look(self) -> None:
        settings = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
        broker = SERVICES["broker"]
        places = {item["target"] for item in broker["secrets"]}
        assert set(re.findall(r"^(?:password|acl)_file (\S+)$", settings, re.MULTILINE)) == places


class TestGrafana:
    PROVISIONING = DEPLOY / "grafana" / "provisioning"
    SERVICE = SERVICES["grafana"]

    def provisioned(self, kind: str) -> dict[str, Any]:
        [file] = (self.PROVISIONING / kind).iterdir()
        found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert found["apiVersion"] == 1
        return found

    def test_reads_as_the_role_of_a_tenant_with_the_password_of_a_file(self) -> None:
        [source] = self.provisioned("datasources")["datasources"]
        assert source["user"] == "$GRAFANA_ROLE"
        role = self.SERVICE["environment"]["GRAFANA_ROLE"]
        assert re.fullmatch(r"\$\{GRAFANA_ROLE:-nengtan_grafana_\d+\}", role)
        secret = re.fullmatch(
            r"\$__file\{/run/secrets/(\w+)\}", source["secureJsonData"]["password"]
        )
        assert secret is not None
        assert secret[1] in secrets_of(self.SERVICE)
        # Where the role is made, the same secret must be at hand.
        assert secret[1] in secrets_of(SERVICES["migrate"])

    def test_reads_from_the_database_as_what_is_put_there_by_hand(self) -> None:
        [source] = self.provisioned("datasources")["datasources"]
        url = "postgresql://nengtan_grafana_1@database:5432/nengtan?sslmode=disable"
        by_hand = grafana_push.data_source(url, "x")
        for key in ("uid", "name", "type", "access", "url", "jsonData"):
            assert source[key] == by_hand[key], key

    def test_finds_the_dashboards_where_they_are_mounted(self) -> None:
        [provider] = self.provisioned("dashboards")["providers"]
        mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in self.SERVICE["volumes"]}
        assert mounted["/etc/grafana/provisioning"] == "./grafana/provisioning"
        assert (DEPLOY / mounted[provider["options"]["path"]]) == DASHBOARDS
        assert provider["folderUid"] == grafana_push.UID
        assert provider["folder"] == grafana_push.FOLDER_TITLE


class TestDockerfile:
    LINES = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()

    def test_copies_what_exists(self) -> None:
        for line in self.LINES:
            # What comes from the stage before does not lie here.
            if line.startswith("COPY") and "--from=" not in line:
                *sources, _ = shlex.split(line)[1:]
                assert all((PROJECT / source).exists() for source in sources), line

    def test_copies_every_room(self) -> None:
        copied = {line.split()[1].rstrip("/") for line in self.LINES if line.startswith("COPY")}
        assert {"api", "compute", "dashboards", "deploy", "ingest", "services"} <= copied

    def test_does_not_run_as_root(self) -> None:
        users = [line.split()[1] for line in self.LINES if line.startswith("USER")]
        assert users[-1:] == ["10001"]

    def test_installs_only_what_the_lock_has_a_hash_for(self) -> None:
        installs = [line for line in self.LINES if "pip install" in line]
        assert installs
        assert all("--require-hashes" in line for line in installs)


class TestCommands:
    @pytest.mark.parametrize("name", ["migrate", "ingest", "worker", "api"])
    def test_are_commands_of_the_program(self, name: str) -> None:
        words = [*COMPOSE["services"][name]["command"], "--help"]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output


class TestSecretFiles:
    def test_are_those_that_compose_names(self, tmp_path: Path) -> None:
        made = {path.name for path in secret_files.write_missing(tmp_path / "secrets")}
        assert made == {Path(entry["file"]).name for entry in COMPOSE["secrets"].values()}

    def test_stay_as_they_are_when_written_again(self, tmp_path: Path) -> None:
        folder = tmp_path / "secrets"
        before = {path: path.read_text() for path in secret_files.write_missing(folder)}
        assert secret_files.write_missing(folder) == []
        assert {path: path.read_text() for path in before} == before

    def test_lie_in_a_folder_closed_to_others(self, tmp_path: Path) -> None:
        secret_files.write_missing(tmp_path / "secrets")
        assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700

    def test_let_the_centre_hear_every_gateway_but_speak_for_none(self) -> None:
        centre = secret_files.centre_access("x")
        telemetry = "nengtan/v1/park/plant/gateway/telemetry"
        assert any(access.covers(topic, telemetry) for topic in centre.subscribe)
        assert not any(access.covers(topic, telemetry) for topic in centre.publish)
