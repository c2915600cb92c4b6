"""Push destinations of a channel, as in its file: address, who entered it, who approved it (rule R13)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from streamgate.core.actor import is_on_machine, is_same_person
from streamgate.errors import ConfigError, Refused
from streamgate.rtmp.url import HLS, parse_url, redact

MAX_ACTOR = 128
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,79}")
_NAMED_URL = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,31})=(?P<url>.+)", re.DOTALL)


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where the program is pushed. `url` contains the stream key: never print it, print `redacted`.

    The url `hls:` means the channel's own HLS files, which the gate writes.

    `split_headers`: send a new codec header at each splice, for a platform that supports no shared one.
    `entered_by`, `approved_by`: actors ("console:alice", "cli:root"); `entered_at`, `approved_at`: seconds
    since the epoch. An entry older than the approval rule has none of the four and counts as approved: it
    was entered on the machine's command line.
    """

    name: str
    url: str
    split_headers: bool = False
    entered_by: str = ""
    entered_at: float = 0.0
    approved_by: str = ""
    approved_at: float = 0.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"destination name {self.name!r} is not allowed; letters, digits and . _ : - are, at most 80"
            )
        check_url(self.url)
        if max(len(self.entered_by), len(self.approved_by)) > MAX_ACTOR:
            raise ValueError(f"destination {self.name}: a person's name of more than {MAX_ACTOR} characters")
        if self.approved_by and not may_approve(self.approved_by, self.entered_by, alone=True):
            raise ValueError(
                f"destination {self.name} was entered and approved by the same person"
                f" ({self.approved_by}); somebody else must approve it (rule R13)"
            )

    def __repr__(self) -> str:
        return f"Destination(name={self.name!r}, url={self.redacted!r})"

    @property
    def redacted(self) -> str:
        """The URL with everything after the application hidden."""
        return redact(self.url)

    @property
    def approved(self) -> bool:
        """Whether the gate may connect to it."""
        return bool(self.approved_by) or not self.entered_by


def may_approve(by: str, entered_by: str, *, alone: bool) -> bool:
    """Whether `by` may approve what `entered_by` entered.

    `alone`: one administrator is enough on the machine's command line (setting approval = "one-person").
    """
    return not is_same_person(by, entered_by) or (alone and is_on_machine(by) and is_on_machine(entered_by))


def check_url(url: str) -> None:
    """Raise ValueError unless `url` is one the gate can use. The text never holds the key."""
    if url == HLS:
        return
    try:
        parse_url(url)
    except ConfigError as error:
        raise ValueError(f"push URL {redact(url)} is refused: {error}") from error


@contextmanager
def refusing(zh: str = "") -> Iterator[None]:
    """Convert a ValueError of the body into Refused. `zh`: its text in Chinese."""
    try:
        yield
    except ValueError as error:
        raise Refused(str(error), zh) from error


class Entry(msgspec.Struct, frozen=True):
    """Who enters destinations and when. `alone`: on the command line this person's approval is enough."""

    by: str
    at: float
    alone: bool

    def stamp(self, name: str, url: str, *, split_headers: bool = False) -> Destination:
        approved = (self.by, self.at) if self.alone and is_on_machine(self.by) else ("", 0.0)
        return Destination(name, url, split_headers, self.by, self.at, *approved)


UNSIGNED = Entry("", 0.0, alone=True)
"""Entry of a program that runs as the owner of the data directory and names no person."""


def add_urls(present: tuple[Destination, ...], urls: Sequence[str], entry: Entry) -> tuple[Destination, ...]:
    """Add destinations given as URL or NAME=URL."""
    destinations = list(present)
    for text in urls:
        named = _NAMED_URL.fullmatch(text)
        url = named["url"] if named else text
        destinations.append(enter(destinations, named["name"] if named else "", url, entry))
    return tuple(destinations)


def enter(
    present: Sequence[Destination], name: str, url: str, entry: Entry, *, split_headers: bool = False
) -> Destination:
    """Return a new destination, checked against those present. `name` "": its host's name, or hls."""
    with refusing("推流地址不可用；格式应为 rtmp(s)://主机/应用/密钥，或 hls:"):
        check_url(url)
    taken = {one.name for one in present}
    if name in taken:
        raise Refused(
            f"there is a push destination {name} already; choose another name",
            f"已有名为 {name} 的推流目的地；请另选名称",
        )
    if not name:
        host = "hls" if url == HLS else parse_url(url).host
        numbered = (host, *(f"{host}-{n}" for n in range(2, len(taken) + 3)))
        name = next(name for name in numbered if name not in taken)
    if url == HLS and any(one.url == HLS for one in present):
        raise Refused(
            "the channel writes HLS already; one such destination serves any number of viewers",
            "频道已有 HLS 目的地；一个即可供任意数量的观众观看",
        )
    if any(one.url == url for one in present):
        raise Refused(
            f"push URL {redact(url)} is there twice; a platform takes one connection per key; remove one",
            f"推流地址 {redact(url)} 重复；平台对同一密钥只接受一路连接，请删除其一",
        )
    with refusing(f"目的地名称 {name} 不可用；可用字母、数字与 . _ : -，以字母或数字开头，最多 80 个字符"):
        return entry.stamp(name, url, split_headers=split_headers)


def set_headers(
    present: tuple[Destination, ...], split_headers: Mapping[str, bool]
) -> tuple[Destination, ...]:
    """Set `split_headers` by destination name. Raise Refused for an unknown name."""
    for name in split_headers:
        find(present, name)
    return tuple(
        msgspec.structs.replace(one, split_headers=split_headers.get(one.name, one.split_headers))
        for one in present
    )


def remove_named(present: tuple[Destination, ...], unwanted: Sequence[str]) -> tuple[Destination, ...]:
    """Remove destinations by name or whole URL."""
    kept = present
    for text in unwanted:
        rest = tuple(one for one in kept if text not in (one.name, one.url))
        if len(rest) == len(kept):
            raise _unknown(kept, redact(text) if "://" in text else text)
        kept = rest
    return kept


def approve(
    present: tuple[Destination, ...], name: str, *, by: str, at: float, alone: bool
) -> tuple[Destination, ...]:
    """Approve a waiting destination. Raise Refused if `by` entered it, or if it does not wait.

    `alone`: see `may_approve`.
    """
    waiting = find(present, name)
    if waiting.approved:
        who = waiting.approved_by or "nobody, before there were approvals"
        raise Refused(
            f"destination {name} does not wait for approval: it was approved by {who}",
            f"目的地 {name} 无需审批：已由 {waiting.approved_by or '（旧记录）'} 批准",
        )
    if not may_approve(by, waiting.entered_by, alone=alone):
        raise Refused(
            f"{waiting.entered_by} entered destination {name}; somebody else must approve it (rule R13)",
            f"目的地 {name} 由 {waiting.entered_by} 录入，须由另一人审批（R13）",
        )
    approved = msgspec.structs.replace(waiting, approved_by=by, approved_at=at)
    return tuple(approved if one is waiting else one for one in present)


def find(present: tuple[Destination, ...], name: str) -> Destination:
    """Return the destination `name`. Raise Refused, which lists the existing ones."""
    for one in present:
        if one.name == name:
            return one
    raise _unknown(present, name)


def _unknown(present: tuple[Destination, ...], shown: str) -> Refused:
    names = ", ".join(one.name for one in present) or "none"
    return Refused(
        f"there is no push destination {shown}; destinations are: {names}",
        f"没有推流目的地 {shown}；现有：{names if present else '无'}",
    )
