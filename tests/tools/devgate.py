"""Run the stand-in gate by hand, with a console: for developing the page.

python tests/tools/devgate.py --data-dir DIR [--console HOST:PORT] [--delay SECONDS]
"""

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path

PASSWORD = "for development only"


async def _main(data_dir: Path, console: str, delay_s: float) -> None:
    from tools.standin_channel import DevChannel
    from tools.standin_comments import DevComments
    from tools.standin_gate import DevGate
    from tools.testfeed import make_feed

    names = ("main", "hall")
    colours = ((30, 110, 60), (130, 60, 30))
    feeds = [make_feed(caption=name, colour=colour) for name, colour in zip(names, colours, strict=True)]
    filler = make_feed(caption="SLATE", colour=(20, 40, 120), moving=False)
    gate = DevGate(
        data_dir / "run", [DevChannel(n, f, filler, delay_s) for n, f in zip(names, feeds, strict=True)]
    )
    async with gate.running(), DevComments(data_dir / "run").running():
        print(f"devgate: sockets in {gate.run_dir}", flush=True)
        if not console:
            await asyncio.Event().wait()
        from tools.people import add_person

        from console.service import run
        from streamgate.errors import Refused
        from streamgate.store.location import locate
        from streamgate.store.upgrade import upgrade

        database = locate("sqlite", data_dir)
        upgrade(database)
        with contextlib.suppress(Refused):  # of an earlier run
            add_person(database, "operator", ["administrator", "director"], password=PASSWORD)
        print(f"open http://{console}/ as operator, password: {PASSWORD}", flush=True)
        host, _, port = console.rpartition(":")
        await run(
            host=host,
            port=int(port),
            data_dir=data_dir,
            control_socket=gate.run_dir / "gate.sock",
            media_socket=gate.run_dir / "media.sock",
            database=database,
            stop=asyncio.Event(),
        )


if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(repository), str(repository / "tests")]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--console", default="", metavar="HOST:PORT")
    parser.add_argument("--delay", type=float, default=10.0, metavar="SECONDS")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(arguments.data_dir, arguments.console, arguments.delay))
