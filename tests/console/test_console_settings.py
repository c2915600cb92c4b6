"""Settings in force, to be read on the page."""

import re
from pathlib import Path

from console_stage import Stage

import console
from console.api.settings import SettingList
from streamgate.config import Settings, load

WORDS = Path(console.__file__).parent / "web" / "src" / "settings" / "strings.ts"


def test_every_setting_is_explained_in_chinese() -> None:
    """The English sentences come with the settings themselves."""
    explained = set(re.findall(r'^    (\w+): ".*[\u4e00-\u9fff]', WORDS.read_text("utf-8"), re.MULTILINE))
    assert set(Settings.model_fields) - explained == set()


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
