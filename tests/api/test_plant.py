import httpx

from services.plant.schema import plant_schema
from tests.api.installation import Installation, document


class TestPlant:
    async def test_is_read_by_version(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/sites/site-quokka/plant", params={"version": 1})
        assert response.json()["document"]["site"] == "site-quokka"
        missing = await client.get("/sites/site-quokka/plant", params={"version": 99})
        assert missing.status_code == 404

    async def test_has_its_schema(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/plant/schema")).json() == plant_schema()

    async def test_is_checked_without_being_kept(self, client: httpx.AsyncClient) -> None:
        good = document("acme", "other", "quokka")
        answer = (await client.post("/plant/check", json=good)).json()
        assert answer["fit"], answer
        good["flows"][0]["carrier"] = "electricty"
        answer = (await client.post("/plant/check", json=good)).json()
        assert not answer["fit"]
        finding = next(f for f in answer["findings"] if f["severity"] == "error")
        assert finding["pointer"] == "flows[0].carrier"
        assert finding["nearest"] == "electricity"
        assert finding["remedy_zh"]
        assert len((await client.get("/sites")).json()) == 1

    async def test_is_applied_once(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        new = document("bolt", "yard", "wombat")
        headers = installation.b.headers
        applied = await client.put("/sites/yard/plant", json=new, headers=headers)
        assert applied.json() == {"version": 1, "changed": True}, applied.text
        again = await client.put("/sites/yard/plant", json=new, headers=headers)
        assert again.json() == {"version": 1, "changed": False}
        record = (await client.get("/changes", headers=headers)).json()["changes"][0]
        assert record["action"] == "plant.apply"
        assert record["actor"] == "key tenant_admin wombat@bolt"

    async def test_is_not_lost_when_two_change_it(
        self, client: httpx.AsyncClient, installation: Installation
    ) -> None:
        headers = installation.b.headers
        url = "/sites/site-wombat/plant"
        tag = (await client.get(url, headers=headers)).headers["ETag"]
        new = {**document("bolt", "site-wombat", "wombat"), "region": "310000"}
        first = await client.put(url, json=new, headers={**headers, "If-Match": tag})
        assert first.json().get("changed"), first.text
        second = await client.put(url, json=new, headers={**headers, "If-Match": tag})
        assert second.status_code == 412

    async def test_of_another_tenant_is_refused_in_the_same_words(
        self, client: httpx.AsyncClient
    ) -> None:
        texts = set()
        for tenant in ("bolt", "nobody"):
            response = await client.put("/sites/yard/plant", json=document(tenant, "yard", "x1"))
            assert response.status_code == 422
            texts.add(response.text)
        assert len(texts) == 1

    async def test_of_another_address_is_refused(self, client: httpx.AsyncClient) -> None:
        response = await client.put("/sites/here/plant", json=document("acme", "there", "x2"))
        assert response.json()["pointer"] == "site"

    async def test_that_is_broken_is_refused_with_every_fault(
        self, client: httpx.AsyncClient
    ) -> None:
        broken = {**document("acme", "site-quokka", "quokka"), "max_conection": 1, "region": "x"}
        response = await client.put("/sites/site-quokka/plant", json=broken)
        assert response.json()["code"] == "plant_invalid"
        assert len(response.json()["errors"]) >= 2
