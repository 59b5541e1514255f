"""A thousand agents at once, while others knock who are none: none of these gets in, every honest report arrives and counts
once, and the server's memory stays within a bound.

Each agent has keys, an address and a connection of its own. PARKTALLY_FULL=1 has a thousand of them, else there are fewer."""

import contextlib
import json
import os
import random
import re
import secrets
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import parktally  # noqa: E402
import stranger as st  # noqa: E402
from crowd import Crowd  # noqa: E402
from flood import Flood, everywhere, files_for  # noqa: E402
from raw import GREETING, RawPeer  # noqa: E402
from stranger import Report  # noqa: E402

MIB = 1 << 20
SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))
AGENTS = parktally.sampled(200, 1000)
FLOOD = 5 * AGENTS
BURGLARS = 4
MONTHS = [f"2018-{month:02d}" for month in range(1, 4)]
MOST = 48 * MIB  # more, with all of them in and a flood around them


class Burglar(threading.Thread):
    """Comes again and again with keys that nobody enrolled, and goes through the whole handshake where it is let."""

    def __init__(self, endpoint, server_key, n):
        super().__init__(daemon=True)
        self.endpoint, self.server_key, self.source = endpoint, server_key, f"127.9.9.{n + 1}"
        self.tries = self.shown_out = 0  # the latter at its end, where the server sees whose keys these are
        self.inside, self.ending = [], False
        self.start()

    def run(self):
        while not self.ending:
            self.tries += 1
            with contextlib.suppress(OSError):
                self.knock()

    def knock(self):
        with contextlib.closing(RawPeer(self.endpoint, self.server_key, st.Keys().curve_secret, self.source)) as peer:
            peer.greet()
            peer.socket.sendall(peer.initiate())
            try:
                answer = peer.read_frame()
            except OSError:
                answer = b""
            if answer.startswith(b"\x05READY"):
                self.inside.append(answer)
            else:
                self.shown_out += 1

    def close(self):
        self.ending = True
        self.join(parktally.PATIENCE)


class ManyAgents(parktally.Case):
    def memory(self):
        status = Path(f"/proc/{self.city.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def top(self):
        return {line["limit"]: line for line in json.loads(self.city.command("top", "--format", "json").out)}

    def known(self):
        """Agents that the city knows."""
        return {agent["agent"] for agent in json.loads(self.city.command("agents", "--format", "json").out)}

    def test_all_reports_arrive_and_nobody_else_gets_in(self):
        print(f"PARKTALLY_SEED={SEED}, {AGENTS} agents", file=sys.stderr)
        chance = random.Random(SEED)
        self.city = self.aggregator()
        self.city.import_register([parktally.unit(f"E{n:04d}", "east") for n in range(AGENTS)])
        self.city.start()
        crowd = Crowd(self.city, "east", AGENTS)
        self.addCleanup(crowd.close)
        crowd.connect()  # once in peace, so that their addresses are known
        crowd.close()
        known = self.known()
        self.assertEqual(known, {agent.id for agent in crowd.agents})
        server_key, before = crowd.agents[0].invitation.curve_key, self.memory()

        with contextlib.closing(RawPeer(self.city.listen, server_key, st.Keys().curve_secret)) as peer:
            hello = GREETING + peer.hello()
        flood = Flood(self.city.listen, files_for(FLOOD), hello, everywhere)
        self.addCleanup(flood.close)
        burglars = [Burglar(self.city.listen, server_key, n) for n in range(BURGLARS)]
        self.assertTrue(flood.whole.wait(parktally.PATIENCE), "the flood did not come to its number")

        crowd.connect()
        self.assertGreaterEqual(self.top()["connections"]["in_use"], AGENTS)
        sums = {}
        for month in MONTHS:
            values = [chance.randrange(1, 10**9) for _ in crowd.agents]
            receipts = crowd.report("monthly", month, lambda n, values=values: Report(f"E{n:04d}", {"output": values[n]}))
            self.assertEqual({receipt.counted for receipt in receipts}, {1})
            sums[month] = sum(values)
        self.assertEqual(len({receipt.position for receipt in receipts}), AGENTS)
        grown = self.memory() - before
        flood.close()
        parktally.wait_until(lambda: all(burglar.shown_out or burglar.inside for burglar in burglars), "each burglar came to the door")
        for burglar in burglars:
            burglar.close()

        tries = sum(burglar.tries for burglar in burglars)
        print(f"{grown / MIB:.1f} MiB more, at most {MOST / MIB:.0f}; {tries} tries to get in, "
              f"{flood.made} connections of a flood", file=sys.stderr)
        self.assertEqual([burglar.inside for burglar in burglars], [[]] * BURGLARS)
        self.assertEqual(self.known(), known)
        self.assertGreaterEqual(flood.made, len(flood.sockets))
        if not parktally.SANITIZED:
            self.assertLess(grown, MOST)
        for month, value in sums.items():
            line = self.city.total("east", month, "output")
            self.assertEqual((line["value"], line["reported"]), (f"{value // 10}.{value % 10}", str(AGENTS)), month)
        self.assertEqual(self.city.stop(), 0)
        self.assert_sound(self.city)


if __name__ == "__main__":
    unittest.main()
