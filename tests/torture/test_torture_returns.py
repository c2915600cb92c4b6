from tools.rtmpwire import Message
from torture import returns
from torture.evidence import Archive, Connection, Evidence, Order, Trouble

FIRST_S = 1000.0


def picture(number: int, at_s: float) -> Message:
    return Message(
        "video", number * 100, number * 100, number % 20 == 0, 100, f"picture {number}", at_s, at_s
    )


def killed(at_s: float, *, back: int, gone_s: float, orders: tuple[Order, ...] = ()) -> Evidence:
    """A feed of 10 pictures a second whose gate dies at `at_s`; `gone_s` later picture `back` airs first."""
    came = [picture(n, FIRST_S + n / 10) for n in range(1000)]
    before = [picture(n, FIRST_S + n / 10 + 30) for n in range(1000) if FIRST_S + n / 10 + 30 < at_s]
    late_s = max(30.0, at_s + gone_s - (FIRST_S + back / 10))
    after = [picture(n, FIRST_S + n / 10 + late_s) for n in range(back, 900)]
    return Evidence(
        seed=1,
        delay_s=30,
        gop_s=2,
        began_s=FIRST_S,
        ended_s=FIRST_S + 130,
        encoder=[Connection(FIRST_S, None, came)],
        platform=[Connection(FIRST_S, at_s, before), Connection(at_s + 1, None, after)],
        orders=list(orders),
        troubles=[Trouble("kill", "gate", at_s, at_s)],
        looks=[],
        lags=[],
        archive=Archive(),
        decode_errors=[],
        exit_code=0,
        exit_took_s=1,
    )


def test_live_from_the_recording_is_told_from_live_that_waited_a_delay() -> None:
    early = killed(FIRST_S + 60, back=340, gone_s=4)
    waited = killed(FIRST_S + 60, back=620, gone_s=32)
    found = returns.find([early, waited])
    assert [(one.quiet, round(one.back_s or 0, 1), round(one.early_s or 0, 1)) for one in found] == [
        (True, 4.0, 26.0),
        (True, 32.0, -2.0),
    ]
    assert "nothing else done: 1 of 2 times" in returns.text(found)


def test_a_kill_beside_a_command_is_counted_by_itself() -> None:
    dump = Order("dump", FIRST_S + 50, FIRST_S + 50.2, "done", seconds=5)
    found = returns.find([killed(FIRST_S + 60, back=340, gone_s=4, orders=(dump,))])
    assert [one.quiet for one in found] == [False]


def test_a_kill_with_filler_on_air_proves_nothing() -> None:
    assert returns.find([killed(FIRST_S + 20, back=0, gone_s=10)]) == []
