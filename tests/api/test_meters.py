import httpx

from tests.api.installation import Installation

SITE = "/sites/site-quokka"
AT = "2025-02-01T08:00:00+08:00"


class TestTheRegister:
    async def test_lists_every_meter_with_its_calibration(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get(f"{SITE}/meter-register")).json()
        first = answer["meters"][0]
        assert [meter["code"] for meter in answer["meters"]] == ["M1-quokka", "M2-quokka"]
        assert (first["overdue"], first["certificate"], first["in_use"]) == (None, None, True)
        assert first["points"][0]["multiplier"] == 1.0
        assert answer["overdue_count"] == 0

    async def test_shows_what_is_overdue_on_the_day(self, client: httpx.AsyncClient) -> None:
        body = {"certificate": "J-7", "calibrated_on": "2025-02-01", "due": "2025-03-01"}
        more = {"accuracy_class": "0.2S"}
        url = f"{SITE}/meters/M1-quokka/calibrations"
        stored = await client.post(url, json={**body, **more})
        assert stored.status_code == 201, stored.text
        for at, due, overdue in (
            ("2025-01-20T00:00:00Z", None, None),
            ("2025-03-01T12:00:00Z", "2025-03-01", False),
            ("2025-03-01T16:00:00Z", "2025-03-01", True),  # the next day in Shanghai
        ):
            found = (await client.get(f"{SITE}/meter-register", params={"at": at})).json()
            meter = found["meters"][0]
            assert (meter["calibration_due"], meter["overdue"]) == (due, overdue)
            assert found["overdue_count"] == int(bool(overdue))
        assert (meter["certificate"], meter["accuracy_class"]) == ("J-7", "0.2S")
        again = await client.post(url, json=body)
        assert (again.status_code, again.json()["pointer"]) == (422, "certificate")
        lines = (await client.get("/changes")).json()["changes"]
        assert lines[0]["action"] == "meter.calibrate"


class TestTheRateOfProvision:
    async def test_counts_what_crosses_the_edge_of_the_site(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = (await client.get(f"{SITE}/meter-provision")).json()
        rows = {(row["level"], row["energy"]): row for row in answer["rows"]}
        power = rows["unit", "electricity"]
        assert (power["needed_count"], power["fitted_count"], power["share"]) == (1, 1, 1.0)
        assert (power["required_share"], power["meets"]) == (1.0, True)
        # Nobody has compared the table with the print of the standard.
        assert power["confidence"] == "recalled"
        assert answer["levels_undeclared"] == ["secondary", "equipment"]


class TestAChange:
    async def test_is_entered_shown_and_withdrawn(self, client: httpx.AsyncClient) -> None:
        body = {"from": AT, "multiplier": 40, "reason": "CT 200/5 fitted"}
        entered = await client.post(f"{SITE}/points/P1-quokka/life", json=body)
        assert entered.status_code == 201, entered.text
        fact = entered.json()
        assert (fact["fact"]["multiplier"], fact["created_by"]) == (
            40.0,
            "key tenant_admin quokka@acme",
        )
        [point] = (await client.get(f"{SITE}/meter-register")).json()["meters"][0]["points"]
        assert (point["multiplier"], point["since"]) == (40.0, "2025-02-01T00:00:00Z")
        twice = await client.post(f"{SITE}/points/P1-quokka/life", json=body)
        assert (twice.status_code, twice.json()["code"]) == (422, "meter_life_invalid")
        assert "同一时刻" in twice.json()["detail_zh"]
        url = f"{SITE}/meter-facts/{fact['id']}/withdrawal"
        gone = await client.post(url, json={"reason": "another feeder"})
        assert gone.json()["withdrawn_by"] == "key tenant_admin quokka@acme"
        assert (await client.post(url, json={"reason": "again"})).status_code == 404
        [point] = (await client.get(f"{SITE}/meter-register")).json()["meters"][0]["points"]
        assert point["multiplier"] == 1.0
        facts = (await client.get(f"{SITE}/meter-facts")).json()["facts"]
        assert [f["withdrawn_reason"] for f in facts if f["kind"] == "change"] == ["another feeder"]

    async def test_that_cannot_be_is_refused_at_its_place(self, client: httpx.AsyncClient) -> None:
        for fields, pointer in (
            ({"multiplier": 0}, "multiplier"),
            ({"multiplier": -2}, "multiplier"),
            ({"digits": {"integer": 0}}, "digits/integer"),
            ({"first_reading": 5, "retired": True}, "first_reading"),
            ({"multiplyer": 5}, "multiplyer"),
        ):
            body = {"from": AT, "reason": "x", **fields}
            response = await client.post(f"{SITE}/points/P1-quokka/life", json=body)
            assert response.status_code == 422
            assert response.json()["pointer"] == pointer, response.text

    async def test_of_another_tenant_is_told_as_one_that_is_not_there(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        body = {"from": AT, "multiplier": 40, "reason": "x"}
        texts = set()
        for site in ("site-wombat", "site-nobody"):
            response = await client.post(f"/sites/{site}/points/P1-wombat/life", json=body)
            assert response.status_code == 404
            texts.add(response.text)
        assert len(texts) == 1
        headers = installation.b.headers
        facts = await client.get("/sites/site-wombat/meter-facts", headers=headers)
        assert facts.json()["facts"] == []
