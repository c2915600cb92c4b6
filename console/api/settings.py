"""Settings in force, to be read: from which source each comes. Secrets are not among them."""

from typing import Literal

from fastapi import APIRouter

from console.api.answers import GetParts, GetSession, Model
from console.auth.rights import API, Right, require_everywhere

router = APIRouter(prefix=f"{API}/settings", tags=["settings"])


class ShownSetting(Model):
    """`value`: as it would be written. `allowed`: what may stand there."""

    name: str
    value: str
    source: Literal["default", "file", "environment", "command line"]
    allowed: str


class SettingList(Model):
    """`file`: where settings are changed; they are read when `streamgate serve` starts."""

    file: str
    settings: list[ShownSetting]


@router.get("")
async def list_settings(parts: GetParts, session: GetSession) -> SettingList:
    """Show the settings that this streamgate was started with."""
    require_everywhere(session, Right.SETTINGS_READ)  # a role on one channel is not enough
    setup = parts.setup
    return SettingList(
        file=str(setup.files.places.toml), settings=[ShownSetting(**one) for one in setup.settings]
    )
