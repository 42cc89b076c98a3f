import httpx

from compute.quality import FLAG_TEXTS, Quality, grade
from compute.quantities import QUANTITIES
from services.reference import load_tables


class TestNomenclature:
    async def test_has_every_name_in_both_languages(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get("/nomenclature")).json()
        assert [line["name"] for line in answer["quantities"]] == [q.name for q in QUANTITIES]
        assert {line["code"] for line in answer["carriers"]} == set(load_tables().carriers)
        assert len(answer["flags"]) == len(list(Quality))
        for line in (*answer["quantities"], *answer["carriers"], *answer["flags"]):
            assert any("\u4e00" <= letter <= "\u9fff" for letter in line["zh"]), line
            assert line["en"].isascii() or "₂" in line["en"], line

    async def test_grades_a_flag_as_it_grades_a_value(self, client: httpx.AsyncClient) -> None:
        answer = (await client.get("/nomenclature")).json()
        by_name = {line["name"]: line["grade"] for line in answer["flags"]}
        assert by_name["missing"] == "bad"
        assert by_name["derived"] == "uncertain"
        assert all(by_name[str(flag.name).lower()] == grade(flag) for flag in FLAG_TEXTS)

    async def test_is_for_those_who_signed_in(self, stranger: httpx.AsyncClient) -> None:
        assert (await stranger.get("/nomenclature")).status_code == 401
