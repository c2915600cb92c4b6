"""Personal data: what is found, what is left alone, and what reviewers see."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moderation_texts import any_text

from moderation.filter import Filter
from moderation.personal.find import MAX_READ, personal
from moderation.personal.masking import BORDER, masked, masked_blind
from moderation.personal.prefilter import ANNOUNCING, prefilter
from moderation.text.fold import Folded, fold

made = Filter([])

# kind: text with the find between brackets, and the text as reviewers see it
FOUND = {
    "mobile": {
        "电话⟦13812345678⟧谢谢": "电话138****5678谢谢",
        "⟦１３８ 1234 5678⟧": "１３８ **** 5678",
        "⟦一三八一二三四五六七八⟧": "一三八****五六七八",
        "⟦幺三八-一二三四-五六七八⟧": "幺三八-****-五六七八",
        "⟦壹叁捌①②③④⑤⑥⑦⑧⟧": "壹叁捌****⑤⑥⑦⑧",
        "⟦ⅠⅢⅧⅠⅡⅢⅣⅤⅥⅦⅧ⟧": "ⅠⅢⅧ****ⅤⅥⅦⅧ",
        "⟦𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖⟧": "𝟏𝟑𝟖****𝟓𝟔𝟕𝟖",
        "⟦1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣⟧": "1️⃣3️⃣8️⃣************5️⃣6️⃣7️⃣8️⃣",
        "⟦¹³⁸¹²³⁴⁵⁶⁷⁸⟧": "¹³⁸****⁵⁶⁷⁸",
        "⟦❶❸❽❶❷❸❹❺❻❼❽⟧": "❶❸❽****❺❻❼❽",
        "⟦1 3 8 1 2 3 4 5 6 7 8⟧": "1 3 8 ******* 5 6 7 8",
        "⟦1-3-8-1-2-3-4-5-6-7-8⟧": "1-3-8-*******-5-6-7-8",
        "⟦1.3.8.1.2.3.4.5.6.7.8⟧": "1.3.8.*******.5.6.7.8",
        "⟦1，3，8，1，2，3，4，5，6，7，8⟧": "1，3，8，*******，5，6，7，8",
        "⟦138    1234    5678⟧": "138    ****    5678",
        "⟦138......1234......5678⟧": "138......****......5678",
        "⟦138🌹1234🌹5678⟧": "138🌹****🌹5678",
        "⟦13🌹81🌹23🌹45🌹67🌹8⟧": "13🌹8******5🌹67🌹8",
        "⟦138🌹1234🌸5678⟧": "138🌹****🌸5678",
        "⟦138*1234*5678⟧": "138******5678",
        "⟦138_1234_5678⟧": "138_****_5678",
        "⟦138/1234/5678⟧": "138/****/5678",
        "⟦138.1234.5678⟧": "138.****.5678",
        "⟦138:1234:5678⟧": "138:****:5678",
        "⟦138、1234、5678⟧": "138、****、5678",
        "⟦138——1234——5678⟧": "138——****——5678",
        "⟦138-12-34-56-78⟧": "138-*****-56-78",
        "⟦138 123 45678⟧": "138 *****5678",
        "⟦13812 345678⟧": "138*****5678",
        "⟦1381234 5678⟧": "138**** 5678",
        "⟦138 12345678⟧": "138 ****5678",
        "（⟦138）1234 5678⟧": "（138）**** 5678",
        "⟦138啊1234啊5678⟧": "138******5678",
        "⟦138 的 1234 的 5678⟧": "138 ******** 5678",
        "⟦138a1234a5678⟧": "138******5678",
        "⟦138O1234567⟧": "138****4567",
        "⟦l38I2345678⟧": "l38****5678",
        "⟦138 OO12 3456⟧": "138 **** 3456",
        "⟦Ｉ38 1234 567O⟧": "Ｉ38 **** 567O",
        "加我⟦１３８ 1234 5678⟧": "加我１３８ **** 5678",
        "+86 ⟦138-1234-5678⟧": "+86 138-****-5678",
        "+86⟦13812345678⟧": "+86138****5678",
        "0086 ⟦138 1234 5678⟧": "0086 138 **** 5678",
        "86⟦13812345678⟧": "86138****5678",
        "0⟦13812345678⟧": "0138****5678",
        "买了3 ⟦13812345678⟧": "买了3 138****5678",
        "tel⟦13812345678⟧": "tel138****5678",
        "vx⟦13812345678⟧同号": "vx138****5678同号",
        "手机号：⟦138.12345678⟧": "手机号：138.****5678",
        "手机 ⟦138 12 34 567 8⟧": "手机 138 ***** 567 8",
        "打我电话⟦1 38 12 34 56 78⟧": "打我电话1 38 ***** 56 78",
        "1.⟦13812345678⟧": "1.138****5678",
        "⟦1\u200b3\u200b8\u200b12345678⟧": "1\u200b3\u200b8\u200b****5678",
        "⟦138\n1234\n5678⟧": "138\n****\n5678",
        "\u202e⟦87654321831⟧": "\u202e8765****831",
        "电话\u202e⟦87654321831⟧\u202c谢谢": "电话\u202e8765****831\u202c谢谢",
        "⟦138\u202e87654321⟧\u202c谢谢": "138\u202e8765****\u202c谢谢",
        "\u202e⟦13812345678⟧": "\u202e138****5678",
        "⟦138 123 456 78⟧": "138 *****56 78",
        "⟦138个1234个5678⟧": "138******5678",
        "⟦138 a 1234 b 5678⟧": "138 ******** 5678",
        "⟦138a1234b5678⟧": "138******5678",
        "⟦13８◯◯◯◯1234⟧": "13８****1234",
    },
    "phone": {
        "办公室⟦010-62345678⟧": "办公室010-6*****78",
        "⟦0571 88888888⟧": "0571 ******88",
        "(⟦021) 6234 5678⟧!": "(021) 6******78!",
        "⟦0571-8234567⟧": "0571-*****67",
        "⟦01062345678⟧": "0106*****78",
        "⟦010-62345678⟧-801": "010-6*****78-801",
        "+86-⟦10-82345678⟧": "+86-10-82****78",
        "+86 ⟦571 8823 4567⟧": "+86 571 8******67",
        "⟦800-820-1234⟧": "800-8*****34",
        "⟦400 820 8820⟧": "400 8*****20",
        "⟦4008-123-123⟧": "4008-*****23",
        "⟦4001234567⟧": "4001****67",
        "零幺零换成⟦０１０－６２３４５６７８⟧": "零幺零换成０１０－６*****７８",
        "座机⟦82345678⟧": "座机82****78",
        "电话：⟦82345678⟧": "电话：82****78",
        "固话 ⟦8234567⟧": "固话 82***67",
        "電話是 ⟦8234 5678⟧": "電話是 82*****78",
        "☎️⟦82345678⟧": "☎️82****78",
        "Tel: ⟦8234-5678⟧": "Tel: 82*****78",
        "热线⟦捌贰叁肆伍陆柒捌⟧": "热线捌贰****柒捌",
        "区号010，电话⟦12345678⟧": "区号010，电话12****78",
    },
    "resident-id": {
        "⟦11010519491231002X⟧": "110*************2X",
        "⟦11010519491231002x⟧好": "110*************2x好",
        "⟦11010519491231002Ⅹ⟧": "110*************2Ⅹ",
        "⟦11010519491231002×⟧": "110************02×",
        "⟦110105 19491231 002X⟧": "110***************2X",
        "⟦110105-19491231-002-X⟧": "110***************2-X",
        "⟦1101 0519 4912 3100 2X⟧": "110**************** 2X",
        "⟦１１０１０５１９４９１２３１００２Ｘ⟧": "１１０*************２Ｘ",
        "⟦11O1O519491231OO2X⟧": "11O*************2X",
        "身份证⟦壹壹零壹零伍壹玖肆玖壹贰叁壹零零贰X⟧": "身份证壹壹零*************贰X",
        "\u202e⟦X20013219491501011⟧ 证份身": "\u202eX2*************011 证份身",
        "身份证号⟦110105194912310021⟧": "身份证号110*************21",
        "身份证：⟦11010519491231002⟧": "身份证：110************02",
        "身份证号码是 ⟦110105 19491231 0021⟧": "身份证号码是 110***************21",
        "身份证⟦110105491231002⟧": "身份证110**********02",
    },
    "bank-card": {
        "卡号⟦6222021234567890128⟧": "卡号6222***********0128",
        "⟦4111 1111 1111 1111⟧": "4111 ********* 1111",
        "⟦4111-1111-1111-1111⟧": "4111-*********-1111",
        "⟦6222 0212 3456 7890 128⟧": "6222 *************0 128",
        "⟦622202 1234567890128⟧": "6222************0128",
        "⟦６２２２０２１２３４５６７８９０１２８⟧": "６２２２***********０１２８",
        "银行卡⟦378282246310005⟧": "银行卡3782*******0005",
        "卡号⟦6222021234567890123⟧": "卡号6222***********0123",
        "银行卡 ⟦6222 0212 3456 7890 123⟧": "银行卡 6222 *************0 123",
    },
    "e-mail": {
        "⟦abc.def@school.edu.cn⟧": "a******@school.edu.cn",
        "⟦ａ＠school．com⟧": "*＠school．com",
        "邮箱⟦zhang_san@163.com⟧，谢谢": "邮箱z********@163.com，谢谢",
        "⟦12345678@qq.com⟧": "1*******@qq.com",
        "⟦12345678@qq⟧": "1*******@qq",
        "⟦zhang @ 163.com⟧": "z**** @ 163.com",
        "⟦zhang@163。com⟧": "z****@163。com",
        "⟦zhang@163点com⟧": "z****@163点com",
        "⟦zhang@163 . com⟧": "z****@163 . com",
        "⟦zhang(at)163.com⟧": "z**************m",
        "⟦zhang[at]school.edu.cn⟧": "z********************n",
        "⟦zhang【at】abc.com⟧": "z**************m",
        "⟦zhang(at)163(dot)com⟧": "z******************m",
        "⟦zhang at 163 dot com⟧": "z******************m",
        "⟦zhang#163.com⟧": "z***********m",
        "⟦zhang＃qq.com⟧": "z**********m",
        "⟦zhang*126.com⟧": "z***********m",
        "⟦zhang艾特163点com⟧": "z************m",
        "⟦zhang圈a163.com⟧": "z************m",
        "⟦𝔃𝓱𝓪𝓷𝓰@163.com⟧": "𝔃****@163.com",
        "⟦user+tag@gmail.com⟧.": "u*******@gmail.com.",
        "邮箱：⟦zs12345@qq.com⟧": "邮箱：z******@qq.com",
        "邮箱——⟦zs12345@qq.com⟧": "邮箱——z******@qq.com",
        ":⟦13812345678@qq.cm⟧": ":1**********@qq.cm",
        "/⟦13812345678@qq.cm⟧": "/1**********@qq.cm",
        "⟦z s @ q q . c o m⟧": "z * @ q q . c o m",
        "邮箱 ⟦z s 1 2 @ 163.com⟧": "邮箱 z ***** @ 163.com",
        "⟦zhangsan @ q q . c o m⟧": "z******* @ q q . c o m",
        "⟦zhangsan 艾特 qq 点 com⟧": "z******************m",
        "⟦12345678⟧扣扣邮箱": "1******8扣扣邮箱",
        "⟦12345678⟧的QQ邮箱": "1******8的QQ邮箱",
        "⟦zs@学校.cn⟧": "z*@学校.cn",
        "⟦张三@北京大学.中国⟧": "张*@北京大学.中国",
        "我的是⟦zs@北京大学.中国⟧": "我的是z*@北京大学.中国",
        "请发到\u202e⟦moc.qq@321⟧\u202c谢谢": "请发到\u202emoc.qq@**1\u202c谢谢",
        "\u202e⟦abc12@qq.com⟧": "\u202ea****@qq.com",
    },
    "plate": {
        "⟦京A·12345⟧来了": "京A·****5来了",
        "⟦粤B12345D⟧": "粤B*****D",
        "⟦京A12345⟧": "京A****5",
        "⟦京 A12345⟧": "京 A****5",
        "⟦京Ａ１２３４５⟧": "京Ａ****５",
        "⟦京AD12345⟧": "京A*****5",
        "⟦京A·D12345⟧": "京A·*****5",
        "⟦沪A·F01234⟧!": "沪A·*****4!",
        "⟦苏E12A3B⟧": "苏E****B",
        "⟦粤Z1234港⟧": "粤Z****港",
        "⟦粤Z·1234澳⟧": "粤Z·****澳",
        "⟦京A1234学⟧": "京A****学",
        "⟦京A1234警⟧车": "京A****警车",
        "⟦湘A1234挂⟧": "湘A****挂",
        "⟦沪A1234领⟧": "沪A****领",
        "⟦京A 1 2 3 4 5⟧": "京A ******* 5",
        "車牌⟦京A①②③④⑤⟧": "車牌京A****⑤",
        "\u202e⟦54321A京⟧": "\u202e5****A京",
        "⟦苏E 05 EV 8⟧": "苏E ***** 8",
        "⟦苏E 05 EV 8⟧ 7点见": "苏E ***** 8 7点见",
        "⟦WJ京12345⟧": "WJ*****5",
        "⟦WJ京·1234X⟧": "WJ******X",
        "⟦使123456⟧": "使1****6",
        "车牌⟦使123457⟧": "车牌使1****7",
        "⟦黑AO1234⟧": "黑A****4",
        "⟦沪A1234O⟧": "沪A****O",
        "⟦沪牌A12345⟧": "沪牌*****5",
        "⟦京·A·12B34⟧": "京·A·****4",
    },
    "wechat": {
        "我微信号：⟦abc_12345⟧": "我微信号：a*******5",
        "加v：⟦hello2024⟧": "加v：h*******4",
        "微信 ⟦zhangsan88⟧": "微信 z********8",
        "微信：⟦zhangsan⟧": "微信：z******n",
        "我微信⟦zhangsan⟧": "我微信z******n",
        "加微信⟦zhangsan⟧": "加微信z******n",
        "微信号是⟦zhang-san⟧": "微信号是z*******n",
        "微·信：⟦zhangsan88⟧": "微·信：z********8",
        "威信⟦zhangsan88⟧": "威信z********8",
        "vx ⟦zhangsan88⟧": "vx z********8",
        "wx：⟦zhangsan88⟧": "wx：z********8",
        "wx⟦zhangsan88⟧": "wxz********8",
        "+V ⟦zhangsan88⟧": "+V z********8",
        "➕v⟦zhangsan88⟧": "➕vz********8",
        "V:⟦zhangsan88⟧": "V:z********8",
        "Ⅴ：⟦zhangsan88⟧": "Ⅴ：z********8",
        "⟦wxid_a1b2c3d4⟧": "w***********4",
        "微信⟦123456789⟧": "微信1*******9",
        "卫星号⟦zhangsan88⟧": "卫星号z********8",
        "卫♥星⟦abc88888⟧": "卫♥星a******8",
        "卫*星：⟦zhangsan88⟧": "卫*星：z********8",
        "绿💚泡_泡⟦zhangsan88⟧": "绿💚泡_泡z********8",
        "微❤x⟦zhangsan88⟧": "微❤xz********8",
        "V❤X ⟦zhangsan88⟧": "V❤X z********8",
        "WeChat: ⟦zhangsan⟧": "WeChat: z******n",
        "微：⟦zs12345⟧": "微：z*****5",
        "微:⟦zs12345⟧": "微:z*****5",
        "薇：⟦zs12345⟧": "薇：z*****5",
        "薇 ⟦zs12345⟧": "薇 z*****5",
        "+薇⟦zs12345⟧": "+薇z*****5",
        "➕薇⟦zs12345⟧": "➕薇z*****5",
        "威：⟦zs12345⟧": "威：z*****5",
        "微号⟦zs12345⟧": "微号z*****5",
        "我的微信 ⟦zhangsan⟧": "我的微信 z******n",
        "薇芯⟦zs12345⟧": "薇芯z*****5",
        "V芯：⟦zs12345⟧": "V芯：z*****5",
        "微芯 ⟦zs12345⟧": "微芯 z*****5",
        "wei xin ⟦zs12345⟧": "wei xin z*****5",
        "wei信⟦zhangsan88⟧": "wei信z********8",
        "w.x:⟦zs12345⟧": "w.x:z*****5",
        "W X ⟦zs12345⟧": "W X z*****5",
        "v❤⟦zs12345⟧": "v❤z*****5",
        "v❤️⟦zs12345⟧": "v❤️z*****5",
        "薇❤：⟦zhangsan88⟧": "薇❤：z********8",
        "微信号：⟦zs·12345⟧": "微信号：z******5",
        "微信号：⟦z s 1 2 3 4 5⟧": "微信号：z ********* 5",
        "加.Ⅴ ⟦zs123㏂45⟧": "加.Ⅴ z******5",
        "我的薇：⟦zs12345⟧": "我的薇：z*****5",
        "微：⟦12345678⟧": "微：1******8",
        "加威⟦zs12345⟧": "加威z*****5",
        "\u202e⟦54321sz⟧ 信微": "\u202e5*****z 信微",
    },
    "qq": {
        "QQ群 ⟦123456789⟧": "QQ群 1*******9",
        "QQ⟦12345⟧": "QQ1***5",
        "QQ号 ⟦1234 56789⟧": "QQ号 1********9",
        "qq ⟦1 2 3 4 5 6 7 8 9⟧": "qq 1 ************* 9",
        "扣♥扣⟦123456789⟧": "扣♥扣1*******9",
        "加*群⟦123456789⟧": "加*群1*******9",
        "扣扣⟦一二三四五六七八九⟧": "扣扣一*******九",
        "🐧⟦123456789⟧": "🐧1*******9",
        "🐧⟦123456⟧": "🐧1****6",
        "加群⟦123456789⟧": "加群1*******9",
        "进群：⟦123456⟧": "进群：1****6",
        "企鹅号⟦12345⟧": "企鹅号1***5",
        "Q:⟦123456789⟧": "Q:1*******9",
        "群号是⟦123456789⟧": "群号是1*******9",
        "QQ ⟦123456789⟧ 10点": "QQ 1*******9 10点",
        "叩叩⟦12345678⟧": "叩叩1******8",
        "秋秋⟦12345678⟧": "秋秋1******8",
        "蔻蔻⟦12345678⟧": "蔻蔻1******8",
        "求求⟦12345678⟧": "求求1******8",
        "q q ⟦12345678⟧": "q q 1******8",
        "扣我⟦12345678⟧": "扣我1******8",
        "叩叩⟦12345⟧": "叩叩1***5",
        "Q:⟦123456⟧": "Q:1****6",
        "群：⟦123456⟧": "群：1****6",
        "q：⟦123458⟧": "q：1****8",
        "Q\u200b：⟦123458⟧": "Q\u200b：1****8",
    },
}
EVERY = [
    (kind, marked.replace("⟦", "").replace("⟧", ""), marked.index("⟦"), marked.index("⟧") - 1, shown)
    for kind, examples in FOUND.items()
    for marked, shown in examples.items()
]
TEXTS = [text for _, text, _, _, _ in EVERY]


def announced(text: str) -> list[int]:
    """What the filter's matcher tells of a batch of this one text."""
    return [0] if any(fold(word) in fold(text) for word in ANNOUNCING) else []


@pytest.mark.parametrize(("kind", "text", "start", "end", "shown"), EVERY, ids=TEXTS)
def test_personal_data_is_found_and_masked(kind: str, text: str, start: int, end: int, shown: str) -> None:
    finds = personal(text)
    assert [(one.kind, one.start, one.end) for one in finds] == [(kind, start, end)]
    assert masked(text, finds) == shown
    assert len(text) == len(shown)


@pytest.mark.parametrize("text", TEXTS)
def test_what_holds_personal_data_is_a_candidate_alone_and_among_others(text: str) -> None:
    told = announced(text)
    assert prefilter(Folded([text]), text, told) == [0]
    assert prefilter(Folded(["老师好", text, "谢谢"]), "老师好", [1 for _ in told]) == [1]


def test_the_filter_finds_in_a_batch_and_alone_what_reading_finds() -> None:
    read = [[(one.kind, one.start, one.end) for one in personal(text)] for text in TEXTS]
    alone = [made.check(text) for text in TEXTS]
    assert [[(hit.term, hit.start, hit.end) for hit in each.hits] for each in alone] == read
    assert made.check_many(TEXTS) == alone


@pytest.mark.parametrize("text", ["老师好", "19:30 开始", "(测试)", "C+", "666", "I love this song"])
def test_ordinary_chat_is_not_even_read(text: str) -> None:
    assert prefilter(Folded([text]), text, []) == []
    assert prefilter(Folded([text, text]), text, []) == []


@pytest.mark.parametrize("kind", FOUND)
def test_the_filter_tells_the_kind_and_shows_the_mask(kind: str) -> None:
    _, text, start, end, shown = next(one for one in EVERY if one[0] == kind)
    result = made.check(text)
    assert [(hit.term, hit.start, hit.end) for hit in result.hits] == [(kind, start, end)]
    assert result.masked == shown


OTHER_NUMBERS_AND_WORDS = [
        "3138123456789", "订单号202601010001", "订单号2026010100011234567", "11010519491231002",
        "110105194912310021", "11010519491331002X", "123456789012345678", "6222021234567890127",
        "圆周率3.1415926535897932", "1/π=0.31830988618", "0.13812345678", "1.6349839002", "138.12345678",
        "2026-11-22 13:08:38", "2024-01-02 2024-03-04", "2024.11.24 10:30:15", "2024/11/24-2024/12/01",
        "20241124 20241125", "2024年11月24日10时30分15秒", "13:30-15:20 16:00-17:40",
        "12月24日 13点45分 12345人", "1732415415", "1732415415123", "1700000000000000", "13,812,345,678",
        "13 812 345 678", "1,381,234,567.80", "比分13:8,12:34,56:78", "21-19 19-21 15-21 138",
        "成绩 138 90 95 88 76",
        "150 200 300 45", "1500 2000 300", "[13, 81, 23, 45, 67, 8]", "[138, 1234, 5678]",
        "13 81 23 45 67 8", "1, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8", "12 34 56 78 90 11", "1949 1978 2008",
        "138元1234元5678元", "138个1234个5678个", "138元 1234元 5678元", "138+1234=5678",
        "138+1234+5678", "￥138 ￥1234 ￥5678", "13*8+12345678", "192.168.100.10", "139.180.12.345",
        "255.255.255.255", "116.397128,39.916527", "116.397128, 39.916527",
        "北纬39.916527 东经116.397128", "550e8400-e29b-41d4-a716-446655440000",
        "d41d8cd98f00b204e9800998ecf8427e", "9f2b13812345678ec41d4a716b1a2c3d4e5",
        "ISBN 978-7-111-40701-0", "ISBN 9787111407010", "ISBN 7-302-12345-6", "学号20231234567",
        "学号2023123456", "学号202312345678", "考号 202311010512", "准考证号 2024 1101 0512",
        "学号：2023 1234 567", "v1.2.3", "13.8.12.34567.8", "1.3.812.34567.8", "12345", "666666",
        "66666666666", "23333333333", "00000000000", "1111111111111111", "0.1 0.2 0.3 0.4 0.5",
        "点赞1381234次", "热度 13812345", "播放量1234567890", "房间号 12345678", "直播间id 123456789",
        "一二三四五六七八九十", "一共三百二十一万四千五百六十七", "电话20240101", "打电话1234567次",
        "打电话2000000次", "电话12345", "电话费 300元", "客服电话95588", "电话会议 2024-11-24", "a@b",
        "@张三 你好", "@zhangsan 你好", "hello @zhang.san", "hi @app.route", "@app.route('/a.com')",
        "ssh root@192.168.1.1", "pkg@1.2.3", "react@18.2.0-rc.next", "npm i vue@3.4.5",
        "@babel/core@7.0.0", "git@github.com:foo/bar.git", "scp a.txt root@server.example.com:/tmp",
        "C# .net", "look at me", "meet at amazon.com today", "www.163.com", "http://www.qq.com",
        "mail.qq.com", "a*b=c.d", "见面@图书馆", "test@main.js", "微信真好用", "微信 windows 版",
        "微信windows11版", "微信 for mac", "微信支付100000元", "微信用户1234567", "微信 100000 用户",
        "微信 iPhone15 版", "微信8.0.50", "微信小程序 wx.request", "wxPython 安装", "wx.request",
        "wx.login({success})", 'wx:for-index="i"', "wxWidgets 教程", "weixin-js-sdk",
        "WeChat: follow us now", "wechat pay", "威信扫地", "卫星发射成功", "卫星轨道123456米",
        "防卫 星舰abc88888",
        "ctrl+v zhangsan88", "Ctrl + V zhangsan88", "vivo X100", "V50 zhangsan", "v我50", "A+V class12",
        "TV: channel88", "U.K. v: USA", "qq", "QQ", "QQ音乐12345首", "QQ 9.1.20.25",
        "qq 2024-11-24 上线", "qq飞车2024", "企鹅重约40000克", "企鹅40000只", "企鹅 40000 只",
        "企鹅有100000只", "加群", "群里12345人", "群：12345", "Q: 12345+54321=?", "Q：1+1等于几",
        "京剧A组", "京A组12345678", "更新 B12345", "最新A12345", "阿里云 E12345", "新mate60", "新model3",
        "新iphone15", "新gtx4090", "新win10pro", "苏A1234学生", "京A1234领导", "川A座1234",
        "沪A股3000点", "云南A1级", "新A123456789", "青a1", "第13章第8节第12345页", "5-6-7-8-9-10-11",
        "3.14 2.718 1.414", "100*100=10000", "x=13812,y=34567", "1e10", "0x13812345678", "f(13)=8",
        "SN2024A1B2C3", "BV1xx411c7mD", "av170001", "room B204", "python 3.11",
        "MD5 e10adc3949ba59abbe56e057f20f883e", "GB/T 7714-2015", "2+2=4 3*8=24",
        "7:00-8:30，9:00-10:30", "2,3,5,7,11,13,17,19,23", "H2O2 C6H12O6", "2016-2020 2021-2024",
        "http://user@host.com/x", "https://a:word@host.com", "@张三.你好", "见面@图书馆.今天",
        "8 点 com", "a b c d e f @ you", "20000QQ邮箱用户", "QQ邮箱怎么注册", "请@张老师.谢谢",
        "求求你", "求求你了 20240901 不要下雨", "微信支付", "微：笑", "微：笑 12345", "微积分 x123456",
        "微RNA-21", "微芯 PIC16F877A", "紫薇：abc123", "微软 windows11", "中秋秋季20241班", "加扣10000",
        "扣我1000000", "我爱你❤zs12345", "v5.0.12345", "威：100000", "微 20231234",
        "wechat: room 301", "微信号：ab 12345元", "加威力123456", "维: 三维向量", "徽：安徽", "薇薇 abc",
        "Q: what is f(x)", "TV❤abc1234", "微米 km12345", "群：123456人",
        "\u202e好你", "\u202e老师好 19:30 2024",
        "138个1234个5678个", "138元1234元5678", "138个1234个5678人", "138个 1234个 5678个",
        "138 123 456 78 90", "110105194912310021", "6222021234567890123",
        "身份证丢了 110105194912310021", "成绩 138 123 456 78 90", "区号010，共12345678人",
        "身份证后六位310021", "校园卡号202311010512", "189c1234d5678e", "a138b1234c5678",
        "学号 138a123b456", "◯年◯月",
        "使123456人受灾", "使100000", "促使123456", "新AI2024", "新GO2024", "京牌A级", "沪牌A12345678",
        "云A 10 000", "京A 3 - B 12", "川A B C D E F", "使用123456", "大使馆123456", "WJ123456",
        "领123456",
        "138,123,456,78", "138 120 110 45", "150 200 130 45",
]  # fmt: skip


@pytest.mark.parametrize("text", OTHER_NUMBERS_AND_WORDS)
def test_other_numbers_and_words_are_left_alone(text: str) -> None:
    assert personal(text) == []
    assert made.check(text).hits == ()


@pytest.mark.parametrize("between", ["/", ".", ":", ", ", ","])
def test_groups_that_nobody_writes_are_a_number_only_behind_a_word_for_it(between: str) -> None:
    text = between.join(("13", "812", "345", "678"))
    assert personal(text) == []
    assert [one.kind for one in personal("手机" + text)] == ["mobile"]


def test_several_finds_are_told_in_order() -> None:
    text = "13812345678，abc_d@163.com 京A12345 QQ123456"
    assert [one.kind for one in personal(text)] == ["mobile", "e-mail", "plate", "qq"]
    assert masked(text, personal(text)) == "138****5678，a****@163.com 京A****5 QQ1****6"


# ---------------------------------------------------------------- what was not searched


@pytest.mark.parametrize("text", TEXTS)
def test_the_blind_mask_hides_at_least_what_the_mask_hides(text: str) -> None:
    seen, blind = masked(text, personal(text)), masked_blind(text)
    assert len(text) == len(blind)
    assert [at for at, star in enumerate(seen) if star == "*" != blind[at]] == []


@pytest.mark.parametrize("text", ["老师好", "2024年", "19:30 开始", "第3章第4节", "hello world", "😀👏", ""])
def test_the_blind_mask_leaves_ordinary_chat_to_read(text: str) -> None:
    assert masked_blind(text) == text


@pytest.mark.parametrize("before", [*range(MAX_READ - 24, MAX_READ + 3), MAX_READ + 9999])
def test_a_long_text_shows_nothing_that_was_not_searched(before: int) -> None:
    text = "好" * before + "加我138啊1234啊5678谢谢"
    shown = masked(text, personal(text))
    assert len(text) == len(shown)
    assert "1234" not in shown
    assert shown.endswith("谢谢")
    assert shown.startswith("好" * (MAX_READ - BORDER))


def test_what_was_searched_of_a_long_text_is_masked_as_ever() -> None:
    text = "13812345678" + "好" * MAX_READ
    assert masked(text, personal(text)).startswith("138****5678好")


# ---------------------------------------------------------------- properties, time


@given(any_text)
def test_masking_never_changes_the_length_and_finds_do_not_overlap(text: str) -> None:
    text += "13812345678" + text
    finds = personal(text)
    assert len(text) == len(masked(text, finds))
    assert all(one.end <= two.start for one, two in itertools.pairwise(finds))


@given(any_text, st.sampled_from(TEXTS), any_text)
def test_the_blind_mask_keeps_the_length_and_hides_numbers(before: str, inner: str, after: str) -> None:
    text = f"{before}，{inner}，13812345678，{after}"
    shown = masked_blind(text)
    assert len(text) == len(shown)
    assert "12345678" not in shown


@given(st.lists(any_text | st.sampled_from(TEXTS), min_size=2, max_size=5))
def test_a_batch_has_the_candidates_that_its_texts_have_alone(texts: list[str]) -> None:
    alone = [at for at, text in enumerate(texts) if prefilter(Folded([text]), text, [])]
    assert prefilter(Folded(texts), texts[0], []) == alone


REPEATED = [
    "1", "1 ", "1        ", "138 1234 5678 ", "12啊", "1-", "1oil", "86 138 ", "卡4111 1111 ", "ff1f",
    "a", "a.", "a@", "a@b.", "a at ", "a(at)", "a@adotadot", "a#b.", "微信", "微信idid", "加 ", "+v", "qq1 ",
    "京a1", "电话 号码是", " ", "\u200b1", "\ud800", "🐧",
    "a @ ", "a b @ q . ", "张@", "z s @q.", "......a@", "a://a:",
    "薇：", "微信号：z ", "微信号z 1", "q  ", "v❤", "求求1",
    "\u202e1\u202c1", "\u202e87654321831\u202c ", "\u202e",
    "身份证1", "区号0", "138a1234b", "138个1234个",
    "京a 1", "wj京", "使1", "沪牌",
]  # fmt: skip


@pytest.mark.alone  # it measures
@pytest.mark.parametrize("unit", REPEATED)
def test_time_grows_with_the_length_only(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    finds = personal(text)
    searched = time.perf_counter()
    shown = masked(text, finds)
    took = time.perf_counter() - searched
    assert len(text) == len(shown)
    assert searched - started < 1
    assert took < 5
