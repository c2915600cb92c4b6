"""Settings in force, to be read on the page."""

from console_stage import Stage

from console.api.settings import SettingList
from streamgate.config import load


async def test_settings_are_shown_with_where_they_come_from(idle: Stage) -> None:
    settings = load(idle.data_dir, log_level="debug")
    async with idle.console(settings=[_plain(one) for one in settings.shown]):
        await idle.sign_in()
        async with idle.client() as client:
            answer = await client.get("/api/v1/settings")
    listed = SettingList.model_validate(answer.json())
    assert listed.file == str(idle.data_dir / "streamgate.toml")
    found = {one.name: (one.value, one.source) for one in listed.settings}
    assert found["log_level"] == ("debug", "command line")
    assert found["approval"] == ("one-person", "default")


def _plain(one: object) -> dict[str, str]:
    return {name: getattr(one, name) for name in ("name", "value", "source", "allowed")}
