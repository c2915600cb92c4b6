"""What people write in the pictures, in the language of the page that is shown."""

VIEWERS = {
    "zh": [
        ("校友 2008", "母校加油！"),
        ("新生家长", "请问录像在哪里可以回看？"),
        ("2 班李明", "校长讲得太好了！"),
        ("校友 1998", "向老师们致敬"),
        ("机电系小陈", "画面很清楚，声音也很好"),
        ("护理 3 班", "我们全班都在看"),
        ("新生王雨涵", "第一次来，校园真漂亮"),
        ("退休教师", "看到大家真高兴"),
        ("校友 2015", "想念食堂的包子"),
        ("后勤老张", "礼堂今年换了新灯光"),
    ],
    "en": [
        ("Class of 2008", "Greetings from abroad!"),
        ("A parent", "Where can we watch the recording?"),
        ("Ming, class 2", "What a wonderful speech"),
        ("Class of 1998", "Thank you, teachers"),
        ("Nursing 3", "The whole class is watching"),
        ("Erik", "The picture is very clear today"),
        ("New student Han", "My first day, what a lovely campus"),
        ("Retired teacher", "So good to see you all"),
        ("Class of 2015", "I miss the canteen's dumplings"),
        ("Night shift", "The new stage lights look great"),
    ],
}
GRAVEST = {"zh": "风险优先", "en": "Gravest first"}  # the button of the order, once it is chosen
SPANS = {"zh": ("有人闯上舞台", "念出学生全名"), "en": ("a stranger on the stage", "a pupil's full name")}
OWN = {"zh": ("大一新生", "图书馆几点开放？"), "en": ("Ann", "When does the library open?")}
# Flying while the picture is taken: after those above, so that they cross it together.
BULLETS = {
    "zh": [
        ("校友 2001", "礼堂还是老样子"),
        ("2 班赵琪", "好激动"),
        ("舞蹈队", "下一个节目是我们！"),
        ("校友 2019", "掌声"),
    ],
    "en": [
        ("Class of 2001", "The old hall!"),
        ("Sue", "So excited"),
        ("Dance team", "We are next!"),
        ("Tom", "Bravo"),
    ],
}
# For reviewers: each of another kind. The filter's own lists find what is to be found.
CARDS = [
    {"author": "校友 2015", "text": "老师们辛苦了"},
    {"author": "护理 1 班", "text": "我们在教室里一起看"},
    {"author": "校友 2003", "text": "礼堂的灯光真漂亮"},
    {"author": "舞蹈队", "text": "下一个节目就是我们"},
    {"author": "校友 2008", "text": "校长讲得太好了！母校加油"},
    {"author": "小明同学", "text": "加薇信领资料 abc88888"},
    {"author": "路人甲", "text": "你这个笨。。。蛋是怎么考上的"},
    {"author": "热心人", "text": "有事打我电话 13800138000"},
    {"author": "新生家长", "text": "请问录像在哪里可以回看？", "author_id": "p1"},
    {"author": "新生家长", "text": "请问录像在哪里可以回看？", "author_id": "p2"},
    {"author": "新生家长", "text": "请问录像在哪里可以回看？", "author_id": "p3"},
    {"author": "Erik", "text": "Greetings from the class of 1998!"},
    {"author": "兼职中介", "text": "刷单返利，日结三百，加我 QQ 88888888"},
    {"author": "2 班李明", "text": "食堂二楼的队伍太长了"},
]
# What the director writes about the cut.
INCIDENT = {
    "zh": "开场前一名陌生人走上舞台，值班员看到后立即切断；画面没有播出。",
    "en": "Before the opening a stranger walked onto the stage. The operator cut at once; none of it aired.",
}
