"""park-agent as its user meets it: joining, checking, pushing, correcting, the service and its folders."""

import json
import re
import signal
import subprocess
import time
import unittest

import parktally

GOOD, MISUSED, BAD, UNAVAILABLE, LATER, DENIED, CONFIGURATION = 0, 64, 65, 69, 75, 77, 78
HEADER = "uscc,period,output,sales,staff"
CHINESE = re.compile("[\u4e00-\u9fff]")
REGISTER = [parktally.unit("A1", "east", name="甲厂"), parktally.unit("A2", "east", name="乙厂"),
            parktally.unit("W1", "west", name="丙厂")]


def table(*lines, header=HEADER):
    return "\n".join((header, *lines)) + "\n"


class Case(parktally.Case):
    def setUp(self):
        super().setUp()
        self.city = self.aggregator()
        self.city.import_register(REGISTER)
        self.city.start()

    def join(self, area="east", name="代理"):
        return parktally.enrol(self.city, area, self.folder / name)

    def write(self, text, name="五月.csv"):
        path = self.folder / name
        path.write_text(text)
        return path

    def push(self, agent, text, *options, code=GOOD, name="五月.csv", by="张三"):
        who = ("--approved-by", by) if by is not None else ()
        return agent.command("push", self.write(text, name), *who, *options, code=code)

    def status(self, agent):
        return json.loads(agent.command("status", "--format", "json", code=GOOD).out)

    def total(self, indicator, period="2018-05", area="east"):
        line = self.city.total(area, period, indicator)
        return line["value"], int(line["reported"])


class Joining(Case):
    def try_to_join(self, invitation, *options, folder="新"):
        return parktally.run(parktally.AGENT, "join", "-", *options, data=self.folder / folder, stdin=invitation)

    def assert_not_enrolled(self, folder="新"):
        answer = parktally.run(parktally.AGENT, "status", data=self.folder / folder)
        self.assertEqual(answer.code, CONFIGURATION)
        self.assertIn("park-agent join -", answer.err)

    def test_a_damaged_invitation_is_refused_before_anything_is_sent(self):
        invitation = self.city.invite("east")
        prefix, version, body = invitation.split(":")
        middle = len(body) // 2
        changed = body[:middle] + ("A" if body[middle] != "A" else "B") + body[middle + 1:]
        damaged = {"empty": "", "a part of it": invitation[:-8], "its first word": prefix + ":",
                   "one letter changed": f"{prefix}:{version}:{changed}", "of another version": f"{prefix}:2:{body}",
                   "something else": "请柬", "too long": invitation + "A" * 3000, "twice": invitation * 2,
                   "bytes": b"\xff\x00\xfe"}
        for name, text in damaged.items():
            with self.subTest(name):
                answer = self.try_to_join(text)
                self.assertEqual(answer.code, BAD, answer)
                self.assertIn("no whole invitation", answer.err)
        self.assert_not_enrolled()
        self.assertEqual(self.try_to_join(invitation).code, GOOD)

    def test_an_invitation_survives_being_copied_with_spaces_and_line_ends(self):
        answer = self.try_to_join(f"\r\n  {self.city.invite('east')}  \r\n\r\n")
        self.assertEqual(answer.code, GOOD, answer)

    def test_an_invitation_is_no_argument(self):
        invitation = self.city.invite("east")
        answer = parktally.run(parktally.AGENT, "join", invitation, data=self.folder / "新")
        self.assertEqual(answer.code, MISUSED)
        self.assertNotIn(invitation[-40:], answer.err)

    def test_who_has_joined_is_told_who_it_is(self):
        answer = self.try_to_join(self.city.invite("east"))
        self.assertEqual(answer.code, GOOD, answer)
        for word in ("east-1", "East park", self.city.listen, "monthly", "finance", "yearly"):
            self.assertIn(word, answer.out)

    def test_an_expired_invitation_is_refused_by_the_city(self):
        invitation = self.city.invite("east", "--valid", "1h")
        self.city.stop()
        self.city.env = parktally.shifted_clock(self.folder, 2 * 3600)
        self.city.start()
        answer = self.try_to_join(invitation)
        self.assertEqual(answer.code, DENIED, answer)
        self.assertIn("[invitation.refused]", answer.err)
        self.assertIn("ask the city for a new one", answer.err)
        self.assert_not_enrolled()

    def test_an_invitation_works_once(self):
        invitation = self.city.invite("east")
        self.assertEqual(self.try_to_join(invitation, folder="一").code, GOOD)
        answer = self.try_to_join(invitation, folder="二")
        self.assertEqual(answer.code, DENIED, answer)
        self.assertIn("[invitation.refused]", answer.err)

    def test_a_join_whose_answer_was_lost_is_repeated_with_the_same_invitation(self):
        invitation = self.city.invite("east")
        self.assertEqual(self.try_to_join(invitation).code, GOOD)
        (self.folder / "新" / "enrolment").unlink()
        answer = self.try_to_join(invitation)
        self.assertEqual(answer.code, GOOD, answer)
        self.assertIn("east-1", answer.out)

    def test_a_join_that_is_done_already_may_be_repeated_with_its_invitation(self):
        invitation = self.city.invite("east")
        first, again = self.try_to_join(invitation), self.try_to_join(invitation)
        self.assertEqual((again.code, again.out), (GOOD, first.out), again)

    def test_a_folder_joins_once(self):
        self.join(name="新")
        answer = self.try_to_join(self.city.invite("west"))
        self.assertEqual(answer.code, CONFIGURATION, answer)
        self.assertIn("enrolled already, as east-1", answer.err)

    def test_another_server_at_the_address_learns_and_gives_nothing(self):
        invitation = self.city.invite("east")
        self.city.stop()
        other = self.aggregator(name="b")
        other.listen, other.enrol = self.city.listen, self.city.enrol
        other.start()
        answer = self.try_to_join(invitation, "--timeout", "2")
        self.assertEqual(answer.code, UNAVAILABLE, answer)
        self.assertIn("nobody answers", answer.err)
        self.assert_not_enrolled()
        other.stop()
        self.city.start()
        self.assertEqual(self.try_to_join(invitation).code, GOOD)

    def test_nobody_there_is_told_so(self):
        invitation = self.city.invite("east")
        self.city.stop()
        answer = self.try_to_join(invitation, "--timeout", "1")
        self.assertEqual(answer.code, UNAVAILABLE, answer)
        self.assertIn(self.city.enrol, answer.err)

    def test_whoever_has_not_joined_is_told_how_to(self):
        file = self.write(table("A1,2018-05,1,2,3"))
        for words in (("status",), ("check", file), ("push", file, "--approved-by", "张三"), ("run",)):
            answer = parktally.run(parktally.AGENT, *words, data=self.folder / "新")
            self.assertEqual(answer.code, CONFIGURATION, words)
            self.assertIn("park-agent join -", answer.err)


class Pushing(Case):
    def setUp(self):
        super().setUp()
        self.agent = self.join()

    def test_figures_pushed_are_in_the_totals_when_wait_ends(self):
        answer = self.push(self.agent, table("A1,2018-05,10.5,20,3", "A2,2018年5月,1,2,4"), "--wait")
        self.assertIn("of 2 reports sent: 2 counted", answer.out)
        self.assertEqual(self.total("output"), ("11.5", 2))

    def test_without_wait_they_are_sent_too_where_the_city_is_there(self):
        self.push(self.agent, table("A1,2018-05,10.5,20,3"))
        parktally.wait_until(lambda: self.total("output") == ("10.5", 1), "it is counted")

    def test_somebody_must_answer_for_them(self):
        for by in (None, "", "  ", "\u3000"):
            answer = self.push(self.agent, table("A1,2018-05,1,2,3"), code=MISUSED, by=by)
            self.assertIn("[approval.missing]", answer.err)
            self.assertIn("--approved-by", answer.err)
        self.assertEqual(self.status(self.agent)["reports"], 0)
        (self.agent.data / "agent.yaml").write_text("approved_by: 张三\n")
        self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait", by=None)
        self.assertEqual(self.total("output"), ("1.0", 1))

    def test_the_same_file_again_sends_nothing(self):
        text = table("A1,2018-05,1,2,3", "A2,2018-05,4,5,6")
        self.push(self.agent, text, "--wait")
        before = self.status(self.agent)
        answer = self.push(self.agent, text, "--wait")
        self.assertIn("0 reports to be sent, 2 as reported before", answer.out)
        self.assertEqual(self.status(self.agent), before)

    def test_a_changed_file_sends_what_has_changed_and_corrects(self):
        self.push(self.agent, table("A1,2018-05,1,2,3", "A2,2018-05,4,5,6"), "--wait")
        answer = self.push(self.agent, table("A1,2018-05,1,2,3", "A2,2018-05,40,5,6"), "--wait")
        self.assertIn("1 reports to be sent, 1 as reported before", answer.out)
        self.assertEqual(self.total("output"), ("41.0", 2))

    def test_corrections_in_one_go_are_taken_in_order(self):
        paths = [self.write(table(f"A1,2018-05,{n},2,3"), f"{n:02d}.csv") for n in range(1, 31)]
        answer = self.agent.command("push", *paths, "--approved-by", "张三", "--wait", code=GOOD)
        self.assertIn("of 30 reports sent: 30 counted, 0 unchanged, 0 overtaken", answer.out)
        self.assertEqual(self.total("output"), ("30.0", 1))

    def test_columns_that_a_file_does_not_have_keep_their_figures(self):
        self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait")
        self.push(self.agent, table("A1,2018-05,9", header="uscc,period,staff"), "--wait")
        self.assertEqual([self.total(name) for name in ("output", "sales", "staff")], [("1.0", 1), ("2", 1), ("9", 1)])

    def test_a_blank_over_a_figure_is_refused_and_the_figure_stays(self):
        self.push(self.agent, table("A1,2018-05,1,2,3", "A2,2018-05,4,5,6"), "--wait")
        answer = self.push(self.agent, table("A1,2018-05,10,,3", "A2,2018-05,40,5,6"), "--wait", code=BAD)
        self.assertIn("row 2, column D (sales), unit A1 (甲厂): an empty cell over a figure", answer.out)
        self.assertIn("expected 2.", answer.out)
        self.assertEqual(self.total("output"), ("41.0", 2))

    def test_one_figure_is_taken_back(self):
        self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait")
        self.push(self.agent, table("A1,2018-05,1,撤销,3"), "--wait")
        self.assertEqual((self.total("sales"), self.total("output")), (("", 0), ("1.0", 1)))

    def test_a_whole_report_is_taken_back_and_may_come_again(self):
        self.push(self.agent, table("A1,2018-05,1,2,3", "A2,2018-05,4,5,6"), "--wait")
        self.push(self.agent, table("A1,2018-05,整表撤销,,"), "--wait")
        self.assertEqual(self.total("output"), ("4.0", 1))
        self.push(self.agent, table("A1,2018-05,7,,"), "--wait")
        self.assertEqual((self.total("output"), self.total("sales")), (("11.0", 2), ("5", 1)))

    def test_nothing_to_report_is_an_answer(self):
        self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait")
        self.push(self.agent, table("A2,2018-05,本期无数据,,"), "--wait")
        self.assertEqual(self.total("output")[0], "1.0")
        again = self.push(self.agent, table("A2,2018-05,本期无数据,,"), "--wait")
        self.assertIn("0 reports to be sent, 1 as reported before", again.out)

    def test_without_the_city_it_is_durable_and_told_so_and_goes_out_later(self):
        self.city.stop()
        waited = self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait", "--timeout", "1", code=LATER)
        self.assertIn("1 of 1 submissions wait for an answer", waited.out)
        self.assertEqual(self.status(self.agent)["waiting_to_send"], 1)
        self.city.start()
        self.push(self.agent, table("A2,2018-05,4,5,6"), "--wait", name="又.csv")
        self.assertEqual(self.total("output"), ("5.0", 2))
        self.assertEqual(self.status(self.agent)["waiting_to_send"], 0)

    def test_without_the_city_and_without_wait_it_is_done_once_durable(self):
        self.city.stop()
        self.push(self.agent, table("A1,2018-05,1,2,3"), code=GOOD)
        self.city.start()
        self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait", code=GOOD)
        self.assertEqual(self.total("output"), ("1.0", 1))

    def test_check_needs_no_city_and_knows_what_was_reported(self):
        self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait")
        self.city.stop()
        good = self.agent.command("check", self.write(table("A1,2018-05,9,2,3")), code=GOOD)
        self.assertEqual(good.out, "五月.csv: 1 units, 1 good, 0 refused\n")
        bad = self.agent.command("check", self.write(table("A1,2018-05,9,,3", "A2,2018-05,x,,")), code=BAD)
        self.assertIn("[value.blank]", bad.out)
        self.assertIn("[value.text]", bad.out)
        self.assertIn("五月.csv: 2 units, 0 good, 2 refused\n", bad.out)

    def test_a_unit_registered_since_is_known_at_the_next_push(self):
        self.push(self.agent, table("A3,2018-05,1,2,3"), code=BAD)
        self.city.import_register([parktally.unit("A3", "east", name="丁厂")])
        self.push(self.agent, table("A3,2018-05,1,2,3"), "--wait")
        self.assertEqual(self.total("output"), ("1.0", 1))

    def test_two_agents_of_a_park_on_one_report_do_not_overwrite_each_other(self):
        self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait")
        second = self.join(name="第二")
        self.assert_stale(self.push(second, table("A1,2018-05,7,2,3"), "--wait", code=BAD))
        self.assertEqual(self.total("output"), ("1.0", 1))
        self.push(second, table("A1,2018-05,7,2,3"), "--wait")
        self.assertEqual(self.total("output"), ("7.0", 1))
        self.assert_stale(self.push(self.agent, table("A1,2018-05,8,2,3"), "--wait", code=BAD))
        self.assertEqual(self.total("output"), ("7.0", 1))

    def assert_stale(self, answer):
        line = next(line for line in answer.out.splitlines() if "[report.stale]" in line)
        self.assertIn("monthly 2018-05, unit A1 (甲厂): another submission has changed this report since", line)
        self.assertIsNone(re.search("[0-9a-f]{16}", line), "no ids for people")

    def test_an_agent_that_lost_its_outbox_learns_where_it_stands(self):
        text = table("A1,2018-05,1,2,3", "A2,2018-05,4,5,6")
        self.push(self.agent, text, "--wait")
        for path in self.agent.data.glob("outbox.db*"):
            path.unlink()
        first = self.push(self.agent, text, "--wait", code=BAD)
        self.assertRegex(first.out, r"Send the files again.*\[sequence\.reused\]")
        answer = self.push(self.agent, text, "--wait")
        self.assertIn("of 2 reports sent: 0 counted, 2 unchanged", answer.out)
        self.assertIsNone(re.search("[0-9a-f]{16}", answer.out), answer.out)
        self.push(self.agent, table("A1,2018-05,10,2,3"), "--wait")
        self.assertEqual(self.total("output"), ("14.0", 2))

    def test_a_revoked_agent_is_told_so(self):
        self.city.command("revoke", "east-1")
        answer = self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait", "--timeout", "5", code=None)
        self.assertNotEqual(answer.code, GOOD)
        self.assertEqual(self.city.total("east", "2018-05", "output")["reported"], "0")

    def test_status_says_who_we_are_what_waits_and_what_was_counted(self):
        self.push(self.agent, table("A1,2018-05,1,2,3", "A2,2018-05,4,5,6"), "--wait")
        text = self.agent.command("status", code=GOOD).out
        for word in ("east-1", "East park", self.city.listen, "2 counted", "monthly"):
            self.assertIn(word, text)
        found = self.status(self.agent)
        wanted = {"agent": "east-1", "area": "east", "aggregator": self.city.listen, "submissions": 1, "reports": 2,
                  "counted": 2, "waiting_to_send": 0, "answered": 1, "unchanged": 0, "stale": 0, "refused": 0}
        self.assertEqual({key: found[key] for key in wanted}, wanted)
        self.assertIsInstance(found["last_position"], int)
        self.assertEqual(self.agent.command("status", "--format", "xml").code, MISUSED)

    def test_a_configuration_with_mistakes_is_refused_with_their_places(self):
        (self.agent.data / "agent.yaml").write_text("submit_folder: 报送\nreview: 待审\nmappings:\n  - {colums: {}}\n")
        answer = self.push(self.agent, table("A1,2018-05,1,2,3"), code=CONFIGURATION)
        for place in ("agent.yaml:1:", "agent.yaml:2:", "agent.yaml:4:"):
            self.assertIn(place, answer.err)
        self.assertEqual(self.agent.command("check", "--config", self.agent.data / "agent.yaml").code, CONFIGURATION)


class Service(Case):
    def setUp(self):
        super().setUp()
        self.agent = self.join()
        self.review, self.submit = self.folder / "待审", self.folder / "报送"
        (self.agent.data / "agent.yaml").write_text(json.dumps({
            "review_folder": str(self.review), "submit_folder": str(self.submit), "approved_by": "张三"}))
        self.service = None
        self.addCleanup(self.end)

    def log(self):
        return (self.folder / "服务.log").read_text()

    def begin(self, env=None):
        with open(self.folder / "服务.log", "ab") as log:
            already = log.tell()
            self.service = subprocess.Popen([parktally.AGENT, "run", "--data", self.agent.data], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=env or parktally.environment())
        parktally.wait_until(lambda: "run.ready" in self.log().encode()[already:].decode(), "the service is ready")

    def end(self):
        if self.service and self.service.poll() is None:
            self.service.kill()
            self.service.wait()

    def stop(self):
        self.service.send_signal(signal.SIGTERM)
        return self.service.wait(parktally.PATIENCE)

    def put(self, folder, text, name="五月.csv"):
        """As a careful program does it: under another name first."""
        temporary = folder / f".{name}.tmp"
        temporary.write_bytes(text if isinstance(text, bytes) else text.encode())
        temporary.rename(folder / name)

    def result(self, folder, kind, name="五月.csv"):
        """Waits for the file in done/ or refused/; the findings beside it, without BOM."""
        path = folder / kind / name

        def moved():
            ended = self.service.poll()
            if ended is not None:
                raise AssertionError(f"the service ended with {ended}: {self.log()}")
            return path.exists()

        parktally.wait_until(moved, f"{path} is there: {sorted(folder.rglob('*'))}")
        self.assertFalse((folder / name).exists())
        findings = list(path.parent.glob(f"{name}*.txt")) + list(path.parent.glob(f"{name}.*"))
        self.assertEqual(len(set(findings)), 1, findings)
        data = findings[0].read_bytes()
        self.assertTrue(data.startswith(b"\xef\xbb\xbf"), "spreadsheets and editors must see that it is UTF-8")
        return data.decode("utf-8-sig")

    def test_a_file_for_review_is_checked_and_not_sent(self):
        self.begin()
        self.put(self.review, table("A1,2018-05,1,2,3"))
        self.assertIn("was checked and not sent", self.result(self.review, "done"))
        self.put(self.review, table("A1,2018-05,x,2,3", "A2,2018-05,1,1,1"), "六月.csv")
        findings = self.result(self.review, "refused", "六月.csv")
        self.assertIn("六月.csv, row 2, column C (output)", findings)
        self.assertIn("[value.text]", findings)
        self.assertEqual(self.total("output"), ("", 0))
        self.assertEqual(self.status(self.agent)["submissions"], 0)
        self.assertEqual(self.stop(), GOOD)

    def test_a_file_to_be_sent_is_sent_and_moved_to_done(self):
        self.begin()
        self.put(self.submit, table("A1,2018-05,1,2,3", "A2,2018-05,4,5,6"))
        self.assertIn("2 reports are sent", self.result(self.submit, "done"))
        parktally.wait_until(lambda: self.total("output") == ("5.0", 2), "it is counted")
        self.put(self.submit, table("A1,2018-05,10,2,3"), "更正.csv")
        self.result(self.submit, "done", "更正.csv")
        parktally.wait_until(lambda: self.total("output") == ("14.0", 2), "the correction is counted")
        self.assertEqual(self.stop(), GOOD)

    def test_bad_rows_go_to_refused_with_their_findings_and_good_ones_count(self):
        self.begin()
        self.put(self.submit, table("A1,2018-05,1.25,2,3", "A2,2018-05,4,5,6", "W1,2018-05,1,1,1"))
        findings = self.result(self.submit, "refused")
        for word in ("row 2, column C (output), unit A1", "[value.decimals]", "row 4, column A (uscc), unit W1",
                     "1 reports are sent", "2 were refused"):
            self.assertIn(word, findings)
        parktally.wait_until(lambda: self.total("output") == ("4.0", 1), "the good row is counted")

    def test_files_that_cannot_be_read_are_refused_whole(self):
        self.begin()
        for name, data, code in (("断.csv", b"uscc,period,output\nA1,2018-05", "file.cut"), ("空.csv", b"", "file.empty"),
                                 ("图.csv", b"\x89PNG\0", "file.binary"), ("表.xlsx", b"PK\x03\x04", ".csv"),
                                 ("无名", b"uscc,period,output\nA1,2018-05,1\n", ".csv")):
            with self.subTest(name):
                self.put(self.submit, data, name)
                findings = self.result(self.submit, "refused", name)
                self.assertIn("refused as a whole; nothing of it was sent", findings)
                self.assertIn(code, findings)
        self.assertEqual(self.status(self.agent)["submissions"], 0)

    def test_the_same_name_again_overwrites_nothing(self):
        self.begin()
        self.put(self.submit, table("A1,2018-05,1,2,3"))
        self.result(self.submit, "done")
        self.put(self.submit, table("A1,2018-05,2,2,3"))
        files = lambda: sorted(path.name for path in (self.submit / "done").iterdir() if path.suffix == ".csv")
        parktally.wait_until(lambda: len(files()) == 2, "both are in done/")
        self.assertEqual((self.submit / "done" / "五月.csv").read_text(), table("A1,2018-05,1,2,3"))
        parktally.wait_until(lambda: self.total("output") == ("2.0", 1), "the second is counted")

    def test_a_file_that_is_still_being_written_is_left_alone_until_it_is_closed(self):
        self.submit.mkdir()
        with open(self.submit / "慢.csv", "w") as file:
            file.write(HEADER + "\nA1,2018-05,1,2,3\n")
            file.flush()
            self.begin()
            self.put(self.submit, table("A2,2018-05,4,5,6"))

            written = time.monotonic()

            def goes_on():
                nonlocal written
                if time.monotonic() > written + 1:
                    file.write("\n")
                    file.flush()
                    written = time.monotonic()
                return (self.submit / "done" / "五月.csv").exists()

            parktally.wait_until(goes_on, "the other file is done")
            self.assertTrue((self.submit / "慢.csv").exists())
            file.write("W1,2018-05,1,1,1\n")
        self.assertIn("[unit.unknown]", self.result(self.submit, "refused", "慢.csv"))

    def test_what_came_while_the_service_was_away_is_handled_at_its_start(self):
        self.begin()
        self.assertEqual(self.stop(), GOOD)
        self.put(self.submit, table("A1,2018-05,1,2,3"))
        self.begin()
        self.result(self.submit, "done")
        parktally.wait_until(lambda: self.total("output") == ("1.0", 1), "it is counted")

    def test_without_the_city_files_are_durable_and_counted_when_it_is_back(self):
        self.city.stop()
        self.begin()
        self.put(self.submit, table("A1,2018-05,1,2,3"))
        self.result(self.submit, "done")
        self.assertEqual(self.stop(), GOOD)
        self.assertEqual(self.status(self.agent)["waiting_to_send"], 1)
        self.city.start()
        self.begin()
        parktally.wait_until(lambda: self.total("output") == ("1.0", 1), "it is counted")

    def test_what_the_city_does_not_count_moves_from_done_to_refused(self):
        self.join(name="第二").command("push", self.write(table("A1,2018-05,7,2,3")), "--approved-by", "李四", "--wait",
                                     code=GOOD)
        self.begin()
        self.put(self.submit, table("A1,2018-05,1,2,3", "A2,2018-05,4,5,6"))
        findings = self.result(self.submit, "refused")
        self.assertIn("The city did not count: monthly 2018-05, unit A1", findings)
        self.assertIn("[report.stale]", findings)
        self.assertFalse((self.submit / "done" / "五月.csv").exists())
        self.assertEqual(self.total("output"), ("11.0", 2))

    def test_a_push_beside_the_service_is_sent_by_the_service(self):
        self.begin()
        self.push(self.agent, table("A1,2018-05,1,2,3"), "--wait", name="手工.csv")
        self.assertEqual(self.total("output"), ("1.0", 1))

    def test_a_second_service_in_the_same_folder_ends_or_waits_without_harm(self):
        self.begin()
        self.put(self.submit, table("A1,2018-05,1,2,3"))
        self.result(self.submit, "done")
        second = self.agent.start("run")
        try:
            self.put(self.submit, table("A2,2018-05,4,5,6"), "六月.csv")
            parktally.wait_until(lambda: self.total("output") == ("5.0", 2), "each file is counted once")
        finally:
            second.kill()
            second.communicate()

    def test_it_ends_at_once_when_asked_to(self):
        self.begin()
        self.assertEqual(self.stop(), GOOD)
        self.begin()
        self.service.send_signal(signal.SIGINT)
        self.assertEqual(self.service.wait(parktally.PATIENCE), GOOD)

    def test_findings_are_in_the_language_of_the_service(self):
        if not has_chinese():
            self.skipTest("translations are not built")
        self.begin(parktally.environment(LANGUAGE="zh_CN"))
        self.put(self.submit, table("A1,2018-05,x,2,3"))
        findings = self.result(self.submit, "refused")
        self.assertRegex(findings, CHINESE)
        self.assertNotIn("row", findings)


def has_chinese():
    return (parktally.BUILD / "po" / "zh_CN" / "LC_MESSAGES" / "parktally.mo").exists()


@unittest.skipUnless(has_chinese(), "translations are not built")
class Chinese(Case):
    """What a Chinese clerk reads has no English sentence in it."""

    ENGLISH = re.compile(r"\b(the|this|that|is|not|row|column|unit|found|expected|reports?|write|correct|refused|good|units)\b")

    def setUp(self):
        super().setUp()
        self.agent = self.join()
        self.env = parktally.environment(LANGUAGE="zh_CN")

    def ask(self, *words, code):
        answer = parktally.run(parktally.AGENT, *words, data=self.agent.data, env=self.env)
        self.assertEqual(answer.code, code, answer)
        text = answer.out + answer.err
        self.assertRegex(text, CHINESE)
        plain = re.sub(r"\[[a-z.-]+\]|“[^”]*”|\([a-z]+\)", "", text)
        self.assertIsNone(self.ENGLISH.search(plain), plain)
        return text

    def test_findings(self):
        text = self.ask("check", self.write(table("A1,2018-05,1.25,x,3", "W1,2018-13,1,2,3", "A2,2018-05,1,2")), code=BAD)
        for code in ("value.decimals", "value.text", "period.shape", "row.short"):
            self.assertIn(f"[{code}]", text)
        self.assertIn("五月.csv", text)

    def test_files_refused_whole(self):
        for name, content in (("空.csv", ""), ("断.csv", 'uscc,period,output\nA1,2018-05,"1'), ("列.csv", table("1", header="甲"))):
            self.ask("check", self.write(content, name), code=BAD)
        self.ask("check", self.folder / "没有.csv", code=74)

    def test_push_and_status(self):
        self.ask("push", self.write(table("A1,2018-05,1,2,3")), "--approved-by", "张三", "--wait", code=GOOD)
        self.ask("push", self.write(table("A1,2018-05,1,,3")), "--approved-by", "张三", "--wait", code=BAD)
        text = self.ask("status", code=GOOD)
        self.assertIn("东园", text)

    def test_help_and_misuse(self):
        self.ask("push", self.write(table("A1,2018-05,1,2,3")), code=MISUSED)
        text = parktally.run(parktally.AGENT, "--help", env=self.env).out
        self.assertRegex(text, CHINESE)


if __name__ == "__main__":
    unittest.main()
