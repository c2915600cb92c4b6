"""Terms in digits, signs and stars are found with exact spans; what is ordinary stays quiet."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from moderation_texts import any_text

from moderation.filter.leet.find import MAX_READ, LeetMatcher
from moderation.lists.files import load_dir
from moderation.text.fold import Folded

ROOT = Path(__file__).parents[3]
CLEAN = sorted((Path(__file__).parents[1] / "evasion" / "clean").glob("*.txt"))
TERMS = (
    *("ass", "hell", "sex", "shit", "fuck", "kill", "free", "boob", "tits", "cash", "hello", "sale"),
    *(
        "refund",
        "promo",
        "bargain",
        "voucher",
        "freebie",
        "asshole",
        "cashback",
        "bitch",
        "wholesale",
        "cult",
    ),
    *("fail", "mum", "summit", "discount", "motherfucker"),
    "free money",
    "fuck you",
)

# text with the disguise in 「」, term
DISGUISES = """
「fr33」 | free
「FR33」 now | free
「$ale」 | sale
big 「$ale」! | sale
「c@shb@ck」 | cashback
「ki11」 | kill
「k1ll」 | kill
「k!ll」 him | kill
「ki11」!!! | kill
「a$$hole」 | asshole
(「a$$hole」) | asshole
「a$$」 | ass
you 「a$$$$」 | ass
「@ss」 | ass
「s3x」 | sex
「$ex」 | sex
「s€x」 | sex
「sh!t」 | shit
「sh!t」! | shit
「sh1t」 | shit
「5h1t」 | shit
「$h!t」, again | shit
「shi+」 | shit
「f*ck」 | fuck
「f**k」 | fuck
「fu*k」 off | fuck
「fu**」 | fuck
「bi**h」 | bitch
「bit**」 | bitch
**「f*ck」** | fuck
「f*ck」!! | fuck
「s*x」 | sex
「a**hole」 | asshole
「fuuuu*k」 | fuck
「b!tch」 | bitch
「b*tch」 | bitch
「v0ùcher」 | voucher
「v0uche\u0301r」 | voucher
「ｖ０ｕｃｈｅｒ」 | voucher
「𝓿0𝓾𝓬𝓱𝓮𝓻」 | voucher
「r.3.f.u.n.d」 | refund
「r_3_f_u_n_d」 | refund
「r-3-f-u-n-d」 | refund
「F r 3 3 b i e」 | freebie
「f|r|3|3」 | free
「f\u200br\u200b3\u200b3」 | free
「s.3.x」 | sex
「wh0le$aaale」 | wholesale
「whole$@le」 | wholesale
「8arg@in」 | bargain
「b4rg41n」 | bargain
「r€fund」 | refund
「r3fuuuund」 | refund
「cu£t」 | cult
「¢ash」 | cash
「c4sh」 | cash
「ca$h」 | cash
「(a$h」 | cash
「pr0m0」 | promo
「9romo」 | promo
「b00b」 | boob
「8oob」 | boob
「t1ts」 | tits
「ti+s」 | tits
「7its」 | tits
「h3ll」 | hell
「h3llo」 you | hello
「he11o」 | hello
「he110」 | hello
「He110」! | hello
「HE11O」 | hello
「he|lo」 | hello
「hel1lo」 | hello
「#ell0」 | hello
「fa11」! | fail
「f@1l」 | fail
「di$c0unt」 | discount
「disc0µnt」 | discount
「f_r33」 | free
「c＠shb＠ck」 | cashback
「＄ale」 | sale
「m0therf*cker」 | motherfucker
「motherf**ker」 | motherfucker
你「fr33」吗 | free
大家来「$ale」吧 | sale
#「fr33」 | free
x-「fr33」-y | free
"「fr33」" | free
「fr③③」 | free
「f*ck you」 | fuck you
「fr33 money」 | free money
「free m0ney」 | free money
「fr33-m0ney」 | free money
"""

ORDINARY = """
room B204
room HE110
he101
h3110
he100
room A55
A55
a55
go to A55 or B204
python 3.11
3.11
version 1.5.5
v2.0.1
covid19
covid-19
mp3
mp4 and mp3 files
4ever
friends 4ever
2pm
8am
9th
see you at 2pm
h2o
H2O and CO2
5*3
2*3*4=24
$5
5$
$5 sale
sale $5
it costs $5, ok
5€
€5
a$5
a $5 bill
US$5
$3x
$1m
$10k
£5 off
me@example.com
c@sh.com
fr33@shop.com
kill3r@mail.example.org
https://example.com/fr33
http://sh1t.example/ki11?x=$ale
www.fr33.com
fr33.com
visit ki11.net/sale now
a != b
x*y
y = s*x
(s*x)
arr[i]
arr[5]
f(x)
f(x) = g(x)
sell(x)
if (a<b) return
a<s
a|b|c
a+b
i+=1
x = a*s + t
kill -9 1234
kill_9
free(ptr);
free(ptr); free(ptr2);
hello(1)
char *sale;
*free*
**free**
groups**
**free** *sale*
sale*
free* terms apply
free**
*sale
_free_
C++
c++11
A+
18+
Disney+
#free
#sale
#ello
#ell
#it
gr8
b4
m8
gr8 m8
hello!
hello!!!
hell!
he!!
kill!
free!!!
ki!!
sale!1
hello？
free!sale
(free)
(free
<3
i <3 you
love<3you
iPhone 5s
OPPO A5s
PS5
as5
se8
ass5
as 5
wait a 5 s
a 5 s delay
a 5 5
3 s x
sale3
sale 3
free3
free33
cash4
cash$
kill1
hello1
hell5
5 free
666
2333
8888
2024-05-06
10:30
1,000,000
100%
50% off
aB3$xK9!
Tr0ub4dor&3
9f8e7d6c5b4a
x7$Kp!2m
p@55
deadbeef
b5a5
0x5e11
#a55a55
h264
x264
5G
4K
1st
7up
3ds
2nd floor
100m
T1T
1 2 3 4
1. free
2) sale
①sale
②free
shell
assess
class
Essex
freedom
salesman
5-hello
hello-5
hello_5
fre_3
tit_5
sal_3
sa*3
k*2
@user
@hello
@xiaoming 666
:( hello
hello :)
|sale|
| sale | free |
a || b
sex, hello
free/sale
f*r*e*e
f.r.e.e
f r e e
h e l l o
fuck
a$ b$ c
1/2
o/
\\o/
¯\\_(ツ)_/¯
你好5
5月3日
三点见
B站
K歌
3Q
88
A4纸
1楼A55
下午2pm见
free！
ass（）
(class)(5)
"""


def _lines(table: str) -> list[str]:
    return [line for line in table.split("\n") if line]


def _disguises() -> list[tuple[str, str, int, int]]:
    made = []
    for line in _lines(DISGUISES):
        marked, _, term = line.rpartition(" | ")
        start, end = marked.index("「"), marked.index("」") - 1
        made.append((marked.replace("「", "").replace("」", ""), term, start, end))
    return made


LEET = LeetMatcher((term, number) for number, term in enumerate(TERMS))


def _named(text: str) -> list[tuple[str, int, int]]:
    return [(TERMS[number], start, end) for start, end, number in LEET.find(text)]


def _maybe(text: str, leet: LeetMatcher = LEET) -> bool:
    return leet.find_suspicious(Folded([text])).tolist() == [0]


# ---------------------------------------------------------------- found, and where


@pytest.mark.parametrize(("text", "term", "start", "end"), _disguises())
def test_disguises_are_found_with_their_spans(text, term, start, end):
    assert (term, start, end) in _named(text)
    assert _maybe(text)


def test_the_tables_are_as_long_as_they_should_be():
    assert len(_disguises()) >= 60
    assert len(_lines(ORDINARY)) >= 120


def test_all_terms_that_are_there_are_found():
    assert _named("fr33 m0ney, f*ck you") == [
        ("free", 0, 4),
        ("free money", 0, 10),
        ("fuck", 12, 16),
        ("fuck you", 12, 20),
    ]


def test_one_skeleton_may_be_several_terms():
    leet = LeetMatcher([("bail", 7), ("ball", 8), ("pall", 9)])
    assert leet.find("ba11") == [(0, 4, 7), (0, 4, 8)]
    assert leet.find("8all") == [(0, 4, 8)]
    assert leet.find("9all") == [(0, 4, 9)]


def test_two_capitals_and_three_digits_are_a_flight_or_a_room():
    leet = LeetMatcher([("balls", 0)])
    assert leet.find("flight BA115") == []
    assert leet.find("ba115, Ba115, BA1LS") == [(0, 5, 0), (7, 12, 0), (14, 19, 0)]


def test_what_cannot_be_used_is_passed_over():
    leet = LeetMatcher(
        [("微信", 0), ("vx", 1), ("bet365", 2), ("", 3), ("\ud800", 4), ("a\nb\nc", 5), ("Frée", 6)]
    )
    assert leet.find("fr33 b3t365 v*x") == [(0, 4, 6)]
    assert LeetMatcher([]).find("fr33") == []
    assert LeetMatcher([]).find_suspicious(Folded(["fr33"])).tolist() == []


def test_repeated_letters_must_be_there_as_often_as_in_the_term():
    assert _named("a$") == []
    assert _named("he1o") == []
    assert _named("he11111o") == [("hello", 0, 8)]


# ---------------------------------------------------------------- not found


@pytest.mark.parametrize("text", _lines(ORDINARY))
def test_ordinary_lines_are_quiet(text):
    assert _named(text) == []


@pytest.mark.parametrize("text", ["$414", "80085", "5h17", "f***", "*uck", "****", "b@+5", "53x5", "a*$"])
def test_half_of_a_term_must_be_letters_and_a_star_is_never_the_first(text):
    assert _named(text) == []


@pytest.mark.parametrize(
    "text", ["xfr33", "fr33x", "9fr33", "fr339", "US$ale", "é$ale", "fr33ß", "f*cks", "af*ck"]
)
def test_a_letter_or_digit_beside_is_no_edge(text):
    assert _named(text) == []


@pytest.mark.parametrize("file", CLEAN, ids=[file.stem for file in CLEAN])
def test_the_quiet_sets_are_quiet_with_the_shipped_lists(file):
    entries = [entry for each in load_dir(ROOT / "wordlists") for entry in each.entries]
    leet = LeetMatcher(
        (name, at) for at, entry in enumerate(entries) for name in (entry.term, *entry.aliases)
    )
    lines = _lines(file.read_text("utf-8"))
    assert [line for line in lines if leet.find(line)] == []
    assert len(leet.find_suspicious(Folded(lines))) < len(lines) * (0.6 if file.stem == "code" else 0.12)


# ---------------------------------------------------------------- any text

_pieces = st.sampled_from(
    [
        *(text for text, *_ in _disguises()),
        *"aefrs1!|35$@*+(<#µ€. _-~;)",
        "\u200b",
        "é",
        "ß",
        "⑩",
        "㎡",
        "\n",
        "你",
        "🎉",
    ]
)
leet_text = st.lists(_pieces, max_size=12).map("".join) | st.text(
    "fresalk13!|$@*+(<#µ. _~\u200b", max_size=24
)


@settings(max_examples=400)
@given(any_text | leet_text)
@example("\ud800fr33\udfff")
@example("f\u200br.3.3")
@example("h 3 1 l")
@example("µ")
@example("µ1µ")
def test_finds_lie_in_the_text_and_maybe_names_all_texts_with_some(text):
    found = LEET.find(text)
    assert all(0 <= start < end <= len(text) and 0 <= number < len(TERMS) for start, end, number in found)
    assert found == sorted(set(found))
    if found:
        assert _maybe(text)


@given(st.lists(any_text | leet_text, min_size=1, max_size=6))
def test_a_batch_names_the_texts_a_single_one_does(texts):
    found = LEET.find_suspicious(Folded(texts))
    assert found.dtype == np.intp
    every = [number for number, text in enumerate(texts) if LEET.find(text)]
    assert set(every) <= set(found.tolist())
    assert found.tolist() == sorted(set(found.tolist()))


@given(st.sampled_from(TERMS), st.data())
def test_a_term_in_any_classes_is_found(term, data):
    stands = {"o": "0", "i": "1!|", "e": "3€", "a": "4@", "s": "5$", "t": "7+", "l": "1!|£", "b": "8"}
    places = [at for at, char in enumerate(term) if char in stands and 0 < at < len(term) - 1]
    if len(term) < 4 or not places:
        return
    letters = list(term)
    at = data.draw(st.sampled_from(places))
    letters[at] = data.draw(st.sampled_from(stands[term[at]]))
    assert (term, 0, len(term)) in _named("".join(letters))


# ---------------------------------------------------------------- long texts, long lists


def test_a_text_is_read_up_to_a_limit_and_no_word_ends_at_it():
    assert _named("好" * (MAX_READ - 5) + "fr33 " + "fr33") == [("free", MAX_READ - 5, MAX_READ - 1)]
    assert _named("好" * (MAX_READ - 4) + "fr33dom") == []


@pytest.mark.alone  # it measures
@pytest.mark.parametrize(
    "unit",
    [
        "$1",
        "5.",
        "l1",
        "a*b*",
        "a**b ",
        "f**k ",
        "k1ll ",
        "k 1 ",
        "a1.",
        "(",
        "a(",
        "<a",
        "a@",
        "a@b.",
        "a://",
        "*",
        "5 ",
        "$.a.l.3.",
        "f\u200b3\u200b",
        "ß1",
        "f|r|3|3|",
        "1!|l",
        "69gb p8",
        "fr33 sale is h3re ",
        "a.b-",
    ],
)
def test_a_megabyte_takes_less_than_two_seconds(unit):
    text = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    started = time.perf_counter()
    LEET.find_suspicious(Folded([text]))
    LEET.find(text)
    assert time.perf_counter() - started < 2


@pytest.mark.alone  # it measures
def test_the_time_of_a_find_does_not_grow_with_the_lists():
    letters = "bcdfghjklmnpqrstvw"
    many = [a + b + "e" + c + d for a in letters for b in letters for c in letters[:6] for d in letters[:6]]
    leet = LeetMatcher((term, number) for number, term in enumerate([*many, "voucher"]))
    started = time.perf_counter()
    for _ in range(100):
        assert leet.find("get your v0ucher") == [(9, 16, len(many))]
    assert time.perf_counter() - started < 0.5
