"""The aggregator is killed before and after each durable step of its life, or its disk fails at it; afterwards it is
started again, what was not acknowledged is repeated, and all is as if nothing had happened: what was acknowledged is
there byte for byte, and each figure counts once."""

import copy
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import faulty  # noqa: E402
import parktally  # noqa: E402
import stranger as st  # noqa: E402
from stranger import Report  # noqa: E402

STAGES = ("init", "import", "first", "second")
SILENCE = 0.5  # seconds after which a peer asks whether the server still runs
MONTHS = ("2018-01", "2018-02", "2018-03")
FIRST_UNITS = [parktally.unit(code, area) for code, area in (("E1", "east"), ("E2", "east"), ("W1", "west"), ("W2", "west"))]
LATER_UNIT = parktally.unit("E3", "east")
ADDED_COLUMN = "  later: {zh: 后来, en: Later, measure: 人, kind: stock}\n"


def later_catalogue():
    text = parktally.small_catalogue(indicators=ADDED_COLUMN)
    changed = text.replace("{column: staff}]", "{column: staff}, {column: later}]", 1)
    assert changed != text
    return changed


def free_endpoint():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


class Ended(Exception):
    """The server ended while something was asked of it."""


class Peer(st.Stranger):
    """A stranger that gives up soon, and remembers what it was told."""

    def __init__(self, invitation):
        self.sealed_by_id, self.receipts, self.said, self.base = {}, {}, {}, {}
        super().__init__(invitation)

    def join(self):
        """Repeated by the caller with the same keys."""

    def enrol(self):
        frame = st.ask_to_join(self.invitation, st.join_record(self.invitation, self.keys), self.keys, SILENCE)
        if frame.HasField("fault"):
            raise st.Refused(frame.fault)
        self.sealed_certificate = frame.certificate
        self.certificate = st.pb.Certificate.FromString(
            st.open_seal(st.CERTIFICATE, frame.certificate, self.invitation.sign_key))
        self.id = self.certificate.agent

    def say(self, values):
        """Seals a submission for each month of {(unit, month): tenths}; returns the sealed ones."""
        made = []
        for month in sorted({month for _, month in values}):
            reports = [Report(unit, {"output": value}, self.base.get((unit, month), b""))
                       for (unit, when), value in values.items() if when == month]
            sealed = self.sealed("monthly", month, reports)
            id_ = st.digest(sealed[104:])
            self.base |= {(report.unit, month): id_ for report in reports}
            self.sealed_by_id[id_] = sealed
            made.append(sealed)
        self.said |= values
        return made

    def greet(self, stop):
        """A connection, and the documents in force."""
        self.close()
        self.reopen(stop)
        if stop():
            raise Ended
        self.refresh()

    def expect(self, *kinds, seconds=SILENCE):
        return super().expect(*kinds, seconds=seconds)

    def send_all(self, sealed, stop):
        """Until each has its receipt; raises Ended where stop() says so before."""
        missing = [one for one in sealed if st.digest(one[104:]) not in self.receipts]
        answers = self.deliver(missing, silence=SILENCE, stop=stop, took=self.took)
        if len(answers) < len(missing):
            self.close()
            raise Ended

    def took(self, id_, answer):
        if isinstance(answer, Exception):
            raise answer
        receipt = self.read_receipt(answer)
        assert receipt.counted and not receipt.refusals, receipt
        assert self.receipts.setdefault(id_, answer) == answer

    def copied(self):
        twin = copy.copy(self)
        twin.socket = None
        for name in ("sealed_by_id", "receipts", "said", "base", "heads", "documents"):
            setattr(twin, name, dict(getattr(self, name)))
        return twin


class Life:
    """An aggregator with its peers: what is done to it, stage by stage. One process of it may meet a fault."""

    def __init__(self, folder, fault=None):
        self.folder = folder
        self.city = object.__new__(parktally.Aggregator)  # init is one of the stages
        self.city.root, self.city.data = folder, folder / "disk" / "aggregator"
        self.city.log_path, self.city.source = folder / "aggregator.log", folder / "source.yaml"
        self.city.listen, self.city.enrol = free_endpoint(), free_endpoint()
        self.city.process, self.city.env = None, parktally.environment()
        self.fault = fault
        self.ends, self.results = [], []  # exit codes of servers, results of commands that met the fault
        self.peer = self.lost = None
        self.said = {}  # by the agent

    def copied(self, folder, fault):
        """The same in another folder, as it stands while no server runs."""
        shutil.copytree(self.folder, folder)
        twin = Life(folder, fault)
        twin.city.listen, twin.city.enrol = self.city.listen, self.city.enrol
        twin.peer, twin.lost = self.peer and self.peer.copied(), self.lost and self.lost.copied()
        twin.said = dict(self.said)
        return twin

    # --- with a fault, then without ---

    def take_fault(self):
        """The environment for the next process: the first meets the fault."""
        fault, self.fault = self.fault, None
        if not fault:
            return parktally.environment()
        return faulty.environment(self.folder / "disk", fault, self.folder / "trace")

    def alone(self, *words):
        """A command without a server, until it succeeds; the first time with the fault."""
        result = parktally.run(parktally.AGGREGATOR, *words, data=self.city.data, env=self.take_fault())
        self.results.append(result)
        return result

    def ensure_server(self):
        while not self.city.is_running():
            faulty_now = bool(self.fault)
            if self.city.process:
                self.ends.append(self.city.process.returncode)
                self.city.process = None
            env, self.city.env = self.city.env, self.take_fault()
            try:
                self.city.start()
            except AssertionError:
                if not faulty_now or self.city.is_running():
                    raise
            finally:
                self.city.env = env

    def has_ended(self, seconds=0):
        """A server that was killed a moment ago may not be gone yet."""
        try:
            self.city.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def gives_up(self):
        """For a peer: whether the server has ended, or puts it off for so long that something has to be done."""
        end = time.monotonic() + 2
        return lambda: self.has_ended() or time.monotonic() > end

    def until_done(self, attempt):
        """Repeats it as often as the server ends or refuses for want of room; a second refusal is the end of that server."""
        refused, end = 0, time.monotonic() + 10
        while True:
            self.ensure_server()
            try:
                return attempt()
            except (AssertionError, Ended, st.Silent, st.Refused) as error:
                if self.has_ended(0.2) or (isinstance(error, st.Silent) and time.monotonic() < end):
                    continue
                refused += 1
                if refused > 2:
                    raise
                if refused == 2:
                    self.city.kill()

    # --- the stages ---

    def init(self):
        self.city.source.write_text(parktally.small_catalogue())
        for _ in range(2):
            if self.alone("init", "--catalogue", self.city.source).code == 0 or self.city.data.exists():  # whole, if there
                break
        # An invitation that is made while the server is dead names these too.
        (self.city.data / "aggregator.yaml").write_text(f"listen: {self.city.listen}\nenrol: {self.city.enrol}\n"
                                                        f"announce: {self.city.listen}\nannounce_enrol: {self.city.enrol}\n")

    def import_(self):
        path = self.folder / "register.csv"
        path.write_text(parktally.register_text(FIRST_UNITS))
        for _ in range(2):
            if self.alone("register", "import", path).code == 0:
                return
        raise AssertionError(self.results)

    def invited(self, area):
        return self.until_done(lambda: self.city.invite(area))

    def new_peer(self, area):
        peer = Peer(self.invited(area))
        self.until_done(peer.enrol)
        return peer

    def join_agent(self):
        invitation = self.invited("west")

        def attempt():
            joined = parktally.run(parktally.AGENT, "join", "-", "--timeout", "2", data=self.folder / "agent", stdin=invitation)
            assert joined.code == 0, joined

        self.until_done(attempt)

    def push(self, values):
        path = self.folder / "pushed.csv"
        lines = ["uscc,period,output"] + [f"{unit},{month},{value // 10}.{value % 10}" for (unit, month), value in values.items()]
        path.write_text("\n".join(lines) + "\n")
        self.said |= values

        def attempt():
            pushed = parktally.run(parktally.AGENT, "push", path, "--approved-by", "李明", "--wait", "--timeout", "2",
                                   data=self.folder / "agent")
            assert pushed.code == 0, pushed

        self.until_done(attempt)

    def say(self, values):
        self.until_done(lambda: self.peer.greet(self.gives_up()))
        sealed = self.peer.say(values)
        self.until_done(lambda: self.peer.send_all(sealed, self.gives_up()))

    def change_catalogue(self):
        def attempt():
            (self.city.data / "catalogue.yaml").write_text(later_catalogue())
            already = len(self.city.log())
            self.city.signal(signal.SIGHUP)

            def done():
                if self.has_ended():
                    raise Ended
                return re.search(r"reload\.(done|refused)", self.city.log()[already:])

            found = parktally.wait_until(done, "reloaded")
            assert found.group(1) == "done", self.city.log()[already:]

        self.until_done(attempt)

    def import_later(self):
        path = self.folder / "register2.csv"
        path.write_text(parktally.register_text([LATER_UNIT]))
        self.until_done(lambda: self.city.command("register", "import", path))

    def revoke(self, agent):
        def attempt():
            result = self.city.command("revoke", agent, "--reason", "试验", code=None)
            assert result.code == 0 or "revoked already" in result.err, result

        self.until_done(attempt)

    def stop(self):
        """SIGTERM; the process may meet its fault in its last steps too."""
        self.ensure_server()
        code = self.city.stop()
        self.ends.append(code)
        self.city.process = None
        if self.peer:
            self.peer.close()

    def first(self):
        self.peer = self.new_peer("east")
        self.lost = self.new_peer("south")
        self.join_agent()
        self.say({("E1", month): 11 + n for n, month in enumerate(MONTHS)} | {("E2", MONTHS[0]): 500})
        self.push({("W1", month): 1000 + n for n, month in enumerate(MONTHS)} | {("W2", MONTHS[1]): 7})
        self.say({("E1", MONTHS[0]): 12, ("E2", MONTHS[2]): 9})
        self.change_catalogue()
        self.import_later()
        self.revoke(self.lost.id)
        self.stop()

    def second(self):
        self.say({("E3", MONTHS[0]): 123, ("E1", MONTHS[0]): 13, ("E2", MONTHS[2]): 10})
        self.push({("W1", MONTHS[1]): 1, ("W2", MONTHS[1]): 8})
        self.stop()

    def do(self, stage):
        {"init": self.init, "import": self.import_, "first": self.first, "second": self.second}[stage]()

    # --- afterwards ---

    def check(self, case):
        """On a healthy disk: everything that was acknowledged is there."""
        self.ensure_server()
        last = self.peer.said | self.said
        for month in MONTHS:
            values = [value for (_, when), value in last.items() if when == month]
            line = self.city.total("zone", month, "output")
            total = sum(values)
            case.assertEqual((line["value"], line["reported"], line["expected"]),
                             (f"{total // 10}.{total % 10}", str(len(values)), "5"))
        case.assertEqual(set(self.peer.sealed_by_id), set(self.peer.receipts))
        self.peer.open()
        self.peer.hello()
        case.assertEqual(self.peer.deliver(list(self.peer.sealed_by_id.values())), self.peer.receipts)
        case.assertEqual(self.peer.welcome.catalogue_hash, st.digest(later_catalogue().encode()))
        certificate = self.peer.sealed_certificate
        self.peer.enrol()
        case.assertEqual(self.peer.sealed_certificate, certificate)
        case.assertRegex(self.city.command("agents", "--format", "csv").out, rf"(?m)^{self.lost.id},.*\d{{4}}-\d\d-\d\d")
        case.assert_sound(self.city)
        self.stop()
        case.assertEqual(self.ends[-1], 0)
        case.assert_sound(self.city)


class AggregatorPoints(faulty.PointsCase):
    def setUp(self):
        super().setUp()
        parktally.need(parktally.AGENT, parktally.AGGREGATOR)
        self.rounds = 0
        self.before = {}  # stage → a life as it stands before it
        self.life = None
        self.addCleanup(self.close_life)

    def close_life(self):
        if self.life and self.life.city.process:
            self.life.city.close()
        if self.life and self.life.peer:
            self.life.peer.close()

    def new_folder(self):
        self.rounds += 1
        return self.folder / f"r{self.rounds}"

    def count(self):
        """One life without faults. Says how many steps each stage has, and keeps how things stood before each."""
        counts = {}
        life = Life(self.new_folder())
        (life.folder / "disk").mkdir(parents=True)
        for stage in STAGES:
            self.life = self.before[stage] = life
            life = life.copied(self.new_folder(), "count")
            self.life = life
            life.do(stage)
            trace = life.folder / "trace"
            counts[stage] = len(faulty.steps(trace))
            trace.unlink()
        life.check(self)
        return counts

    def one_point(self, stage, fault, check_ends):
        self.life = life = self.before[stage].copied(self.new_folder(), fault)
        try:
            for name in STAGES[STAGES.index(stage):]:
                life.do(name)
            check_ends(life, fault)
            life.check(self)
        finally:
            self.close_life()
        shutil.rmtree(life.folder)

    def test_killed_at_each_step(self):
        def check(life, fault):
            codes = [result.code for result in life.results] + life.ends
            self.assertLessEqual(set(codes), {0, -signal.SIGKILL}, codes)

        self.try_points(faulty.KILLS, 18, check)

    def test_a_disk_that_fails_at_each_step(self):
        def check(life, fault):
            steps = faulty.steps(life.folder / "trace")
            if life.results:
                faulty.check_failure(self, fault, steps, life.results[0].code, life.results[0].err)
                ends = life.ends
            else:
                ends = life.ends[1:]
                if life.ends[0] != -signal.SIGKILL or not fault.startswith("fail-from"):  # put to an end by until_done()
                    faulty.check_failure(self, fault, steps, life.ends[0], life.city.log())
            self.assertLessEqual(set(ends), {0}, life.ends)

        self.try_points(faulty.FAILURES, 12, check)


if __name__ == "__main__":
    unittest.main()
