"""Who gets in at the aggregator's door, and what becomes of what they send. Bad guests first."""

import contextlib
import os
import random
import re
import secrets
import socket as network
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import parktally  # noqa: E402
import stranger as st  # noqa: E402
import zmq  # noqa: E402
from stranger import Report, Stranger, pb  # noqa: E402

UNITS = 700
FAILED = (zmq.Event.HANDSHAKE_FAILED_NO_DETAIL, zmq.Event.HANDSHAKE_FAILED_PROTOCOL, zmq.Event.HANDSHAKE_FAILED_AUTH,
          zmq.Event.DISCONNECTED)
SEED = int(os.environ.get("PARKTALLY_SEED") or secrets.randbits(32))


class Door(parktally.Case):
    """One aggregator for all tests; each takes months of its own, so that none sees another's reports."""

    months = None

    @classmethod
    def setUpClass(cls):
        cls.place = parktally.tempfile.TemporaryDirectory(prefix="parktally-")
        cls.addClassCleanup(cls.place.cleanup)
        cls.city = parktally.Aggregator(cls.place.name, parktally.city_catalogue())
        cls.addClassCleanup(cls.city.close)
        cls.city.import_register([parktally.unit(f"E{n:04d}", "east") for n in range(UNITS)] +
                                 [parktally.unit(f"W{n:04d}", "west") for n in range(10)] +
                                 [parktally.unit("CITY", "city")])
        cls.city.start()
        cls.east = st.enrol(cls.city, "east")
        cls.addClassCleanup(lambda: cls.east.close())
        st.enrol(cls.city, "west").close()  # speaks for it
        cls.months = (f"{year}-{month:02d}" for year in range(2011, 2031) for month in range(1, 13))

    def setUp(self):
        super().setUp()
        self.month = next(self.months)
        self.east.open()  # some tests leave it cut off, or with answers that nobody read
        self.east.hello()

    def agent(self, area, *options):
        agent = st.enrol(self.city, area, *options)
        self.addCleanup(agent.close)
        return agent

    def assert_honest_goes_on(self, number=UNITS - 1):
        """The server lives, and an agent that is enrolled is served."""
        self.assertTrue(self.city.is_running(), self.city.log())
        agent = self.agent("east")
        _, receipt = agent.report("monthly", self.month, [Report(f"E{number:04d}", {"output": 10})])
        self.assertEqual(receipt.counted, 1)

    @contextlib.contextmanager
    def watched(self, prepare, endpoint):
        """A connection whose events are watched."""
        socket = st.CONTEXT.socket(zmq.DEALER)
        st.set_options(socket)
        prepare(socket)
        watch = st.Watch(socket)
        try:
            socket.connect(endpoint)
            yield socket, watch
        finally:
            watch.close()
            socket.close()

    def curve(self, keys, server_key=None):
        def prepare(socket):
            socket.curve_publickey = zmq.utils.z85.encode(keys.curve_public)
            socket.curve_secretkey = zmq.utils.z85.encode(keys.curve_secret)
            socket.curve_serverkey = zmq.utils.z85.encode(server_key or self.east.invitation.curve_key)
        return prepare

    def assert_total(self, value, area="east", indicator="output"):
        self.assertEqual(self.city.total(area, self.month, indicator)["value"], value)

    def assert_refused(self, code, call, *arguments, **options):
        with self.assertRaises(st.Refused) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.code, code, caught.exception.text)
        return caught.exception


class Contract(unittest.TestCase):
    """The worked example of proto/README.md, as a stranger reads it."""

    @classmethod
    def setUpClass(cls):
        text = (parktally.ROOT / "proto" / "README.md").read_text()
        cls.blocks = {}
        for kind, name, body in re.findall(r"^```(hex|text) ([a-z-]+)\n(.*?)^```$", text, re.M | re.S):
            plain = re.sub(r"#.*", "", body) if kind == "hex" else body
            cls.blocks[name] = bytes.fromhex(plain) if kind == "hex" else plain.strip()
        cls.keys = st.Keys()
        cls.keys.sign = st.SigningKey(cls.blocks["sign-seed"])
        cls.keys.curve_secret = bytes(range(0x20, 0x40))
        cls.keys.curve_public = st.crypto_scalarmult_base(cls.keys.curve_secret)

    def test_the_submission(self):
        payload = self.blocks["payload"]
        submission = pb.Submission.FromString(payload)
        self.assertEqual(submission.SerializeToString(), payload)
        self.assertEqual(st._bits(list(submission.indicator), set(submission.indicator)), submission.report[1].present)
        sealed = st.seal(st.SUBMISSION, payload, self.keys.sign)
        self.assertEqual(sealed, self.blocks["seal-header"] + payload)
        self.assertEqual(st.open_seal(st.SUBMISSION, sealed, self.blocks["sign-public"]), payload)
        self.assertEqual(st.digest(payload), self.blocks["id"])
        frame = pb.Frame(protocol=1, submit=pb.Submit(id=st.digest(payload), sealed=sealed)).SerializeToString()
        self.assertEqual(frame, self.blocks["frame-start"] + sealed)
        self.assertEqual(len(frame), 400)

    def test_joining(self):
        invitation = st.read_invitation(self.blocks["invitation"])
        self.assertEqual((invitation.endpoint, invitation.enrol_endpoint), ("tcp://127.0.0.1:7650", "tcp://127.0.0.1:7651"))
        self.assertEqual(st.join_record(invitation, self.keys), self.blocks["join"])
        for slip in (self.blocks["invitation"][:-1], self.blocks["invitation"].replace("Y3A6", "Y3B6", 1)):
            with self.assertRaises(ValueError):
                st.read_invitation(slip)


class Handshakes(Door):
    """Nothing gets in without an enrolled key."""

    def shake_hands(self, prepare):
        """The events of a connection, up to the first that says how the handshake ended."""
        with self.watched(prepare, self.city.listen) as (_, watch):
            return watch.wait_for(zmq.Event.HANDSHAKE_SUCCEEDED, *FAILED)

    def assert_kept_out(self, prepare):
        self.assertIn(self.shake_hands(prepare)[-1], FAILED)
        self.assert_honest_goes_on()

    def test_an_enrolled_key_gets_in(self):
        """Without this the others could pass for a wrong reason."""
        events = self.shake_hands(self.curve(self.east.keys))
        self.assertEqual(events[-1], zmq.Event.HANDSHAKE_SUCCEEDED)

    def test_an_unknown_key_is_refused_in_the_handshake(self):
        said = len(self.city.log())
        self.assert_kept_out(self.curve(st.Keys()))
        self.assertIn("door.refused: 127.0.0.1", self.city.log()[said:])

    def test_without_a_key_nobody_gets_in(self):
        self.assert_kept_out(lambda socket: None)

    def test_a_name_and_a_password_are_no_key(self):
        def prepare(socket):
            socket.plain_username, socket.plain_password = b"east-1", b"secret"
        self.assert_kept_out(prepare)

    def test_whoever_expects_another_server_key_does_not_talk_to_this_one(self):
        self.assert_kept_out(self.curve(self.east.keys, st.Keys().curve_public))

    def test_the_secret_half_must_fit_the_public_one(self):
        keys = st.Keys()
        keys.curve_public = self.east.keys.curve_public
        self.assert_kept_out(self.curve(keys))

    def test_bytes_that_are_no_zeromq_do_no_harm(self):
        generator = random.Random(SEED)
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(15) + bytes(32)
        host, port = self.city.listen.removeprefix("tcp://").rsplit(":", 1)
        enrol_port = self.city.enrol.rsplit(":", 1)[1]
        for at in (int(port), int(enrol_port)):
            for data in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", greeting[:11], greeting, greeting + b"\x04\xff" * 200,
                         greeting + b"\x06" + b"\xff" * 8, generator.randbytes(5000), b"\xff" * 100000):
                with self.subTest(seed=SEED, port=at, data=data[:70]), network.create_connection((host, at)) as peer:
                    peer.settimeout(parktally.PATIENCE)
                    try:
                        peer.sendall(data)
                        peer.shutdown(network.SHUT_WR)
                        while peer.recv(4096):
                            pass
                    except TimeoutError:
                        raise
                    except OSError:
                        pass  # cut off, which is as good
        self.assert_honest_goes_on()


class Messages(Door):
    """What comes after a good handshake."""

    def test_garbage_is_named_and_the_connection_goes_on(self):
        generator = random.Random(SEED)
        good = pb.Frame(protocol=1, hello=pb.Hello(agent=self.east.id)).SerializeToString()
        for data in (b"", b"\0", b"\xff" * 300, good[:-1], generator.randbytes(1000), generator.randbytes(200000),
                     pb.Frame(protocol=2, hello=pb.Hello(agent="x")).SerializeToString(),
                     pb.Frame(protocol=1, hello=pb.Hello(agent="x" * 5000)).SerializeToString(),
                     pb.Frame(protocol=1, welcome=pb.Welcome(credit=1)).SerializeToString(),
                     pb.Frame(protocol=1, submit=pb.Submit(id=b"short", sealed=b"x")).SerializeToString()):
            with self.subTest(seed=SEED, data=data[:60]):
                self.east.socket.send(data)
                self.assert_refused("message.malformed", self.east.expect)
        self.east.hello()
        self.assert_honest_goes_on()

    def test_a_message_too_large_ends_its_connection_and_no_other(self):
        agent = self.agent("east")
        agent.close()
        with self.watched(self.curve(agent.keys), self.city.listen) as (socket, watch):
            watch.wait_for(zmq.Event.HANDSHAKE_SUCCEEDED)
            socket.send(bytes(st.FRAME_BYTES))  # the largest that is let in, to be refused for what it says
            self.assertEqual(st.receive(socket).fault.code, "message.malformed")
            socket.send(bytes(st.FRAME_BYTES + 1))
            watch.wait_for(zmq.Event.DISCONNECTED)
        self.east.hello()
        agent.connect()
        self.assert_honest_goes_on()

    def test_a_seal_too_large_is_refused_by_name(self):
        sealed = self.east.seal(bytes(st.SEALED_BYTES - 103))
        self.assertEqual(len(sealed), st.SEALED_BYTES + 1)
        fault = self.assert_refused("message.size", self.east.receipt_bytes, sealed)
        self.assertEqual(fault.id, st.digest(sealed[104:]))

    def test_a_message_of_several_parts_is_dropped(self):
        said = len(self.city.log())
        hello = pb.Frame(protocol=1, hello=pb.Hello(agent=self.east.id)).SerializeToString()
        sealed = self.east.sealed("monthly", self.month, [Report("E0001", {"output": 1})])
        submit = pb.Frame(protocol=1, submit=pb.Submit(id=st.digest(sealed[104:]), sealed=sealed)).SerializeToString()
        self.east.socket.send_multipart([hello, hello])
        self.east.socket.send_multipart([b"", submit])
        self.east.socket.send_multipart([submit, b""])
        page = self.east.refusals  # what was dropped left no trace, and this is the only answer that comes
        self.assert_refused("request.unknown", page, st.digest(sealed[104:]))
        parktally.wait_until(lambda: "message.dropped: " in self.city.log()[said:], "the log tells")
        self.assert_total("")

    def test_an_unknown_kind_of_document_and_a_chunk_beyond_the_end(self):
        self.east.send(document_request=pb.DocumentRequest(kind=pb.DOCUMENT_NONE))
        self.assertIn(self.assert_any_fault(), ("request.unknown", "message.malformed"))
        manifest = self.east.manifest(pb.DOCUMENT_CATALOGUE)
        self.assert_refused("request.unknown", self.east.chunk, manifest.kind, manifest.hash, len(manifest.chunk))
        self.assert_refused("request.unknown", self.east.chunk, manifest.kind, bytes(32), 0)

    def assert_any_fault(self):
        with self.assertRaises(st.Refused) as caught:
            self.east.expect()
        return caught.exception.code


class Seals(Door):
    """Rights come from the key that sealed, and only from it."""

    def test_a_forged_seal_is_refused_wherever_it_was_changed(self):
        sealed = self.east.sealed("monthly", self.month, [Report("E0001", {"output": 10})])
        for place, code in ((0, "message.malformed"), (4, "message.malformed"), (40, "seal.forged"),
                            (103, "seal.forged"), (104, "seal.forged"), (len(sealed) - 1, "seal.forged"),
                            (8, "seal.unknown-key")):
            with self.subTest(place=place):
                forged = bytearray(sealed)
                forged[place] ^= 1
                self.assert_refused(code, self.east.receipt_bytes, bytes(forged))
        for label in (st.RECEIPT, st.MANIFEST, st.CERTIFICATE):
            with self.subTest(label=label), self.assertRaises(st.Refused):
                self.east.receipt_bytes(st.seal(label, sealed[104:], self.east.keys.sign))
        self.assert_total("")
        self.assertEqual(self.east.read_receipt(self.east.receipt_bytes(sealed)).counted, 1)

    def test_an_id_that_is_not_the_hash_is_refused(self):
        sealed = self.east.sealed("monthly", self.month, [Report("E0001", {"output": 10})])
        self.east.submit(sealed, bytes(32))
        self.assert_refused("message.malformed", self.east.expect)

    def test_a_key_that_is_no_agents(self):
        submission = self.east.make("monthly", self.month, [Report("E0001", {"output": 10})])
        sealed = self.east.seal(submission, st.Keys().sign)
        self.assert_refused("seal.unknown-key", self.east.receipt_bytes, sealed)

    def test_another_agents_name(self):
        west = self.agent("west")
        sealed = west.sealed("monthly", self.month, [Report("E0001", {"output": 10})], agent=self.east.id)
        self.assert_refused("agent.other", west.receipt_bytes, sealed)
        self.assert_total("")

    def test_who_carries_a_submission_is_all_one(self):
        west = self.agent("west")
        sealed = west.sealed("monthly", self.month, [Report("W0001", {"output": 25})])
        receipt = west.read_receipt(self.east.receipt_bytes(sealed))
        self.assertEqual((receipt.agent, receipt.counted), (west.id, 1))
        self.assertEqual(west.receipt_bytes(sealed), self.east.receipt_bytes(sealed))
        self.assert_total("2.5", "west")

    def test_the_form_of_a_bureau_is_not_for_a_park(self):
        sealed = self.east.sealed("city", "2018", [Report("CITY", {"people": 10})])
        self.assert_refused("form.no-right", self.east.receipt_bytes, sealed)

    def test_a_bureau_reports_its_own_forms_and_no_others(self):
        bureau = self.agent("city", "--role", "bureau", "--forms", "city")
        self.assertEqual(list(bureau.certificate.form), ["city"])
        sealed = bureau.sealed("monthly", self.month, [Report("CITY", {"output": 10})])
        self.assert_refused("form.no-right", bureau.receipt_bytes, sealed)
        _, receipt = bureau.report("city", "2018", [Report("CITY", {"people": 3867000})])
        self.assertEqual(receipt.counted, 1)
        self.assertEqual(self.city.total("city", "2018", "people")["value"], "3867000")

    def test_a_park_may_be_bound_to_single_forms(self):
        agent = self.agent("east", "--forms", "yearly")
        sealed = agent.sealed("monthly", self.month, [Report("E0001", {"output": 10})])
        self.assert_refused("form.no-right", agent.receipt_bytes, sealed)

    def test_what_names_nothing_that_exists_is_refused_whole(self):
        report = [Report("E0001", {"output": 10})]
        for code, arguments, options in (
                ("form.unknown", ("quarterly", self.month, report), {}),
                ("period.wrong", ("monthly", "2018-Q1", report), {}),
                ("period.wrong", ("yearly", self.month, [Report("E0001", {"research": 1})]), {}),
                ("indicator.unknown", ("monthly", self.month, [Report("E0001", {"profit.ytd": 10})]), {}),
                ("catalogue.unknown", ("monthly", self.month, report), {"catalogue_hash": bytes(32)})):
            with self.subTest(code=code, arguments=arguments[:2]):
                sealed = self.east.sealed(*arguments, **options)
                self.assert_refused(code, self.east.receipt_bytes, sealed)
        self.assert_total("")

    def test_a_submission_that_breaks_a_rule_of_the_contract_is_refused_whole(self):
        good = self.east.make("monthly", self.month, [Report("E0001", {"output": 1}), Report("E0002", {"output": 2})])
        changes = {
            "not sorted": lambda s: s.report.reverse(),
            "a unit twice": lambda s: s.report.append(s.report[1]),
            "no report": lambda s: s.ClearField("report"),
            "a column twice": lambda s: s.indicator.append("output"),
            "too few values": lambda s: s.report[0].ClearField("value"),
            "too many values": lambda s: s.report[0].value.append(1),
            "a bit beyond the columns": lambda s: setattr(s.report[0], "present", b"\x03"),
            "present and withdrawn": lambda s: setattr(s.report[0], "withdrawn", b"\x01"),
            "a base of 31 bytes": lambda s: setattr(s.report[0], "base_id", bytes(31)),
            "an unknown kind": lambda s: setattr(s.report[0], "kind", 7),
            "nobody answers for it": lambda s: s.ClearField("approved_by"),
            "sequence 0": lambda s: setattr(s, "sequence", 0),
            "a month without its zero": lambda s: setattr(s, "period", "2018-5"),
            "a control character": lambda s: setattr(s, "filler", "a\x07b"),
        }
        for what, change in changes.items():
            with self.subTest(what):
                bad = pb.Submission.FromString(good.SerializeToString())
                change(bad)
                self.assert_refused("message.malformed", self.east.receipt_bytes, self.east.seal(bad))
        self.assertEqual(self.east.read_receipt(self.east.receipt_bytes(self.east.seal(good))).counted, 2)


class Reports(Door):
    """Good submissions, and single reports that are not."""

    def test_a_replayed_submission_counts_once_and_gets_the_same_receipt(self):
        sealed = self.east.sealed("monthly", self.month, [Report("E0001", {"output": 123})])
        first = self.east.receipt_bytes(sealed)
        self.east.open()
        self.east.hello()
        for _ in range(3):
            self.assertEqual(self.east.receipt_bytes(sealed), first)
        self.assert_total("12.3")
        self.assertEqual(self.city.stop(), 0)
        self.city.start()
        self.east.open()
        self.east.hello()
        self.assertEqual(self.east.receipt_bytes(sealed), first)
        self.assert_total("12.3")

    def test_a_sequence_seen_with_other_bytes_is_refused(self):
        _, receipt = self.east.report("monthly", self.month, [Report("E0001", {"output": 10})])
        again = self.east.sealed("monthly", self.month, [Report("E0002", {"output": 10})], sequence=receipt.sequence)
        self.assert_refused("sequence.reused", self.east.receipt_bytes, again)
        self.assert_total("1.0")

    def test_a_unit_of_another_park_holds_up_no_other(self):
        id_, receipt = self.east.report("monthly", self.month, [
            Report("E0001", {"output": 10}), Report("NOBODY", {"output": 10}), Report("W0001", {"output": 10})])
        self.assertEqual((receipt.counted, receipt.refused), (1, 2))
        self.assertEqual([(r.row, r.unit, r.rule, r.found, r.expected) for r in receipt.refusal],
                         [(1, "NOBODY", "unit.unknown", "NOBODY", ""), (2, "W0001", "unit.elsewhere", "west", "east")])
        self.assertTrue(all(r.verdict == pb.VERDICT_REFUSED for r in receipt.refusal))
        self.assertEqual(self.east.refusals(id_).refusal, receipt.refusal)
        self.assert_total("1.0")
        self.assert_total("", "west")

    def test_another_area_cannot_read_ones_refusals(self):
        id_, _ = self.east.report("monthly", self.month, [Report("W0001", {"output": 10})])
        self.assert_refused("request.unknown", self.agent("west").refusals, id_)

    def test_figures_that_no_rule_allows(self):
        for unit, report, code in (
                ("negative", Report("E0001", {"output": -1}), "value.range"),
                ("too large", Report("E0001", {"output": 2**53}), "value.range"),
                ("as large as it goes", Report("E0001", {"output": 2**63 - 1}), "value.range"),
                ("nil beside a figure", Report("E0001", {"output": 1}, kind=pb.REPORT_NIL), "value.nil"),
                ("no figure", Report("E0002", {}), "report.empty"),
                ("nothing to take back", Report("E0003", kind=pb.REPORT_WITHDRAWAL), "report.nothing-to-withdraw")):
            with self.subTest(unit):
                _, receipt = self.east.report("monthly", self.month, [report], columns=["output"])
                self.assertEqual([r.rule for r in receipt.refusal], [code])
        self.assert_total("")

    def test_a_blank_over_a_figure_is_refused_and_a_withdrawal_takes_it_back(self):
        first, _ = self.east.report("monthly", self.month, [Report("E0001", {"output": 10, "staff": 5})])
        _, receipt = self.east.report("monthly", self.month, [Report("E0001", {"output": 11}, first)],
                                      columns=["output", "staff"])
        self.assertEqual([(r.rule, r.indicator, r.expected) for r in receipt.refusal], [("value.blank", "staff", "5")])
        self.assert_total("1.0")
        second, receipt = self.east.report("monthly", self.month, [Report("E0001", {"output": 12}, first)])
        self.assertEqual(receipt.counted, 1)  # a column that is not named keeps its value
        self.assert_total("5", indicator="staff")
        third, receipt = self.east.report("monthly", self.month, [Report("E0001", {}, second, withdrawn=["staff"])])
        self.assertEqual(receipt.counted, 1)
        self.assert_total("", indicator="staff")
        fourth, _ = self.east.report("monthly", self.month, [Report("E0001", base=third, kind=pb.REPORT_NIL)],
                                     columns=["output"])
        self.assert_total("")
        _, receipt = self.east.report("monthly", self.month, [Report("E0001", base=fourth, kind=pb.REPORT_WITHDRAWAL)],
                                      columns=["output"])
        self.assertEqual(receipt.counted, 1)

    def test_of_two_agents_on_one_base_the_second_is_kept_and_told_what_to_build_on(self):
        other = self.agent("east")
        base, _ = self.east.report("monthly", self.month, [Report("E0001", {"output": 10})])
        first, receipt = self.east.report("monthly", self.month, [Report("E0001", {"output": 20}, base)])
        self.assertEqual(receipt.counted, 1)
        late, receipt = other.report("monthly", self.month, [Report("E0001", {"output": 30}, base)])
        self.assertEqual((receipt.counted, receipt.stale), (0, 1))
        refusal, = receipt.refusal
        self.assertEqual((refusal.rule, refusal.verdict), ("report.stale", pb.VERDICT_STALE))
        self.assertEqual((refusal.found, refusal.expected), (base.hex(), first.hex()))
        self.assert_total("2.0")
        self.assertEqual(other.refusals(late).refusal[0], refusal)  # kept
        _, receipt = other.report("monthly", self.month,
                                  [Report("E0001", {"output": 30}, bytes.fromhex(refusal.expected))])
        self.assertEqual(receipt.counted, 1)
        self.assert_total("3.0")

    def test_without_a_base_the_same_figures_are_unchanged_and_others_stale(self):
        first, _ = self.east.report("monthly", self.month, [Report("E0001", {"output": 10}), Report("E0002", {"output": 1})])
        again, receipt = self.east.report("monthly", self.month,
                                          [Report("E0001", {"output": 10}), Report("E0002", {"output": 2})])
        self.assertEqual((receipt.unchanged, receipt.stale), (1, 1))
        self.assertEqual([r.expected for r in receipt.refusal], [first.hex()] * 2)
        self.assert_total("1.1")
        page = self.east.refusals(again)
        self.assertEqual([st.VERDICTS[r.verdict] for r in page.refusal], ["unchanged", "stale"])

    def test_a_clock_years_ahead_is_a_finding_and_no_refusal(self):
        _, receipt = self.east.report("monthly", self.month, [Report("E0001", {"output": 10})],
                                      created_at_ms=120 * 365 * 86400 * 1000)
        self.assertEqual((receipt.counted, list(receipt.finding)), (1, ["clock.off"]))
        _, receipt = self.east.report("monthly", self.month, [Report("E0002", {"output": 10})], created_at_ms=0)
        self.assertEqual(receipt.counted, 1)
        self.assert_total("2.0")

    def test_the_ends_of_time_are_clocks_too(self):
        for clock in (-2**63, 2**63 - 1):
            with self.subTest(clock=clock):
                self.east.send(hello=pb.Hello(agent=self.east.id, clock_ms=clock))
                self.east.expect("welcome")
                _, receipt = self.east.report("monthly", self.month, [Report("E0001", {"output": 10})],
                                              created_at_ms=clock, approved_at_ms=clock)
                self.assertEqual(receipt.counted + receipt.unchanged, 1)
        self.assertEqual(list(receipt.finding), ["clock.off"])
        self.assertNotIn("runtime error", self.city.log())

    def test_corrections_that_overtake_their_base_wait_and_then_count_in_order(self):
        sealed = [self.east.sealed("monthly", self.month, [Report("E0001", {"output": 10}), Report("E0002", {"output": 1})])]
        for value in (20, 30):
            base = st.digest(sealed[-1][104:])
            sealed.append(self.east.sealed("monthly", self.month, [Report("E0001", {"output": value}, base)]))
        ids = [st.digest(one[104:]) for one in sealed]
        for late in (2, 1):
            receipt = self.east.read_receipt(self.east.receipt_bytes(sealed[late]))
            self.assertEqual((receipt.waiting, receipt.counted), (1, 0))
            self.assertEqual([(r.rule, r.expected) for r in receipt.refusal], [("report.waiting", ids[late - 1].hex())])
        self.assert_total("")
        self.assertEqual(self.east.read_receipt(self.east.receipt_bytes(sealed[0])).counted, 2)
        self.assert_total("3.1")
        _, receipt = self.east.report("monthly", self.month, [Report("E0001", {"output": 40}, ids[2])])
        self.assertEqual(receipt.counted, 1)
        self.assert_total("4.1")

    def test_forty_submissions_at_once_are_all_counted_in_the_end(self):
        sealed = [self.east.sealed("monthly", self.month, [Report(f"E{n:04d}", {"output": 10 + n})]) for n in range(40)]
        ids = {self.east.submit(one): one for one in sealed}  # more than the credit that Welcome gave
        self.assertLess(self.east.credit, len(ids))
        receipts, busy = {}, set()
        with contextlib.suppress(st.Silent):  # beyond the credit, an answer may be dropped on a loaded machine
            while len(receipts) + len(busy) < len(ids):
                frame = self.east.expect("receipt", "busy", seconds=2)
                if frame.HasField("busy"):
                    self.assertGreater(frame.busy.retry_after_ms, 0)
                    busy.add(frame.busy.id)
                else:
                    receipts[self.east.read_receipt(frame.receipt).submission] = frame.receipt
        self.assertGreaterEqual(len(receipts), self.east.credit)
        self.assertGreater(len(receipts) + len(busy), 2 * self.east.credit)
        self.assertFalse(receipts.keys() & busy)
        answers = self.east.deliver(ids.values())
        self.assertEqual(answers.keys(), ids.keys())
        self.assertLessEqual(receipts.items(), answers.items())
        self.assertTrue(all(self.east.read_receipt(answer).counted == 1 for answer in answers.values()))
        line = self.city.total("east", self.month, "output")
        self.assertEqual((line["value"], line["reported"]), (f"{sum(range(10, 50)) / 10}", "40"))

    def test_more_refusals_than_a_receipt_holds_are_paged(self):
        reports = [Report(f"X{n:04d}", {"output": 1}) for n in range(1203)] + [Report("E0001", {"output": 1})]
        id_, receipt = self.east.report("monthly", self.month, reports)
        self.assertEqual((receipt.counted, receipt.refused, len(receipt.refusal)), (1, 1203, 500))
        rows, offset = [], 0
        while True:
            page = self.east.refusals(id_, offset)
            self.assertEqual((page.id, page.offset, page.total), (id_, offset, 1203))
            if not page.refusal:
                break
            self.assertLessEqual(len(page.refusal), 500)
            rows += page.refusal
            offset += len(page.refusal)
        self.assertEqual(len(rows), 1203)
        for number, refusal in enumerate(rows):
            self.assertEqual((refusal.row, refusal.unit), (number + 1, f"X{number:04d}"))
        self.assertTrue(rows[:500] == list(receipt.refusal))

    def test_the_largest_submission_counts(self):
        reports = [Report(f"E{n:04d}", {"output": 2**53 - 1, "sales": n, "staff": 0}) for n in range(UNITS)]
        _, receipt = self.east.report("monthly", self.month, reports)
        self.assertEqual(receipt.counted, UNITS)
        whole, tenth = divmod(UNITS * (2**53 - 1), 10)
        self.assert_total(f"{whole}.{tenth}")


class Agents(Door):
    """Invitations, enrolment, revocation."""

    def test_revocation_bites_on_the_next_message(self):
        agent = self.agent("east")
        kept = agent.sealed("monthly", self.month, [Report("E0001", {"output": 10})])
        late = agent.sealed("monthly", self.month, [Report("E0002", {"output": 10})])
        receipt = agent.receipt_bytes(kept)
        self.city.command("revoke", agent.id)
        self.assert_refused("agent.revoked", agent.receipt_bytes, late)  # the connection of before
        self.assert_refused("agent.revoked", agent.hello)
        self.assert_refused("agent.revoked", agent.refusals, st.digest(kept[104:]))
        agent.open()
        self.assert_refused("agent.revoked", agent.hello)
        self.assert_refused("agent.revoked", self.east.receipt_bytes, late)  # whoever carries it
        self.assert_total("1.0")  # what it sent before stays
        self.assertIsNotNone(receipt)

    def test_an_invitation_works_once(self):
        text = self.city.invite("east")
        first = Stranger(text)
        self.assertEqual(Stranger(text, first.keys).sealed_certificate, first.sealed_certificate)
        self.assert_refused("invitation.refused", Stranger, text)
        half = st.Keys()
        half.curve_public, half.curve_secret = first.keys.curve_public, first.keys.curve_secret
        self.assert_refused("invitation.refused", Stranger, text, half)
        half = st.Keys()
        half.sign = first.keys.sign
        self.assert_refused("invitation.refused", Stranger, text, half)
        self.assertEqual(Stranger(text, first.keys).sealed_certificate, first.sealed_certificate)

    def test_keys_that_are_enrolled_need_no_second_name(self):
        text = self.city.invite("west")
        self.assert_refused("invitation.refused", Stranger, text, self.east.keys)
        Stranger(text)  # and the invitation is not used up

    def test_an_invitation_that_nobody_gave(self):
        invitation = st.read_invitation(self.city.invite("east"))
        invitation.secret = bytes(32)
        keys = st.Keys()
        frame = st.ask_to_join(invitation, st.join_record(invitation, keys), keys)
        self.assertEqual(frame.fault.code, "invitation.refused")

    def test_an_invitation_that_has_expired(self):
        city = self.aggregator()
        env = parktally.shifted_clock(self.folder, -3 * 86400)
        text = city.command("invite", "--area", "east", env=env).out.strip()
        still = city.command("invite", "--area", "east", "--valid", "7d", env=env).out.strip()
        city.start()
        endpoints = (city.listen, city.enrol)
        self.assert_refused("invitation.refused", Stranger, text, endpoints=endpoints)
        self.assertEqual(Stranger(still, endpoints=endpoints).id, "east-1")

    def test_the_door_for_joining_takes_records_of_160_bytes_and_nothing_else(self):
        invitation = st.read_invitation(self.city.invite("east"))
        keys = st.Keys()
        record = st.join_record(invitation, keys)
        self.assertEqual(len(record), 160)
        hello = pb.Frame(protocol=1, hello=pb.Hello(agent="east-1")).SerializeToString()
        for data in (b"", b"x", record[:-1], record[:159] + bytes([record[159] ^ 1]), bytes(160), hello):
            with self.subTest(length=len(data)):
                self.assertEqual(st.ask_to_join(invitation, data, keys).fault.code, "message.malformed")
        for data in (record + b"\0", record * 6):
            with self.subTest(length=len(data)):
                self.assertEqual(st.ask_to_join(invitation, data, keys).fault.code, "message.malformed")
        for size in (4097, 300000):
            with self.subTest(length=size):
                with self.watched(self.curve(keys), invitation.enrol_endpoint) as (socket, watch):
                    watch.wait_for(zmq.Event.HANDSHAKE_SUCCEEDED)
                    socket.send(bytes(size))
                    watch.wait_for(zmq.Event.DISCONNECTED)
        frame = st.ask_to_join(invitation, record, keys)
        self.assertTrue(frame.HasField("certificate"))

    def test_whoever_only_joins_cannot_submit(self):
        """The door for joining takes any key; the other does not take those that came in there."""
        invitation = st.read_invitation(self.city.invite("east"))
        keys = st.Keys()
        self.assertTrue(st.ask_to_join(invitation, bytes(160), keys).HasField("fault"))
        with self.watched(self.curve(keys), invitation.endpoint) as (_, watch):
            events = watch.wait_for(zmq.Event.HANDSHAKE_SUCCEEDED, *FAILED)
        self.assertIn(events[-1], FAILED)

    def test_after_all_of_this_the_tables_are_what_the_ledger_says(self):
        self.assert_honest_goes_on()
        self.assert_sound(self.city)


if __name__ == "__main__":
    print(f"PARKTALLY_SEED={SEED}", file=sys.stderr)
    unittest.main()
