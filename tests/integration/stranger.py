"""An agent written from proto/README.md alone: nothing of Parktally's own code is used, only the messages' .proto."""

import base64
import hashlib
import importlib
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import parktally

try:
    import zmq
    import zmq.utils.z85
    from nacl.bindings import crypto_scalarmult_base
    from nacl.exceptions import BadSignatureError
    from nacl.signing import SigningKey, VerifyKey
    from zmq.utils import monitor
except ImportError as missing:
    parktally.skip_program(f"python3-zmq and python3-nacl are needed: {missing}")


def _messages():
    """The protobuf classes, made from the .proto at run time."""
    try:
        importlib.import_module("google.protobuf")
    except ImportError as missing:
        parktally.skip_program(f"python3-protobuf is needed: {missing}")
    with tempfile.TemporaryDirectory() as folder:
        proto = pathlib.Path(__file__).resolve().parents[2] / "proto"
        subprocess.run(["protoc", f"--proto_path={proto}", f"--python_out={folder}", "parktally.proto"], check=True)
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("parktally_pb2")
        finally:
            sys.path.remove(folder)


pb = _messages()

FRAME_BYTES = 266240
SEALED_BYTES = 262144
CHUNK_BYTES = 196608
SUBMISSION, RECEIPT, MANIFEST, CERTIFICATE, ACT, RETURN, KEY = 1, 2, 3, 4, 5, 9, 10
KEYS_SHOWN = 8
SILENCE = 30  # seconds
INVITATION_PREFIX = "parktally-invitation:1:"
CONTEXT = zmq.Context.instance()
CONTEXT.max_sockets = 4096

VERDICTS = {pb.VERDICT_COUNTED: "counted", pb.VERDICT_UNCHANGED: "unchanged", pb.VERDICT_STALE: "stale",
            pb.VERDICT_WAITING: "waiting", pb.VERDICT_REFUSED: "refused"}


class Refused(Exception):
    """The aggregator answered with a Fault."""

    def __init__(self, fault):
        super().__init__(f"{fault.code}: {fault.text}")
        self.code, self.text, self.id = fault.code, fault.text, fault.id


class Silent(Exception):
    """Nothing came for as long as one waits."""


# --- bytes ---

def digest(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def now_ms():
    return time.time_ns() // 1000000


def seal(label, payload, key):
    head = b"PTLY" + bytes([1, label, 0, 0]) + digest(bytes(key.verify_key))
    return head + key.sign(head + digest(payload)).signature + payload


def open_seal(label, sealed, sign_key):
    """The payload; ValueError unless the seal is by that key."""
    if len(sealed) < 104 or sealed[:8] != b"PTLY" + bytes([1, label, 0, 0]):
        raise ValueError("no such seal")
    if sealed[8:40] != digest(sign_key):
        raise ValueError("sealed by another key")
    payload = sealed[104:]
    try:
        VerifyKey(sign_key).verify(sealed[:40] + digest(payload), sealed[40:104])
    except BadSignatureError as bad:
        raise ValueError("forged") from bad
    return payload


def read_invitation(text):
    text = "".join(text.split())
    if not text.startswith(INVITATION_PREFIX) or len(text) > 2048:
        raise ValueError("no invitation")
    encoded = text[len(INVITATION_PREFIX):]
    data = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    if data[-6:-4] != b"\x3a\x04" or data[-4:] != digest(data[:-6])[:4]:
        raise ValueError("a slip in copying")
    return pb.Invitation.FromString(data)


class Keys:
    def __init__(self):
        _, secret = zmq.curve_keypair()
        self.curve_secret = zmq.utils.z85.decode(secret)
        self.curve_public = crypto_scalarmult_base(self.curve_secret)
        self.sign = SigningKey.generate()

    @property
    def sign_public(self):
        return bytes(self.sign.verify_key)


def key_change(before, after, consenting=None, **fields):
    """A sealed KeyChange from one signing key to new Keys; `fields` may replace what stands in it."""
    said = b"parktally-key-1" + digest(bytes(before.verify_key)) + after.curve_public + after.sign_public
    change = pb.KeyChange(curve_key=after.curve_public, sign_key=after.sign_public, changed_at_ms=now_ms(),
                          consent=(consenting or after.sign).sign(said).signature)
    for name, value in fields.items():
        setattr(change, name, value)
    return seal(KEY, change.SerializeToString(), before)


# --- transport ---

def set_options(socket, longest=FRAME_BYTES + 33):
    """What README.md tells to set before connecting."""
    socket.linger = 0
    socket.setsockopt(zmq.MAXMSGSIZE, longest)
    socket.setsockopt(zmq.HANDSHAKE_IVL, 5000)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 15000)
    socket.setsockopt(zmq.RECONNECT_IVL, 200)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 30000)
    socket.setsockopt(zmq.IPV6, 1)


def dealer(endpoint, keys, server_key):
    socket = CONTEXT.socket(zmq.DEALER)
    set_options(socket)
    socket.curve_publickey = zmq.utils.z85.encode(keys.curve_public)
    socket.curve_secretkey = zmq.utils.z85.encode(keys.curve_secret)
    socket.curve_serverkey = zmq.utils.z85.encode(server_key)
    socket.connect(endpoint)
    return socket


def receive(socket, seconds=SILENCE):
    if not socket.poll(int(seconds * 1000)):
        raise Silent(f"nothing in {seconds} s")
    parts = socket.recv_multipart()
    if len(parts) != 1:
        raise ValueError(f"a message of {len(parts)} parts")
    if len(parts[0]) > FRAME_BYTES:
        raise ValueError(f"a frame of {len(parts[0])} bytes")
    return pb.Frame.FromString(parts[0])


class Watch:
    """The events of a socket's connection. Made before it connects."""

    def __init__(self, socket):
        self.watched = socket
        self.socket = socket.get_monitor_socket()

    def wait_for(self, *events, seconds=parktally.PATIENCE):
        """All events up to and with the first of those asked for."""
        seen = []
        end = time.monotonic() + seconds
        while not seen or seen[-1] not in events:
            left = end - time.monotonic()
            if left <= 0 or not self.socket.poll(int(left * 1000)):
                raise AssertionError(f"none of {events} came, but {seen}")
            seen.append(zmq.Event(monitor.recv_monitor_message(self.socket)["event"]))
        return seen

    def close(self):
        self.watched.disable_monitor()
        self.socket.close(0)


# --- the agent ---

def join_record(invitation, keys):
    record = invitation.secret + keys.curve_public + keys.sign_public
    return record + keys.sign.sign(b"parktally-join-1" + record).signature


def ask_to_join(invitation, record, keys, seconds=SILENCE):
    """The frame that answers whatever is sent to the enrolment endpoint."""
    socket = dealer(invitation.enrol_endpoint, keys, invitation.curve_key)
    try:
        socket.send(record)
        return receive(socket, seconds)
    finally:
        socket.close()


class Report:
    """One unit's answer; values by column, scaled."""

    def __init__(self, unit, values=None, base=b"", withdrawn=(), kind=pb.REPORT_FIGURES):
        self.unit, self.values, self.base = unit, dict(values or {}), base
        self.withdrawn, self.kind = set(withdrawn), kind


def _bits(columns, chosen):
    bits = 0
    for number, column in enumerate(columns):
        if column in chosen:
            bits |= 1 << number
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


class Stranger:
    def __init__(self, invitation_text, keys=None, endpoints=None):
        """Joins at once. `endpoints` replaces those of the invitation."""
        self.invitation = read_invitation(invitation_text)
        if endpoints:
            self.invitation.endpoint, self.invitation.enrol_endpoint = endpoints
        self.keys = keys or Keys()
        self.key_changes = []
        self.sequence = 0
        self.socket = None
        self.credit = 0
        self.catalogue_hash = self.register_hash = b""
        self.documents = {}
        self.heads = {}  # size of a tree → its root
        self.join()

    def join(self):
        frame = ask_to_join(self.invitation, join_record(self.invitation, self.keys), self.keys)
        if frame.HasField("fault"):
            raise Refused(frame.fault)
        self.sealed_certificate = frame.certificate
        payload = open_seal(CERTIFICATE, frame.certificate, self.invitation.sign_key)
        self.certificate = pb.Certificate.FromString(payload)
        if (self.certificate.curve_key, self.certificate.sign_key) != (self.keys.curve_public, self.keys.sign_public):
            raise ValueError("somebody else's certificate")
        self.id = self.certificate.agent

    def rotate(self, reason=""):
        """New keys, shown where agents enrol: from here on they seal and connect."""
        keys = Keys()
        changes = [*self.key_changes, key_change(self.keys.sign, keys, agent=self.id, until=self.sequence, by="stranger", reason=reason)]
        record = pb.Return(certificate=self.sealed_certificate, key_change=changes[-KEYS_SHOWN:])
        frame = ask_to_join(self.invitation, seal(RETURN, record.SerializeToString(), keys.sign), keys)
        if frame.HasField("fault"):
            raise Refused(frame.fault)
        if frame.certificate != self.sealed_certificate:
            raise ValueError("another certificate")
        self.keys, self.key_changes = keys, changes
        self.close()
        return self

    # --- the conversation ---

    def open(self):
        self.close()
        self.socket = dealer(self.invitation.endpoint, self.keys, self.invitation.curve_key)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, **body):
        self.socket.send(pb.Frame(protocol=1, **body).SerializeToString())

    def expect(self, *kinds, seconds=SILENCE):
        """The next frame of one of these kinds; a Fault that is not asked for is raised."""
        while True:
            frame = receive(self.socket, seconds)
            kind = frame.WhichOneof("body")
            if kind in kinds:
                return frame
            if kind == "fault":
                raise Refused(frame.fault)
            if kind == "welcome":
                self.take_welcome(frame.welcome)

    def take_welcome(self, welcome):
        self.credit = welcome.credit
        self.welcome = welcome

    def hello(self, seconds=SILENCE):
        self.send(hello=pb.Hello(agent=self.id, software="stranger", clock_ms=now_ms(),
                                 catalogue_hash=self.catalogue_hash, register_hash=self.register_hash))
        self.take_welcome(self.expect("welcome", seconds=seconds).welcome)
        return self.welcome

    def connect(self):
        """A new socket, greeted, with the documents in force."""
        self.open()
        self.hello()
        self.refresh()
        return self

    def refresh(self):
        if self.welcome.catalogue_hash != self.catalogue_hash:
            self.catalogue_hash = self.fetch(pb.DOCUMENT_CATALOGUE)
        if self.welcome.register_hash != self.register_hash:
            self.register_hash = self.fetch(pb.DOCUMENT_REGISTER)

    def manifest(self, kind):
        self.send(document_request=pb.DocumentRequest(kind=kind))
        sealed = self.expect("document").document.manifest
        manifest = pb.Manifest.FromString(open_seal(MANIFEST, sealed, self.invitation.sign_key))
        if manifest.kind != kind or len(manifest.chunk) != -(-manifest.size // CHUNK_BYTES):
            raise ValueError("a manifest of something else")
        if kind == pb.DOCUMENT_REGISTER and manifest.area != self.certificate.area:
            raise ValueError("the register of another area")
        return manifest

    def chunk(self, kind, whole, index):
        self.send(chunk_request=pb.ChunkRequest(kind=kind, hash=whole, index=index))
        return self.expect("chunk").chunk

    def fetch(self, kind):
        """Fetches a document and returns its hash."""
        manifest = self.manifest(kind)
        whole = b""
        for index, expected in enumerate(manifest.chunk):
            chunk = self.chunk(kind, manifest.hash, index)
            if (chunk.hash, chunk.index) != (manifest.hash, index) or digest(chunk.data) != expected:
                raise ValueError("a damaged chunk")
            whole += chunk.data
        if len(whole) != manifest.size or digest(whole) != manifest.hash:
            raise ValueError("a damaged document")
        self.documents[kind] = whole
        return manifest.hash

    # --- submissions ---

    def make(self, form, period, reports, columns=None, **changes):
        """A submission's message, numbered. Reports come in any order."""
        reports = sorted(reports, key=lambda report: report.unit.encode())
        columns = columns or sorted({column for report in reports for column in [*report.values, *report.withdrawn]})
        self.sequence += 1
        submission = pb.Submission(
            agent=self.id, sequence=self.sequence, catalogue_hash=self.catalogue_hash, form=form, period=period,
            approved_by="李明", approved_at_ms=now_ms(), responsible="王芳", created_at_ms=now_ms(), indicator=columns)
        for report in reports:
            submission.report.add(
                unit=report.unit, kind=report.kind, base_id=report.base, present=_bits(columns, report.values),
                withdrawn=_bits(columns, report.withdrawn),
                value=[report.values[column] for column in columns if column in report.values])
        for name, value in changes.items():
            setattr(submission, name, value)
        return submission

    def seal(self, submission, key=None):
        payload = submission.SerializeToString() if isinstance(submission, pb.Submission) else submission
        return seal(SUBMISSION, payload, key or self.keys.sign)

    def sealed(self, form, period, reports, **options):
        return self.seal(self.make(form, period, reports, **options))

    def submit(self, sealed, id_=None):
        """Sends one submission and returns its id; the answer is still to come."""
        id_ = digest(sealed[104:]) if id_ is None else id_
        self.send(submit=pb.Submit(id=id_, sealed=sealed))
        return id_

    def read_receipt(self, sealed):
        receipt = pb.Receipt.FromString(open_seal(RECEIPT, sealed, self.invitation.sign_key))
        if receipt.position >= receipt.head.size:
            raise ValueError("a receipt from outside its tree")
        if self.heads.setdefault(receipt.head.size, receipt.head.root) != receipt.head.root:
            raise ValueError("two trees of the same size differ")
        counts = [receipt.counted, receipt.unchanged, receipt.stale, receipt.waiting, receipt.refused]
        if receipt.refusals != sum(counts) - receipt.counted or len(receipt.refusal) != min(receipt.refusals, 500):
            raise ValueError("a receipt that does not add up")
        return receipt

    def receipt_bytes(self, sealed):
        """Sends one submission and returns the sealed receipt as it came. Raises Refused."""
        id_ = self.submit(sealed)
        while True:
            frame = self.expect("receipt", "busy", "fault")
            if frame.HasField("fault"):
                raise Refused(frame.fault)
            if frame.HasField("receipt") and self.read_receipt(frame.receipt).submission == id_:
                return frame.receipt

    def report(self, form, period, reports, **options):
        """Seals, sends, and returns (id, receipt)."""
        sealed = self.sealed(form, period, reports, **options)
        return digest(sealed[104:]), self.read_receipt(self.receipt_bytes(sealed))

    def asked_at(self, number):
        """When the inquiry was asked that has this number on this area's list; 0: there is none."""
        return next((inquiry.asked_at_ms for inquiry in self.state()[0] if inquiry.number == number), 0)

    def sealed_act(self, inquiry, **answer):
        answer = {"inquiry": inquiry, "asked_at_ms": self.asked_at(inquiry)} | answer
        self.sequence += 1
        act = pb.Act(agent=self.id, sequence=self.sequence, created_at_ms=now_ms(), answer=pb.Answer(**answer))
        return seal(ACT, act.SerializeToString(), self.keys.sign)

    def act(self, **answer):
        """Seals an answer to an inquiry, sends it, and returns (sealed, receipt)."""
        sealed = self.sealed_act(**answer)
        return sealed, self.read_receipt(self.receipt_bytes(sealed))

    def pages(self):
        """What this area is told: lists by kind of item."""
        kinds = ("inquiry", "consent", "application", "agent")
        lists = {kind: [] for kind in kinds}
        from_ = 0
        while True:
            self.send(state_request=pb.StateRequest(**{"from": from_}))
            page = self.expect("state_page").state_page
            for kind in kinds:
                lists[kind] += getattr(page, kind)
            from_ = page.next
            if from_ == 0:
                return lists

    def state(self):
        """What the city asks this area, and what it consented to: (inquiries, consents)."""
        lists = self.pages()
        return lists["inquiry"], lists["consent"]

    def agents(self):
        """The agents of this area by id."""
        return {item.agent: item for item in self.pages()["agent"]}

    def sealed_admission(self, agent, key_id, reason="", approved_by="李四"):
        self.sequence += 1
        act = pb.Act(agent=self.id, sequence=self.sequence, created_at_ms=now_ms(),
                     admission=pb.Admission(agent=agent, key_id=key_id, reason=reason, approved_by=approved_by))
        return seal(ACT, act.SerializeToString(), self.keys.sign)

    def admit(self, agent):
        """Lets an agent of this area in that waits, by the key that the city says it has."""
        was_open = self.socket is not None
        if not was_open:
            self.connect()
        sealed = self.sealed_admission(agent, self.agents()[agent].key_id)
        receipt = self.read_receipt(self.receipt_bytes(sealed))
        if not was_open:
            self.close()
        if receipt.counted != 1:
            raise ValueError(receipt.refusal)

    def refusals(self, id_, offset=0):
        self.send(refusal_request=pb.RefusalRequest(id=id_, offset=offset))
        return self.expect("refusal_page").refusal_page

    def deliver(self, all_sealed, silence=SILENCE, stop=None, took=None):
        """Sends all of them until each is answered, by as many connections as it takes. `took(id, answer)` is
        called for each receipt's bytes or Fault; `stop()` ends it early. Returns the answers by id."""
        waiting = {digest(sealed[104:]): sealed for sealed in all_sealed}
        answers, flying, resting = {}, set(), {}
        if not self.socket:
            self.reopen(stop)
        heard = time.monotonic()
        while waiting and not (stop and stop()):
            for id_, sealed in waiting.items():
                if len(flying) >= self.credit:
                    break
                if id_ not in flying and resting.get(id_, 0) <= time.monotonic():
                    if not flying:
                        heard = time.monotonic()
                    self.submit(sealed, id_)
                    flying.add(id_)
            if not self.socket.poll(20):
                if flying and time.monotonic() - heard > silence:
                    flying.clear()
                    self.reopen(stop)
                    heard = time.monotonic()
                continue
            heard = time.monotonic()
            frame = receive(self.socket)
            kind = frame.WhichOneof("body")
            if kind == "welcome":
                self.take_welcome(frame.welcome)
                continue
            if kind == "receipt":
                id_, answer = self.read_receipt(frame.receipt).submission, frame.receipt
            elif kind == "busy":
                id_, answer = frame.busy.id, None
                resting[id_] = time.monotonic() + frame.busy.retry_after_ms * random.uniform(1, 1.5) / 1000
            elif kind == "fault":
                id_, answer = frame.fault.id, Refused(frame.fault)
            else:
                continue
            flying.discard(id_)
            if answer is not None and id_ in waiting:
                answers[id_] = answer
                del waiting[id_]
                if took:
                    took(id_, answer)
        return answers

    def reopen(self, stop=None):
        """A new socket, until it is welcomed."""
        while not (stop and stop()):
            self.open()
            try:
                self.hello(seconds=1)
                return
            except Silent:
                continue

    def admit_all(self):
        """Whoever waits in this area."""
        for item in self.agents().values():
            if item.state == pb.AGENT_WAITING:
                self.admit(item.agent)


def enrol(city, area, *options):
    """A stranger with rights, connected."""
    agent = Stranger(city.invite(area, *options)).connect()
    city.let_in(area, agent, agent.welcome.waiting)
    return agent
