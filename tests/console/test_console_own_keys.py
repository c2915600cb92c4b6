"""A person's own keys: kept with the account, nobody else's business."""

from console_stage import Stage


async def test_keys_are_kept_with_the_account(stage: Stage) -> None:
    async with stage.client() as client:
        assert (await client.get("/api/v1/me/keys")).json() == {"keys": None}
        chosen = {"cut": ["F8", "PAD 12"], "stop": []}
        assert (await client.put("/api/v1/me/keys", json={"keys": chosen})).status_code == 200
    await stage.sign_in("operator")
    async with stage.client() as client:
        assert (await client.get("/api/v1/me/keys")).json() == {"keys": chosen}
    await stage.sign_in("ann", "operator")
    async with stage.client() as client:
        assert (await client.get("/api/v1/me/keys")).json() == {"keys": None}


async def test_what_is_no_key_or_no_act_is_refused(stage: Stage) -> None:
    async with stage.client() as client:
        for wrong in ({"cut": ["Enter"]}, {"cut": ["x"]}, {"fly": ["F"]}, {"cut": ["A", "B", "C", "D"]}, []):
            assert (await client.put("/api/v1/me/keys", json={"keys": wrong})).status_code == 400
        assert (await client.get("/api/v1/me/keys")).json() == {"keys": None}
