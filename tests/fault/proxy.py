"""A TCP proxy that knows where ZMTP's frames begin and end, and breaks connections there.

Frames have lengths that can be read even where CURVE hides what is in them, so a place in a conversation is a number of
bytes in one direction. What breaks, and where, is a fault: one object, for one connection. A fault may also let bytes
wait, which then arrive even if who sent them has hung up."""

import collections
import contextlib
import select
import socket
import threading
import time

UP, DOWN = "up", "down"  # to the server, from it
GREETING = 64            # bytes of ZMTP before the first frame
MORE, LONG, COMMAND = 1, 2, 4
PIECE = 65536


class Stream:
    """What passed in one direction: how many bytes, and the frames that are complete, each (start, end, is_command)."""

    def __init__(self):
        self.passed = 0
        self.frames = []
        self.rest = b""

    def take(self, data):
        self.passed += len(data)
        self.rest += data
        while True:
            start = self.frames[-1][1] if self.frames else GREETING
            head = self.rest[GREETING:] if not self.frames else self.rest
            size = 9 if head and head[0] & LONG else 2
            if len(head) < size:
                return
            end = start + size + int.from_bytes(head[1:size], "big")
            if self.passed < end:
                return
            self.rest = self.rest[len(self.rest) - (self.passed - end):] if self.passed > end else b""
            self.frames.append((start, end, bool(head[0] & COMMAND)))

    def messages(self):
        """The frames that are no commands of ZMTP's own."""
        return [frame for frame in self.frames if not frame[2]]


class Whole:
    """No fault."""

    done = True
    most = 1 << 20  # bytes that wait in a direction before no more are read

    def take(self, connection, direction, data):
        """What of the data is passed on, and whether the connection is cut after it."""
        return data, False

    def schedule(self, connection, direction, data, now):
        """When what is passed on goes, and in what pieces. Called right after take()."""
        yield now, data


class CutAt(Whole):
    """Cuts both ways once so many bytes went in one direction."""

    def __init__(self, direction, offset):
        self.direction, self.offset, self.done = direction, offset, False

    def take(self, connection, direction, data):
        left = self.offset - connection.streams[direction].passed
        if direction != self.direction or len(data) < left:
            return data, False
        self.done = True
        return data[:left], True

    def __repr__(self):
        return f"cut at byte {self.offset} {self.direction}"


class LoseAnswers(Whole):
    """Passes so many messages of the server on, Welcome included, swallows so many whole ones, and cuts then."""

    def __init__(self, passed, lost):
        self.most, self.lost, self.done = passed, lost, False
        self.heard = Stream()  # what the server said, passed on or not

    def take(self, connection, direction, data):
        if direction == UP:
            return data, False
        before = self.heard.passed
        self.heard.take(data)
        messages = self.heard.messages()
        if len(messages) <= self.most:
            return data, False
        self.done = len(messages) >= self.most + self.lost
        return data[:max(0, messages[self.most][0] - before)], self.done


class Silence(Whole):
    """Swallows what goes in one direction after so many bytes, and cuts nothing."""

    def __init__(self, direction, offset):
        self.direction, self.offset, self.done = direction, offset, False

    def take(self, connection, direction, data):
        left = self.offset - connection.streams[direction].passed
        if direction != self.direction or len(data) < left:
            return data, False
        self.done = True
        return data[:max(0, left)], False


class Delay(Whole):
    """Each byte is so many seconds late."""

    def __init__(self, seconds):
        self.seconds = seconds

    def schedule(self, connection, direction, data, now):
        yield now + self.seconds, data


class Throttle(Whole):
    """So many bytes a second in each direction."""

    most = PIECE

    def __init__(self, rate):
        self.rate = rate
        self.free = {UP: 0.0, DOWN: 0.0}  # when the wire is

    def schedule(self, connection, direction, data, now):
        size = max(1, self.rate // 50)
        for begin in range(0, len(data), size):
            piece = data[begin:begin + size]
            self.free[direction] = max(now, self.free[direction]) + len(piece) / self.rate
            yield self.free[direction], piece


class HoldBack(Whole):
    """What comes in a direction, or in either, after so many bytes of one waits for so many seconds; then all goes on."""

    def __init__(self, direction, offset, seconds, both=False):
        self.direction, self.offset, self.seconds, self.both, self.done = direction, offset, seconds, both, False
        self.until = None  # when it goes on

    def schedule(self, connection, direction, data, now):
        before = connection.streams[direction].passed - len(data)
        if self.until is None and direction == self.direction and before + len(data) > self.offset:
            self.until, self.done = now + self.seconds, True
            yield now, data[:self.offset - before]
            data = data[self.offset - before:]
        if self.until is not None and (self.both or direction == self.direction):
            now = max(now, self.until)
        yield now, data

    def is_over(self):
        return self.until is not None and time.monotonic() > self.until

    def __repr__(self):
        return f"held back for {self.seconds} s at byte {self.offset} {self.direction}{' and the other way' if self.both else ''}"


class Connection(threading.Thread):
    def __init__(self, client, server, fault):
        super().__init__(daemon=True)
        self.ends = {UP: client, DOWN: server}  # where what goes in a direction is read
        self.streams = {UP: Stream(), DOWN: Stream()}
        self.waiting = {UP: collections.deque(), DOWN: collections.deque()}  # (when it goes on, bytes)
        self.over = set()  # directions in which no more comes
        self.fault = fault
        self.start()

    def run(self):
        try:
            while self.pump():
                pass
        except OSError:
            pass  # one end is gone: so is the other
        finally:
            for end in self.ends.values():
                end.close()

    def pump(self):
        due = [queue[0][0] for queue in self.waiting.values() if queue]
        reading = [self.ends[direction] for direction, queue in self.waiting.items()
                   if direction not in self.over and sum(len(data) for _, data in queue) < self.fault.most]
        readable, _, _ = select.select(reading, [], [], max(0, min(due) - time.monotonic()) if due else None)
        for direction in (UP, DOWN):
            if self.ends[direction] in readable and not self.read(direction):
                return False
            self.pass_on(direction)
        return not any(direction in self.over and not self.waiting[direction] for direction in (UP, DOWN))

    def read(self, direction):
        """False where it is to be cut now."""
        data = self.ends[direction].recv(PIECE)
        if not data:
            self.over.add(direction)
            return True
        kept, cut = self.fault.take(self, direction, data)
        self.streams[direction].take(kept)
        self.waiting[direction].extend(self.fault.schedule(self, direction, kept, time.monotonic()))
        if cut:
            self.pass_on(direction)
        return not cut

    def pass_on(self, direction):
        queue, to = self.waiting[direction], DOWN if direction == UP else UP
        while queue and queue[0][0] <= time.monotonic():
            _, data = queue.popleft()
            with contextlib.nullcontext() if to not in self.over else contextlib.suppress(OSError):  # it may be gone
                self.ends[to].sendall(data)

    def cut(self):
        self.ends[UP].shutdown(socket.SHUT_RDWR)  # its thread sees that, and closes both


class Proxy:
    """Listens from the beginning; leads to `target`, a port, once that is set. Faults meet the next connections, one
    each, in order; `usual` makes that of all others."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.target = None
        self.usual = Whole
        self.faults, self.connections = [], []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(Connection(client, server, self.faults.pop(0) if self.faults else self.usual()))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
