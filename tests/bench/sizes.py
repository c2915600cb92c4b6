"""How much each part measures: in a full run, and in a quick one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    `channels`: of 6 Mb/s at once. `window_s`, `settle_s`: length of each CPU measurement, and the time before
    it in which nothing is measured. `cuts`: how many cuts; 0 leaves them out. `cuts_apart`: on 40 channels of
    their own, which takes two minutes more. `destinations`: whether what further ones cost is measured.
    `terms`, `comments`: for the filter; 0 terms leave it out. `seconds`: of 2,000 comments a second. `piece`:
    cards that are judged anew, half of those that wait for review. `readers`, `approvals`: of the published
    feed. `flood_rounds`, `flood_s`: of comments while channels are cut; with one round half of the channels
    are cut before they come. `cards`, `scroll_s`, `opened`: of the screens Review and Archive. `megabytes`:
    to verify. `hours`: length of the recording. `seeks`, `written_s`: in the recording, and of the archive's
    writers alone. `days`: of 8 hours on 3 channels in the catalog.
    """

    channels: int = 6
    window_s: float = 20.0
    settle_s: float = 14.0
    cuts: int = 200
    cuts_apart: bool = True
    destinations: bool = True
    terms: int = 100_000
    comments: int = 250_000
    seconds: float = 60.0
    piece: int = 10_000
    readers: int = 2_000
    approvals: int = 120
    flood_rounds: int = 2
    flood_s: float = 12.0
    cards: int = 20_000
    scroll_s: float = 5.0
    opened: int = 30
    megabytes: int = 600
    hours: float = 1.0
    seeks: int = 60
    days: int = 60
    written_s: int = 300


FULL = Sizes()
QUICK = Sizes(
    window_s=5,
    settle_s=4,
    cuts=5,
    cuts_apart=False,
    destinations=False,
    terms=10_000,
    comments=10_000,
    seconds=3,
    piece=2_000,
    readers=500,
    approvals=30,
    flood_rounds=1,
    flood_s=7,
    cards=2_000,
    scroll_s=2,
    opened=5,
    megabytes=100,
    hours=0.05,
    seeks=15,
    days=15,
    written_s=60,
)
