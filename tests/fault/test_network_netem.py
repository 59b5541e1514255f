"""A cable that loses, delays and reorders by the kernel's own hand (tc netem): all arrives, and once.

Skipped where the kernel has no netem; test_network.py has a cable of its own that does the same."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import network  # noqa: E402
import parktally  # noqa: E402
from test_network import AFTER_SILENCE, CITY, LOSSY_PUSHES, PARK, Network  # noqa: E402

NETEM = "loss", "10%", "delay", "20ms", "reorder", "25%"

try:
    with network.hosts(CITY, PARK) as tried:
        network.join(*tried)
        tried[0].netem(*NETEM)
except network.Impossible as why:
    parktally.skip_program(str(why))


class Netem(Network):
    def test_a_cable_that_loses_delays_and_reorders(self):
        network.join(self.far, self.near)
        for host in (self.far, self.near):
            host.netem(*NETEM)
        self.start()
        for _ in range(LOSSY_PUSHES):
            self.push(AFTER_SILENCE)
        self.finish()


if __name__ == "__main__":
    unittest.main()
