"""Duty over the gate's control socket, into the ledger, and over a kill."""

from pathlib import Path

import pytest
from real_gate import running_gate

from streamgate.core.gate import SECOND_US
from streamgate.ledger.read import read
from streamgate.link import messages as m
from streamgate.link.client import call
from streamgate.playout.channel import Channel
from streamgate.playout.duty import ACTOR
from streamgate.runtime.channels import ChannelStore

ANN = m.OnDuty("ann", "安娜", quiet_s=0.0)


async def test_over_the_control_socket_and_into_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ChannelStore(tmp_path)
    store.add("main")
    store.set("main", duty_watch="backup", duty_absent_s=20.0)
    control = tmp_path / "run" / "gate.sock"
    monkeypatch.setattr("streamgate.core.duty.LEAVE_US", 50_000)
    async with running_gate(tmp_path) as station:
        await call(control, m.Start(1, actor="console:ann", channel="main"))
        report = m.DutyReport(2, actor="console", channels={"main": m.ChannelDuty([ANN], declared=True)})
        assert (await call(control, report)).error == ""
        status = (await call(control, m.GetStatus(3))).channels[0].duty
        assert (status.state, status.people, status.reported) == ("there", [ANN], True)
        watch = station.channels["main"]._duty._watch
        watch.there_at -= 21 * SECOND_US  # twenty seconds pass
        station.tick()
        status = (await call(control, m.GetStatus(4))).channels[0]
        assert (status.state, status.requested, status.duty.state) == ("backup", "backup", "covered")
        monkeypatch.setattr("streamgate.playout.duty.SILENT_US", 0)
        station.tick()
        assert [one.code for one in station.warnings()] == ["duty_console_silent"]
        reply = await call(control, m.Sign(5, actor="cli:root", channel="main"))
        assert (reply.error, reply.state) == ("", "no_input")
        status = (await call(control, m.GetStatus(6))).channels[0]
        assert (status.requested, status.duty.state) == ("live", "there")
    records = list(read(tmp_path / "ledger"))
    codes = [one["code"] for one in records if one["kind"] == "notice" and one.get("who") == ACTOR]
    assert codes == ["duty_absent", "duty_backup", "duty_live", "duty_back"]
    commands = [one["what"] for one in records if one["kind"] == "command"]
    assert commands == ["start", "sign"]  # reports decide nothing


async def test_a_killed_gate_goes_on_with_backup_until_somebody_is_there(tmp_path: Path) -> None:
    store = ChannelStore(tmp_path)
    store.add("main")
    store.set("main", duty_watch="backup")
    async with running_gate(tmp_path) as station:
        channel = station.channels["main"]
        channel.start("console:ann")
        station.tick()
        channel._duty._watch.there_at -= 121 * SECOND_US
        station.tick()
        left = channel._memory._path.read_bytes()
    (tmp_path / "run" / "state" / "main").write_bytes(left)  # as a kill leaves it
    async with running_gate(tmp_path) as station:
        again: Channel = station.channels["main"]
        assert (again.gate.backup, again.gate.backup_actor) == ("slate", ACTOR)
        station.tick()
        assert again.status().duty.state == "covered"
        again.attend("console:ann")
        assert (again.gate.backup, again.status().duty.state) == (None, "there")
