"""Backup clips of a channel: put there by drag and drop, looked at, removed."""

import asyncio
import base64
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request

from console.api.answers import GetParts, GetSession, Model, problems
from console.api.channel_settings import Changed, Removed, changed_to, removed
from console.auth.rights import API, Right
from console.problems import NOT_FOUND, Refused
from console.setup.backups import TAKEN
from streamgate.playout.clip_info import ClipLook
from streamgate.playout.fillers import clip_names
from streamgate.runtime.channels import ChannelConfig

router = APIRouter(prefix=f"{API}/channels/{{channel}}/backups", tags=["backups"])


class Backup(Model):
    """What a backup file holds. `still`: a picture of it as a data address (JPEG), "" for sound alone."""

    name: str
    size: int
    kind: Literal["video", "picture", "sound"]
    width: int
    height: int
    duration_s: float | None
    video_codec: str
    audio_codec: str
    still: str


UPLOAD = {
    "requestBody": {
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        "required": True,
    }
}


@router.put("/{filename}", responses=problems(400, 409, 503, 507), openapi_extra=UPLOAD)
async def upload_backup(
    request: Request, channel: str, filename: str, parts: GetParts, session: GetSession
) -> Changed:
    """Receive a backup file as the request's body, at most 4 GiB; it is checked before it is used."""
    files, who = parts.setup.files, session.actor
    parts.setup.backups.check_name(filename)
    if filename in clip_names((await files.get(channel)).backups):
        raise Refused(TAKEN)
    declared = request.headers.get("content-length", "")
    length = int(declared) if declared.isdecimal() else None
    async with parts.setup.backups.received(channel, filename, length, request.stream()) as (path, _):
        stored, late = await files.change(session, lambda store: store.set(channel, add_backups=[path]))
    return changed_to(parts, stored, late, who)


@router.get("/{filename}", responses=problems(400, 404, 409, 503))
async def show_backup(channel: str, filename: str, parts: GetParts) -> Backup:
    """Show what a backup file holds, with a still picture."""
    path = _path(await parts.setup.files.get(channel), filename)
    look = await parts.setup.backups.look(path, filename)
    size = await asyncio.to_thread(_size, path)
    return _shown(filename, look, size)


@router.delete("/{filename}", responses=problems(404, 409, 503))
async def remove_backup(channel: str, filename: str, parts: GetParts, session: GetSession) -> Removed:
    """Remove a backup; a file that came through the page goes, another one stays where it is."""
    files, backups, who = parts.setup.files, parts.setup.backups, session.actor
    path = _path(await files.get(channel), filename)
    _, late = await files.change(session, lambda store: store.set(channel, remove_backups=[path]))
    aside: Path | None = None
    if backups.is_ours(channel, path) and await asyncio.to_thread(path.is_file):
        aside = await asyncio.to_thread(backups.take_away, path)

    async def put_back() -> None:
        if aside is not None:
            if await asyncio.to_thread(path.exists):
                raise Refused(TAKEN)
            await asyncio.to_thread(aside.rename, path)
        await files.change(session, lambda store: store.set(channel, add_backups=[path]))

    return removed(parts, who, Right.BACKUP_UPLOAD, channel, put_back, late)


def _path(channel: ChannelConfig, filename: str) -> Path:
    path = clip_names(channel.backups).get(filename)
    if path is None:
        raise Refused(NOT_FOUND)
    return path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        raise Refused(NOT_FOUND) from None


def _shown(name: str, look: ClipLook, size: int) -> Backup:
    still = f"data:image/jpeg;base64,{base64.b64encode(look.still).decode()}" if look.still else ""
    return Backup(
        name=name,
        size=size,
        kind=look.kind,
        width=look.width,
        height=look.height,
        duration_s=look.duration_s,
        video_codec=look.video_codec,
        audio_codec=look.audio_codec,
        still=still,
    )
