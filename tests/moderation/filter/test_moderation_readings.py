"""What else a text is read as: parts put together, pictures, pinyin among them, strewn letters, turned."""

import random

import pytest

from moderation.filter import Filter
from moderation.lexicon import DEFAULT_CHANNELS, Allow, Channel, Entry, Severity, WordList
from moderation.lists.list_format import plain_list

TERMS = (
    "好朋友", "朋友圈", "双修", "带货群", "加微信", "奶粉", "口红", "耳机", "啤酒", "折扣码", "健身卡",
    "赌博网站", "九块九", "哈哈哈镜", "西瓜", "618", "998", "hello", "广告",
)  # fmt: skip
PIECES = "加薇微信😀😂👍🍺🐔🐎💳🔴👂芯新心女乃子月木力口亻言石马建vxjiawei xinfenkou电话话--*·  8Ⅷ⑧八一六幺\u200b\u202e\u202c告廣广啊的是qQ1.,，。!！0aeéхеhello广告gao4$@ＡＢ★\nの丨™㊙🇨ロ囗ーˇ【】（）666"  # noqa: E501


@pytest.fixture(scope="module")
def made() -> Filter:
    channels = DEFAULT_CHANNELS | {Channel.REVERSAL}
    entries = tuple(Entry(term=term, severity=Severity.BLOCK, channels=channels) for term in TERMS)
    allows = (Allow("广告知"), Allow("加信心"))
    return Filter([WordList(name="test", category="test", entries=entries, allows=allows)])


@pytest.mark.parametrize(
    ("text", "term", "channel", "span"),
    [
        ("带亻匕贝群", "带货群", "split", "亻匕贝"),
        ("好月月友", "好朋友", "split", "月月"),
        ("月月友圈", "朋友圈", "split", "月月"),
        ("又又修", "双修", "split", "又又"),
        ("女乃fen", "奶粉", "pinyin", "女乃fen"),
        ("kou🔴", "口红", "pinyin", "kou🔴"),
        ("👂 ji白色", "耳机", "pinyin", "👂 ji"),
        ("折kou石马", "折扣码", "pinyin", "折kou石马"),
        ("亻建shen💳", "健身卡", "pinyin", "亻建shen💳"),
        ("⑨kuai⑨", "九块九", "pinyin", "⑨kuai⑨"),
        ("酒筷酒", "九块九", "homophone", "酒筷酒"),
        ("西gua一块五", "西瓜", "pinyin", "西gua"),
        ("加x微x信", "加微信", "leet", "加x微x信"),
        ("加1微2信", "加微信", "leet", "加1微2信"),
        ("加丶微丶信", "加微信", "leet", "加丶微丶信"),
        ("赌ー博网站", "赌博网站", "exact", "赌ー博网站"),
        ("赌丨博网站", "赌博网站", "exact", "赌丨博网站"),
        ("赌ˇ博ˇ网站", "赌博网站", "exact", "赌ˇ博ˇ网站"),
        ("广㊣告", "广告", "exact", "广㊣告"),
        ("广™告", "广告", "exact", "广™告"),
        ("广Ⓜ️告", "广告", "exact", "广Ⓜ️告"),
        ("广🈲㊙告", "广告", "exact", "广🈲㊙告"),
        ("广🇨🇳告", "广告", "exact", "广🇨🇳告"),
        ("大家看广の告吧", "广告", "leet", "广の告"),
        ("广の丨告", "广告", "leet", "广の丨告"),
        ("广丨告の", "广告", "exact", "广丨告"),
        ("囗红", "口红", "exact", "囗红"),
        ("ロ红", "口红", "exact", "ロ红"),
        ("ﾛ红", "口红", "exact", "ﾛ红"),
        ("ㄅ红ロ红", "口红", "exact", "ロ红"),
        ("【广】【告】", "广告", "exact", "广】【告"),
        ("hello666", "hello", "exact", "hello"),
        ("hellohello", "hello", "exact", "hello"),
        ("h3llo", "hello", "leet", "h3llo"),
        ("h*llo", "hello", "leet", "h*llo"),
        ("来\u202e博赌\u202c网站", "赌博网站", "reversal", "博赌\u202c网站"),
        ("来\u202e站网博赌", "赌博网站", "reversal", "站网博赌"),
        ("hahahajing", "哈哈哈镜", "pinyin", "hahahajing"),
    ],
)
def test_a_reading_finds_the_term(made: Filter, text: str, term: str, channel: str, span: str) -> None:
    hits = made.check(text).hits
    there = [(hit.term, hit.channel.value) for hit in hits]
    assert (term, channel) in there
    hit = hits[there.index((term, channel))]
    assert span in text[hit.start : hit.end]


@pytest.mark.parametrize(
    "text",
    [
        "3月5日2点", "打8折", "加a微信息", "hajing", "哈境", "1618人", "0.998秒", "比分1:618", "618,000人",
        "九九八十一难", "一六一八年", "64万人", "9988",
        "广の告です", "プロ红", "ロー红", "広いの告", "广の3告", "广™3告", "3™告",
        "hello204", "hello66", "hellohell", "othellohello",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_left_alone(made: Filter, text: str) -> None:
    assert made.check(text).hits == ()


def test_a_sign_is_read_as_it_is_drawn_too() -> None:
    made = Filter([plain_list(["严禁吸烟", "母狗", "正好"], "test")])
    assert [hit.term for hit in made.check("严🈲吸烟，㊣好").hits] == ["严禁吸烟", "正好"]


def test_a_no_between_two_words_is_none_between_the_letters_of_one() -> None:
    made = Filter([plain_list(["母狗", "代写", "男人"], "test")])
    texts = ["我家父母の狗很可爱", "现代の写作", "男の人です"]
    assert [made.check(text).hits for text in texts] == [()] * 3
    assert [hit.term for hit in made.check("找人代の写论文").hits] == ["代写"]


def test_digits_count_where_they_stand_by_themselves(made: Filter) -> None:
    assert [hit.term for hit in made.check("618大促，价格998元，六一八").hits] == ["618", "998", "618"]


def test_each_unbroken_piece_of_repeats_is_a_find_of_its_own() -> None:
    made = Filter([plain_list(["888", "哈哈"], "test")])
    spans = {
        text: [(hit.start, hit.end) for hit in made.check(text).hits]
        for text in ("⑧⑧⑧ 捌捌捌", "888 8888", "8*8*8", "哈哈 哈哈哈", "哈 哈", "888888")
    }
    assert spans == {
        "⑧⑧⑧ 捌捌捌": [(0, 3), (4, 7)],
        "888 8888": [(0, 3)],
        "8*8*8": [(0, 5)],
        "哈哈 哈哈哈": [(0, 2), (3, 6)],
        "哈 哈": [(0, 3)],
        "888888": [],
    }


def test_a_number_word_in_a_word_may_be_repeated_and_a_number_may_not() -> None:
    made = Filter([plain_list(["二维码", "888", "一元购"], "test")])
    texts = ("扫二二维维码码", "一一元购", "22维码", "八八八八", "8八八")
    assert [[(hit.term, hit.start, hit.end) for hit in made.check(text).hits] for text in texts] == [
        [("二维码", 1, 7)], [("一元购", 0, 4)], [], [], [("888", 0, 3)],
    ]  # fmt: skip


def test_one_character_may_stand_for_two_of_a_number() -> None:
    made = Filter([plain_list(["11", "10折"], "test")])
    texts = ["⑪", "⑩折"] * 8
    assert [[hit.term for hit in result.hits] for result in made.check_many(texts)] == [["11"], ["10折"]] * 8
    assert [hit.term for hit in made.check("⑪").hits] == ["11"]


def test_an_allow_phrase_ends_with_its_clause(made: Filter) -> None:
    assert made.check("广告知大家").hits == ()
    assert [hit.term for hit in made.check("广告，知道吗").hits] == ["广告"]


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_says_what_single_checks_say(made: Filter, seed: int) -> None:
    chance = random.Random(seed)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(1, 24))) for _ in range(4000)]
    many = made.check_many(texts)
    assert sum(bool(result.hits) for result in many) > 300
    assert many == [made.check(text) for text in texts]
