"""A flood of connections that say the same words and no more. As a program: ENDPOINT COUNT WORDS, in hexadecimal, from addresses
everywhere, until its standard input ends; it says "whole" once they are so many."""

import resource
import socket
import sys
import threading


def everywhere(n):
    """Addresses of 127.0.0.0/8, as if of all the network."""
    return f"127.{10 + n // 62500}.{n // 250 % 250}.{1 + n % 250}"


def files_for(count):
    """As many sockets as this process may have, at most `count`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < count + 500:
        print(f"{hard} open files allow no flood of {count} connections; {hard - 500} instead", file=sys.stderr)
    return min(count, hard - 500)


class Flood:
    """Holds many connections that say `words` and no more, and replaces those that were cut, until it is closed."""

    def __init__(self, endpoint, count, words, source):
        self.endpoint, self.words, self.source = endpoint, words, source
        self.made, self.ending = 0, False
        self.sockets = [None] * count
        self.whole = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        host, port = self.endpoint.removeprefix("tcp://").rsplit(":", 1)
        while not self.ending:
            for n in range(len(self.sockets)):
                if self.ending:
                    break
                if self.sockets[n]:
                    self.sockets[n].close()
                self.sockets[n] = self.open(host, int(port), n)
                self.made += 1
            self.whole.set()

    def open(self, host, port, n):
        try:
            peer = socket.create_connection((host, port), 5, (self.source(n), 0))
            peer.sendall(self.words)
            return peer
        except OSError:
            return None  # turned away, which is as good

    def close(self):
        self.ending = True
        self.thread.join()
        for peer in self.sockets:
            if peer:
                peer.close()


if __name__ == "__main__":
    endpoint, count, words = sys.argv[1:]
    flood = Flood(endpoint, files_for(int(count)), bytes.fromhex(words), everywhere)
    flood.whole.wait()
    print("whole", flush=True)
    sys.stdin.read()
    flood.close()
