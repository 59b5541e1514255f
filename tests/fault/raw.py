"""A peer of ZMTP 3 with CURVE on a bare socket, written from RFC 23 and RFC 26: it says what no library would."""

import socket
import struct

from nacl.public import Box, PrivateKey, PublicKey
from nacl.utils import random as random_bytes

MORE, COMMAND = 1, 2           # inside the encryption
LONG, OUTER_COMMAND = 2, 4     # outside
GREETING = b"\xff" + bytes(7) + b"\x01\x7f\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)


def frame(content, flags=0):
    if len(content) < 256:
        return bytes((flags, len(content))) + content
    return bytes((flags | LONG,)) + struct.pack(">Q", len(content)) + content


def connect(endpoint, source=None, timeout=10):
    """A TCP connection, from an address of this machine."""
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout, (source, 0) if source else None)


class RawPeer:
    def __init__(self, endpoint, server_key, secret_key, source=None):
        """`server_key` and `secret_key` are 32 raw bytes. Nothing is said yet."""
        self.socket = connect(endpoint, source)
        self.server, self.own = PublicKey(server_key), PrivateKey(secret_key)
        self.short = PrivateKey.generate()
        self.nonce = 0
        self.heard = b""

    def close(self):
        self.socket.close()

    def read(self, size):
        while len(self.heard) < size:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionResetError("hung up")
            self.heard += data
        taken, self.heard = self.heard[:size], self.heard[size:]
        return taken

    def read_frame(self):
        flags, size = self.read(2)
        if flags & LONG:
            size = int.from_bytes(bytes((size,)) + self.read(7), "big")
        return self.read(size)

    def next_nonce(self):
        self.nonce += 1
        return struct.pack(">Q", self.nonce)

    def hello(self):
        nonce = self.next_nonce()
        box = Box(self.short, self.server).encrypt(bytes(64), b"CurveZMQHELLO---" + nonce).ciphertext
        return frame(b"\x05HELLO\x01\x00" + bytes(72) + bytes(self.short.public_key) + nonce + box, OUTER_COMMAND)

    def greet(self):
        """The greeting and HELLO, up to WELCOME."""
        self.socket.sendall(GREETING + self.hello())
        self.read(64)
        welcome = self.read_frame()
        assert welcome.startswith(b"\x07WELCOME"), welcome
        opened = Box(self.short, self.server).decrypt(welcome[24:], b"WELCOME-" + welcome[8:24])
        self.peer, self.cookie = PublicKey(opened[:32]), opened[32:]
        self.box = Box(self.short, self.peer)
        return self

    def initiate(self):
        nonce, vouch_nonce = self.next_nonce(), random_bytes(16)
        vouch = Box(self.own, self.peer).encrypt(bytes(self.short.public_key) + bytes(self.server), b"VOUCH---" + vouch_nonce)
        metadata = b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER" + b"\x08Identity" + struct.pack(">I", 0)
        box = self.box.encrypt(bytes(self.own.public_key) + vouch_nonce + vouch.ciphertext + metadata,
                               b"CurveZMQINITIATE" + nonce).ciphertext
        return frame(b"\x08INITIATE" + self.cookie + nonce + box, OUTER_COMMAND)

    def shake_hands(self):
        """All of it: messages may follow."""
        self.greet()
        self.socket.sendall(self.initiate())
        ready = self.read_frame()
        assert ready.startswith(b"\x05READY"), ready
        return self

    def message(self, content, flags=0):
        nonce = self.next_nonce()
        box = self.box.encrypt(bytes((flags,)) + content, b"CurveZMQMESSAGEC" + nonce).ciphertext
        return frame(b"\x07MESSAGE" + nonce + box)

    def send(self, content, flags=0):
        self.socket.sendall(self.message(content, flags))

    def is_cut(self, seconds):
        """Whether the other side hangs up within that time; what it says meanwhile is dropped."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True
