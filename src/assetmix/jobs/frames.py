"""What goes over the pipe between a worker child and its solver process: JSON and raw bytes."""

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

HEAD = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Frame:
    """A JSON header and a body of bytes."""

    header: dict[str, Any]
    body: bytes = b""

    def pack(self) -> bytes:
        """Write the frame."""
        header = json.dumps(self.header).encode()
        return HEAD.pack(len(header), len(self.body)) + header + self.body


def read_frame(stream: BinaryIO) -> Frame | None:
    """Read a frame from a blocking stream; None when the other side has gone."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    header_length, body_length = HEAD.unpack(head)
    header = stream.read(header_length)
    body = stream.read(body_length)
    return Frame(json.loads(header), body) if len(body) == body_length else None
