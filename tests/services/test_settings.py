"""The environment: read once, refused where it is not understood."""

from pathlib import Path

import pytest

from services.settings import Settings, SettingsInvalid


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - to forget what the machine has set

    for name in list(os.environ):
        if name.startswith("NENGTAN_"):
            monkeypatch.delenv(name)


class TestFromEnvironment:
    def test_has_a_default_for_everything(self) -> None:
        settings = Settings.from_environment()
        assert settings.mqtt_receiver == "mqtt5"
        assert settings.mqtt_password() is None
        assert settings.database() == "postgresql://127.0.0.1:5432/nengtan"

    def test_reads_what_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NENGTAN_MQTT_PORT", "8883")
        monkeypatch.setenv("NENGTAN_MQTT_TLS", "true")
        settings = Settings.from_environment()
        assert (settings.mqtt_port, settings.mqtt_tls) == (8883, True)

    def test_names_the_nearest_of_an_unknown_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NENGTAN_DATABASE_ULR", "x")
        with pytest.raises(SettingsInvalid) as caught:
            Settings.from_environment()
        said = "NENGTAN_DATABASE_ULR is not a setting; did you mean NENGTAN_DATABASE_URL?"
        assert str(caught.value) == said

    def test_refuses_a_name_that_is_near_to_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NENGTAN_QQQ", "x")
        with pytest.raises(SettingsInvalid, match=r"^NENGTAN_QQQ is not a setting"):
            Settings.from_environment()

    def test_leaves_the_switches_of_the_suite_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NENGTAN_TEST_DATABASE_URL", raising=False)
        without = Settings.from_environment()
        monkeypatch.setenv("NENGTAN_TEST_DATABASE_URL", "x")
        assert Settings.from_environment() == without

    def test_reads_the_keys_of_gateways_that_sign(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert Settings.from_environment().gateway_keys() == {}
        monkeypatch.setenv("NENGTAN_GATEWAY_KEYS_FOLDER", str(tmp_path))
        (tmp_path / "acme.main.gw").write_text("0123456789abcdef" * 2 + "\n")
        (tmp_path / ".gitignore").write_text("*")
        keys = Settings.from_environment().gateway_keys()
        assert keys == {"acme.main.gw": b"0123456789abcdef" * 2}
        (tmp_path / "acme.main.gw").write_text("too short")
        with pytest.raises(SettingsInvalid, match=r"acme\.main\.gw .* has 9 bytes: write one of"):
            Settings.from_environment().gateway_keys()
        monkeypatch.setenv("NENGTAN_GATEWAY_KEYS_FOLDER", str(tmp_path / "none"))
        with pytest.raises(SettingsInvalid, match="cannot be read"):
            Settings.from_environment().gateway_keys()

    def test_lets_no_service_be_told_to_crash_outside_the_fault_tests(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NENGTAN_CRASH_AT", "received")
        for switch in ("", "0", "true"):
            monkeypatch.setenv("NENGTAN_TEST_CRASHES", switch)
            with pytest.raises(SettingsInvalid, match=r"^NENGTAN_CRASH_AT is for the fault tests"):
                Settings.from_environment()
        monkeypatch.setenv("NENGTAN_TEST_CRASHES", "1")
        assert Settings.from_environment().crash_at == "received"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("NENGTAN_MQTT_PORT", "70000"),
            ("NENGTAN_MQTT_RECEIVER", "paho"),
            ("NENGTAN_INGEST_FLUSH_MS", "0"),
            ("NENGTAN_LOG_FORMAT", "xml"),
        ],
    )
    def test_says_in_one_line_what_is_wrong_with_a_value(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingsInvalid) as caught:
            Settings.from_environment()
        assert str(caught.value).startswith(f"{name}={value!r}: ")
        assert "\n" not in str(caught.value)

    def test_cannot_be_changed_afterwards(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            Settings.from_environment().mqtt_port = 1  # type: ignore[misc]


class TestSecrets:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("postgresql://role@db:5433/name", "postgresql://role:p%40%2Fss@db:5433/name"),
            ("postgresql://role:old@db/name", "postgresql://role:p%40%2Fss@db/name"),
            ("postgresql://role@[::1]:5432/name", "postgresql://role:p%40%2Fss@[::1]:5432/name"),
            (
                "postgresql://role@db/name?sslmode=require",
                "postgresql://role:p%40%2Fss@db/name?sslmode=require",
            ),
        ],
    )
    def test_of_the_database_goes_into_its_url(
        self, tmp_path: Path, url: str, expected: str
    ) -> None:
        secret = tmp_path / "secret"
        secret.write_text("p@/ss\n", encoding="utf-8")
        settings = Settings(database_url=url, database_password_file=secret)
        assert settings.database() == expected

    def test_of_the_broker_is_the_file_without_its_newline(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("p@/ss\n", encoding="utf-8")
        assert Settings(mqtt_password_file=secret).mqtt_password() == "p@/ss"

    def test_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        settings = Settings(mqtt_password_file=tmp_path / "absent")
        with pytest.raises(SettingsInvalid, match="absent cannot be read: No such file"):
            settings.mqtt_password()

    def test_that_is_not_text_is_named(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(b"\xff\xfe")
        with pytest.raises(SettingsInvalid, match=r"secret file .*secret is not UTF-8"):
            Settings(mqtt_password_file=secret).mqtt_password()
