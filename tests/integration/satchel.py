"""A file on a stick, written from proto/README.md alone."""

import collections
import struct

from stranger import digest

OUTBOX, RECEIPTS = 1, 2
CERTIFICATE, SUBMISSION, RECEIPT, FAULT, REFUSALS, RETURN, KEYS, END = 1, 2, 3, 4, 5, 6, 7, 15
HEAD, HEADER = 16, 40

Record = collections.namedtuple("Record", "kind sequence payload")


def header(kind, number, length, sequence, check):
    first = struct.pack(">4sB3xIIQ8s", b"PTrc", kind, number, length, sequence, check)
    return first + digest(first)[:8]


def write(contents, records):
    """The bytes of a whole file."""
    file = struct.pack(">8sBB6x", b"PTLYBAG\n", 1, contents)
    for number, record in enumerate(records):
        file += header(record.kind, number, len(record.payload), record.sequence, digest(record.payload)[:8])
        file += record.payload
    end = struct.pack(">Q32s", len(records), digest(file))
    return file + header(END, len(records), len(end), 0, digest(end)[:8]) + end


def places(file):
    """Where each record begins, the end included."""
    at, found = HEAD, []
    while at < len(file):
        found.append(at)
        at += HEADER + struct.unpack(">I", file[at + 12:at + 16])[0]
    return found


def read(file, contents):
    """The records of a whole file; ValueError unless it is one."""
    if file[:HEAD] != struct.pack(">8sBB6x", b"PTLYBAG\n", 1, contents):
        raise ValueError("no such file")
    records = []
    for number, at in enumerate(places(file)):
        mark, kind, found, length, sequence, check = struct.unpack(">4sB3xIIQ8s", file[at:at + 32])
        payload = file[at + HEADER:at + HEADER + length]
        if (mark, found, len(payload)) != (b"PTrc", number, length) or digest(payload)[:8] != check:
            raise ValueError(f"record {number} is damaged")
        if digest(file[at:at + 32])[:8] != file[at + 32:at + HEADER]:
            raise ValueError(f"the header of record {number} is damaged")
        if kind == END:
            if payload != struct.pack(">Q32s", number, digest(file[:at])) or at + HEADER + length != len(file):
                raise ValueError("not as it was written")
            return records
        records.append(Record(kind, sequence, payload))
    raise ValueError("cut off")
