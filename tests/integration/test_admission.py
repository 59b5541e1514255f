"""A park's agents decide who else speaks for it: a further one waits until one of them lets it in, and no operator can."""

import json
import unittest

import parktally
import stranger
from stranger import Refused, Report, Stranger, digest, pb

GOOD, BAD, LATER, DENIED = 0, 65, 75, 77


class Admission(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator()
        self.city.import_register([parktally.unit(unit, park) for unit, park in (("A1", "east"), ("A2", "east"), ("W1", "west"))])
        self.city.start()
        self.first = parktally.enrol(self.city, "east", self.folder / "一")

    def push(self, agent, unit, value, code=GOOD):
        path = self.folder / f"{unit}.csv"
        path.write_text(f"uscc,period,output\n{unit},2018-05,{value}\n")
        return agent.command("push", path, "--approved-by", "张三", "--wait", code=code)

    def total(self):
        line = self.city.total("east", "2018-05", "output")
        return line["value"], line["reported"]

    def status(self, agent):
        return json.loads(agent.command("status", "--format", "json", code=GOOD).out)

    def listed(self, agent, *options):
        return [json.loads(line) for line in agent.command("admissions", "--format", "json", *options, code=GOOD).out.splitlines()]

    def test_a_further_agent_waits_until_the_park_lets_it_in(self):
        self.push(self.first, "A1", 1)
        invited = self.city.command("invite", "--area", "east")
        self.assertIn("east has an agent already; the new one reports nothing until that one admits it", invited.err)
        second = parktally.ParkAgent(self.folder / "二", invited.out)
        self.assertTrue(second.waits)

        with self.subTest("what it makes is kept and not counted"):
            pushed = self.push(second, "A2", 2, code=LATER)
            self.assertIn("[admission.waiting]", pushed.err)
            self.assertIn("1 of 1 submissions wait for an answer, 0 were refused whole", pushed.out)
            self.assertEqual(self.total(), ("1.0", "1"))
            self.assertTrue(self.status(second)["waits_for_admission"])
            self.assertIn("waits for admission", self.city.command("agents").out)

        with self.subTest("it cannot let itself in, nor can another park"):
            self.assertIn("[admission.waiting]", second.command("admit", "east-2", "--approved-by", "李四", code=DENIED).err)
            west = parktally.enrol(self.city, "west", self.folder / "西")
            self.assertEqual(self.listed(west), [])
            west.command("admit", "east-2", "--approved-by", "李四", code=BAD)
            self.assertEqual(self.total(), ("1.0", "1"))

        with self.subTest("the park is told, with the key that the new computer has"):
            waiting, = self.listed(self.first)
            self.assertEqual((waiting["agent"], waiting["area"], waiting["state"]), ("east-2", "east", "waiting"))
            self.assertEqual(waiting["key"], self.status(second)["key"])
            self.assertEqual(self.status(self.first)["agents_waiting"], 1)
            self.assertIn("1 agents wait for this park's admission", self.first.command("status").out)

        with self.subTest("once it is let in, what it kept counts, and the rest too"):
            admitted = self.first.command("admit", "east-2", "--approved-by", "李四", "--reason", "二楼", code=GOOD)
            self.assertIn("east-2 is admitted", admitted.out)
            self.assertIn("No agent waits", self.first.command("admissions", code=GOOD).out)
            self.first.command("admit", "east-2", "--approved-by", "李四", code=BAD)
            self.push(second, "A1", 3, code=BAD)  # stale: the first agent reported it
            self.assertEqual(self.total(), ("3.0", "2"))
            self.assertFalse(self.status(second)["waits_for_admission"])
            item = {item["agent"]: item for item in self.listed(second, "--all")}["east-2"]
            self.assertEqual((item["state"], item["admitted_by"], item["approved_by"], item["reason"]),
                             ("in_force", "east-1", "李四", "二楼"))
            self.assertIn("east-1 (李四)", self.city.command("agents").out)

        with self.subTest("who is revoked learns who has come in its place"):
            self.city.command("revoke", "east-1", "--reason", "丢失")
            self.assertIn("in its place there is east-2", self.push(self.first, "A1", 4, code=DENIED).err)
        self.assert_sound(self.city)

    def test_an_admission_that_is_on_its_way_is_not_made_twice(self):
        second = parktally.ParkAgent(self.folder / "二", self.city.invite("east"))
        self.assertEqual(len(self.listed(self.first)), 1)
        self.city.stop()
        self.first.command("admit", second.id, "--approved-by", "李四", "--timeout", 1, code=LATER)
        path = self.folder / "月报.csv"
        path.write_text("uscc,period,output\nA1,2018-05,1\n")
        self.assertEqual(self.first.command("push", path, "--approved-by", "张三", "--wait", "--timeout", 1).code, LATER)
        self.assertEqual(self.status(self.first)["waiting_to_send"], 2)
        self.city.start()
        self.assertNotIn("admitted again", self.push(self.first, "A1", 1).out)
        self.push(second, "A2", 2)
        self.assertEqual(self.total(), ("3.0", "2"))

    def test_no_way_leads_past_the_park(self):
        """Of somebody who has the operator's rights, an agent of his own and this protocol."""
        self.push(self.first, "A1", 1)
        own = Stranger(self.city.invite("east")).connect()
        self.addCleanup(own.close)
        west = stranger.enrol(self.city, "west")
        self.addCleanup(west.close)
        self.assertTrue(own.welcome.waiting)
        key_id = digest(bytes(own.keys.sign.verify_key))
        report = own.sealed("monthly", "2018-05", [Report("A2", {"output": 7})])
        for sealed, code in ((report, "admission.waiting"), (own.sealed_admission(own.id, key_id), "admission.waiting"),
                             (own.sealed_act(inquiry=1, text="新增生产线", answered_by="某人"), "admission.waiting")):
            with self.subTest(code), self.assertRaises(Refused) as refused:
                own.receipt_bytes(sealed)
            self.assertEqual(refused.exception.code, code)
        receipt = west.read_receipt(west.receipt_bytes(west.sealed_admission(own.id, key_id)))
        self.assertEqual([refusal.rule for refusal in receipt.refusal], ["admission.unknown"])
        self.city.command("ask", "--area", "east", "--form", "monthly", "--period", "2018-05", "--unit", "A1", "--reason", "为何？")
        self.assertEqual(list(own.agents()), ["east-1", "east-2"])
        self.assertEqual(own.state(), ([], []))  # figures are not for who waits

        self.city.command("revoke", "east-1")  # does not let in who waits
        with self.assertRaises(Refused) as refused:
            own.receipt_bytes(report)
        self.assertEqual(refused.exception.code, "admission.waiting")

        again = Stranger(self.city.invite("east")).connect()  # a park that lost its keys; and everybody is told
        self.addCleanup(again.close)
        self.assertFalse(again.welcome.waiting)
        told = again.agents()
        self.assertEqual([(item.agent, item.state, item.entry) for item in told.values()],
                         [("east-1", pb.AGENT_REVOKED, pb.ENTRY_FIRST), ("east-2", pb.AGENT_WAITING, pb.ENTRY_WAITS),
                          ("east-3", pb.AGENT_IN_FORCE, pb.ENTRY_SUCCEEDS)])
        self.assertIn("nobody: those before it were revoked", self.city.command("agents").out)
        self.assertIn("in its place there is east-3", self.push(self.first, "A1", 4, code=DENIED).err)
        sealed = again.sealed("monthly", "2018-04", [Report("A1", {"output": 3})])
        again.receipt_bytes(sealed)
        id_ = digest(sealed[104:])
        self.assertEqual(again.refusals(id_).total, 0)
        with self.assertRaises(Refused) as refused:
            own.refusals(id_)
        self.assertEqual(refused.exception.code, "request.unknown")
        again.admit(own.id)
        own.hello()
        self.assertEqual(own.refusals(id_).total, 0)
        self.assertFalse(own.welcome.waiting)
        self.assertEqual(own.read_receipt(own.receipt_bytes(report)).counted, 1)  # the same bytes
        self.assertEqual([inquiry.unit for inquiry in own.state()[0]], ["A1"])
        self.assert_sound(self.city)


if __name__ == "__main__":
    unittest.main()
