"""A TCP proxy that knows where ZMTP's frames begin and end, and breaks connections there.

Frames have lengths that can be read even where CURVE hides what is in them, so a place in a conversation is a number of
bytes in one direction. What breaks, and where, is a fault: one object, for one connection."""

import select
import socket
import threading

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

    def take(self, connection, direction, data):
        """What of the data is passed on, and whether the connection is cut after it."""
        return data, False


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


class Connection(threading.Thread):
    def __init__(self, client, server, fault):
        super().__init__(daemon=True)
        self.ends = {UP: client, DOWN: server}  # where what goes in a direction is read
        self.streams = {UP: Stream(), DOWN: Stream()}
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
        readable, _, _ = select.select(list(self.ends.values()), [], [])
        for direction, to in ((UP, DOWN), (DOWN, UP)):
            if self.ends[direction] in readable:
                data = self.ends[direction].recv(PIECE)
                if not data:
                    return False
                kept, cut = self.fault.take(self, direction, data)
                self.ends[to].sendall(kept)
                self.streams[direction].take(kept)
                if cut:
                    return False
        return True

    def cut(self):
        self.ends[UP].shutdown(socket.SHUT_RDWR)  # its thread sees that, and closes both


class Proxy:
    """Listens from the beginning; leads to `target`, a port, once that is set. Faults meet the next connections, one
    each, in order."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.target = None
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
            self.connections.append(Connection(client, server, self.faults.pop(0) if self.faults else Whole()))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
