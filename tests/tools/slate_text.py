"""Draws streamgate/playout/slate_text.png, the words of the slate. Run by hand, only when they change.

    python tests/tools/slate_text.py

Needs Debian's fonts-noto-cjk (Noto Sans CJK SC, SIL Open Font License 1.1, which lets
pictures of text be used freely). The PNG is a mask: white where there is ink.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONTS = Path("/usr/share/fonts/opentype/noto")
SIMPLIFIED = 2  # index of the SC face in the collections
OUT = Path(__file__).parents[2] / "streamgate/playout/slate_text.png"
WIDTH = 1800
# (text, weight, size, letter spacing, gap to the line above), in pixels of the mask, and strength of the ink
LINES = (
    ("请稍候", "Bold", 300, 96, 0, 255),
    ("节目稍后继续", "Regular", 104, 34, 110, 225),
    ("PLEASE STAND BY", "Regular", 66, 22, 84, 180),
)


def ink(text, weight, size, spacing, strength):
    """One line, cut to its ink."""
    font = ImageFont.truetype(str(FONTS / f"NotoSansCJK-{weight}.ttc"), size, index=SIMPLIFIED)
    line = Image.new("L", (3 * WIDTH, 2 * size))
    draw = ImageDraw.Draw(line)
    at = size
    for letter in text:
        draw.text((at, size // 4), letter, font=font, fill=strength)
        at += font.getlength(letter) + spacing
    return line.crop(line.getbbox())


def main():
    lines = [(ink(text, *style, strength), gap) for text, *style, gap, strength in LINES]
    mask = Image.new("L", (WIDTH, sum(line.height + gap for line, gap in lines)))
    top = 0
    for line, gap in lines:
        top += gap
        mask.paste(line, ((WIDTH - line.width) // 2, top))
        top += line.height
    mask = mask.crop((min_x := mask.getbbox()[0], 0, WIDTH - min_x, mask.height))
    mask.quantize(32).convert("L").save(OUT, optimize=True)
    print(OUT, mask.size, OUT.stat().st_size)


if __name__ == "__main__":
    main()
