"""Storage: how long the disk of the recordings lasts, and how their second copy stands."""

from typing import Literal

from fastapi import APIRouter

from console.api.answers import GetParts, GetPrincipal, Model, problems
from console.auth.rights import API, Right, rights_of

router = APIRouter(prefix=f"{API}/storage", tags=["archive"])


class ChannelUse(Model):
    """`bytes`: on the disk. `bytes_a_day`: recorded a day, by the last week."""

    channel: str
    retention_days: int
    bytes: int
    bytes_a_day: int


class ArchiveDisk(Model):
    """`hours_left`: at the present rate; null: nothing is recorded just now.

    `days_fit`: so many days of recordings find room; null: nothing was recorded lately. `retention_days`: the
    longest of any channel. `fits`: all channels' retention does; `missing_bytes`: so much more is needed.
    `reserve_bytes` are kept back of `reserve_wanted`: for the ledger, when the disk is full. `channels`:
    those that one may see.
    """

    free_bytes: int
    bytes_a_day: int
    hours_left: float | None
    days_fit: float | None
    retention_days: int
    fits: bool
    missing_bytes: int
    reserve_bytes: int
    reserve_wanted: int
    channels: list[ChannelUse]


class SecondCopy(Model):
    """`state`: off (none is set), idle (all is copied), copying, unreachable, failed (this machine's disk).

    not_running: nobody copies at the moment. `error`, `error_zh`: why not. `behind_*`: closed files that are
    not copied; `oldest`: when the oldest of them was closed. `bytes`: copied; `checked_bytes`: read back
    and right. `damaged`: files that are not what their index says; `lost`: copies that are gone for good.
    Times: seconds since the epoch.
    """

    state: Literal["off", "idle", "copying", "unreachable", "failed", "not_running"]
    target: str
    error: str
    error_zh: str
    behind_files: int
    behind_bytes: int
    oldest: float | None
    bytes: int
    checked_bytes: int
    last_copied: float | None
    damaged: int
    lost: int


class StorageState(Model):
    """`disk`: null while nothing was recorded yet."""

    disk: ArchiveDisk | None
    copy_state: SecondCopy


@router.get("", responses=problems(503))
async def show_storage(parts: GetParts, who: GetPrincipal) -> StorageState:
    """Show how long the disk of the recordings lasts, and how their second copy stands."""
    found = await parts.archive.storage.look()
    now_on = found.at
    copy = found.copy
    disk = None
    if found.disk is not None:
        cast = found.disk.forecast
        disk = ArchiveDisk(
            free_bytes=cast.free_bytes,
            bytes_a_day=cast.bytes_a_day,
            hours_left=cast.hours_left,
            days_fit=cast.days_fit,
            retention_days=cast.retention_days,
            fits=cast.fits,
            missing_bytes=cast.missing_bytes,
            reserve_bytes=found.disk.reserve_bytes,
            reserve_wanted=found.disk.reserve_wanted,
            channels=[
                ChannelUse(
                    channel=one.channel,
                    retention_days=one.retention_days,
                    bytes=one.bytes,
                    bytes_a_day=round(one.a_day(now_on)),
                )
                for one in found.disk.channels
                if Right.STORAGE_READ in rights_of(who, one.channel)
            ],
        )
    return StorageState(
        disk=disk,
        copy_state=SecondCopy(
            state=copy.state,
            target=copy.target,
            error=copy.error,
            error_zh=copy.error_zh,
            behind_files=copy.behind_files,
            behind_bytes=copy.behind_bytes,
            oldest=copy.oldest,
            bytes=copy.bytes,
            checked_bytes=copy.checked_bytes,
            last_copied=copy.last_copied,
            damaged=len(copy.damaged),
            lost=len(copy.lost_for_good),
        ),
    )
