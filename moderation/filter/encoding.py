"""Lines of bytes to texts, in whichever encoding they come: UTF-8, UTF-16 or GB 18030.

Nothing is looked at ahead, so that a slow pipe is answered at once: each line is read by itself, but for
UTF-16, which the first bytes tell. A line that may be read in two ways has both readings, and the graver
verdict counts. One that cannot be read, or hardly, is `unread`: nobody may call it clean.
"""

import codecs
import re
from typing import NamedTuple

SURROGATE = re.compile("[\ud800-\udfff]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_TWO_BYTES = re.compile("[\x80-\u07ff]")
"""What UTF-8 writes in two bytes, and GB 18030 may have meant as one character."""
_MORE_BYTES = re.compile("[\u0800-\ud7ff\ue000-\U0010ffff]")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_BREAKS = {"utf-16-le": b"\n\0", "utf-16-be": b"\0\n"}
_PLAUSIBLE = re.compile(
    "[\t\r\n -~\u00a0-\u00ff\u2000-\u27bf\u3000-\u30ff\u3400-\u9fff\uff00-\uffef\ufe0f\U0001f000-\U0001faff]*"
)
"""What a comment is made of; of Chinese read in the wrong byte order hardly anything is."""
MANY_NULS = 4
"""One byte in so many is NUL where a text of Latin letters is UTF-16."""


class Line(NamedTuple):
    """One decoded line. `others`: other possible texts. `unread`: why the decoding is unsure; "" if sure."""

    text: str
    others: tuple[str, ...] = ()
    unread: str = ""


class Lines:
    """Cuts and reads a stream, piece by piece.

    `notes`: sentences for the user about the encoding; the caller that prints them clears them.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._begun: list[bytes] = []
        self._wide = ""
        """Which UTF-16 it is, if it is."""
        self._marked = False
        self._first = True
        self._gb = False
        """A line before was GB 18030 for sure."""

    def feed(self, data: bytes, *, ended: bool) -> tuple[list[str], dict[int, Line]]:
        """The texts that are whole with these bytes, and of those that are not plain UTF-8 what they are."""
        if self._first:
            if b"\n" not in data and not ended:  # no line is whole, in whichever encoding
                self._begun.append(data)
                return [], {}
            data = self._opened(b"".join([*self._begun, data]), ended=ended)
            self._begun, self._first = [], False
        if self._wide:
            narrow = data.endswith(b"\n") and b"\0" not in data
            if self._marked or (not narrow and _plain_wide(b"".join([*self._begun, data]), self._wide)):
                return self._wide_lines(data, ended=ended)
            self._wide = ""
        whole, newline, rest = data.rpartition(b"\n")
        texts: list[str] = []
        doubtful: dict[int, Line] = {}
        if newline:
            texts, doubtful = self._cut(b"".join([*self._begun, whole]))
            self._begun = []
        self._begun.append(rest)
        if ended and (last := b"".join(self._begun)):
            more, odd = self._cut(last)
            doubtful |= {len(texts) + at: line for at, line in odd.items()}
            texts += more
        return texts, doubtful

    def _opened(self, data: bytes, *, ended: bool) -> bytes:
        """The first bytes without their mark."""
        if mark := next((mark for mark in _MARKS if data.startswith(mark)), b""):
            self._wide, self._marked = _MARKS[mark], True
            return data[len(mark) :]
        for wide, newline in _BREAKS.items():
            whole = _upto(data, newline) > 0 or ended
            if whole and _is_wide(data, newline) and _plain_wide(data, wide):
                self._wide = wide
                self.notes.append(f"is {wide[:6].upper()} without its mark, and is read as that")
                break
        return data.removeprefix(codecs.BOM_UTF8)

    def _wide_lines(self, data: bytes, *, ended: bool) -> tuple[list[str], dict[int, Line]]:
        data = b"".join([*self._begun, data])
        whole = _upto(data, _BREAKS[self._wide])
        self._begun = [data[whole:]]
        texts = data[:whole].decode(self._wide, "surrogatepass").split("\n")
        last = texts.pop()
        if ended and (rest := self._begun.pop()):
            last = rest[: len(rest) & ~1].decode(self._wide, "surrogatepass")
            texts.append(f"{last}\udcff" if len(rest) % 2 else last)
        texts = [text.removesuffix("\r") for text in texts]
        doubtful = {}
        for at, text in enumerate(texts):
            if SURROGATE.search(text):
                doubtful[at] = Line(text, (), "has half a character in it")
            elif not self._marked and (other := _narrow(text.encode(self._wide))):
                doubtful[at] = Line(text, (other,))
        return texts, doubtful

    def _cut(self, data: bytes) -> tuple[list[str], dict[int, Line]]:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            pieces = [one.removesuffix(b"\r") for one in data.split(b"\n")]
            texts = [""] * len(pieces)
            lines = {at: self._line(one) for at, one in enumerate(pieces)}
        else:
            texts = text.split("\n")
            if "\r" in text:
                texts = [one.removesuffix("\r") for one in texts]
            if "\0" not in text and not _TWO_BYTES.search(text):
                return texts, {}
            lines = {at: self._line(one.encode()) for at, one in enumerate(texts) if _is_odd(one)}
        for at, line in lines.items():
            texts[at] = line.text
        return texts, {at: line for at, line in lines.items() if line.others or line.unread}

    def _line(self, data: bytes) -> Line:
        nuls = "has many NUL characters in it" if MANY_NULS * data.count(0) > len(data) else ""
        text = data.decode("utf-8", "surrogateescape")
        bad = len(SURROGATE.findall(text))
        if not bad and not _TWO_BYTES.search(text):
            return Line(text, (), nuls)
        try:
            chinese = data.decode("gb18030")
        except UnicodeDecodeError:
            chinese = ""
        good = len(_MORE_BYTES.findall(text))
        likely = chinese and bad >= 4 * good and self._is_chinese(chinese)
        if not bad:
            if good or not likely:
                return Line(text, (), nuls)
            return Line(chinese, (text,), nuls) if self._gb else Line(text, (chinese,), nuls)
        if likely:
            if not self._gb:
                self._gb = True
                self.notes.append(
                    "is GB 18030 in part or whole, not UTF-8; lines that are no UTF-8 are read as that"
                )
            return Line(chinese, (text,) if good else (), nuls)
        return Line(text, (chinese,) if chinese else (), "is neither UTF-8 nor likely GB 18030")

    def _is_chinese(self, text: str) -> bool:
        """Whether what GB 18030 makes of bytes is what people write; it makes something of nearly all bytes.

        Half of the characters or more are of GB 2312, or take four bytes, which no accident gives.
        """
        if _PRIVATE.search(text):
            return False
        if self._gb:
            return True
        beyond = len(text) - len(text.encode("ascii", "ignore"))
        rare = len(text.encode("gbk", "ignore")) - len(text.encode("gb2312", "ignore"))
        return rare <= beyond  # `rare` counts two bytes a character


def _is_odd(text: str) -> bool:
    """Whether text that is UTF-8 may be something else."""
    return "\0" in text or bool(_TWO_BYTES.search(text) and not _MORE_BYTES.search(text))


def _upto(data: bytes, newline: bytes) -> int:
    """Where the last whole line of UTF-16 ends."""
    at = data.rfind(newline)
    while at >= 0 and at % 2:
        at = data.rfind(newline, 0, at + 1)
    return at + 2 if at >= 0 else 0


def _plain_wide(data: bytes, wide: str) -> bool:
    """Whether bytes are, as UTF-16, what people write. What half a character they end in is left out."""
    try:
        text = codecs.getincrementaldecoder(wide)().decode(data)
    except UnicodeDecodeError:
        return False
    return bool(_PLAUSIBLE.fullmatch(text))


def _is_wide(data: bytes, newline: bytes) -> bool:
    """Whether bytes that may be UTF-16 are it: no UTF-8, or with a NUL in every Latin letter."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return newline in data or not data.count(b"\n")
    return MANY_NULS * data.count(0) > len(data) or data.endswith(newline)


def _narrow(data: bytes) -> str:
    """What a line is if its stream only looked like UTF-16; "" if it cannot be."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""
