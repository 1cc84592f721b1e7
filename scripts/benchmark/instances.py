"""Files to send: what a plan of the load tester stores, each with a file meta information before it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Final

from pydicom import dcmread

from pool.load.instances import templates
from pool.load.lanes import Lane, Serials
from pool.load.plan import Plan
from pool.load.tally import Acknowledged
from ul.acse import IMPLEMENTATION_CLASS_UID
from ul.wire.part10 import encode_preface

PIXEL_DATA: Final = struct.Struct("<HH2sxxL")  # the header, in Explicit VR Little Endian
LARGE_COLUMNS: Final = 32 * 1024


def write(folder: Path, plan: Plan, count: int) -> list[Acknowledged]:
    """The first instances of a plan; which they are, for who receives them all."""
    folder.mkdir()
    written = []
    for number, (instance, data) in enumerate(islice(_instances(plan), count)):
        (folder / f"{number:06d}.dcm").write_bytes(data)
        written.append(instance)
    return written


def write_large(path: Path, plan: Plan, size: int) -> None:
    """The first instance of a plan with so many bytes of pixel data, all of them a hole in the file."""
    _, small = next(_instances(plan))
    data_set = dcmread(BytesIO(small))
    del data_set.PixelData
    data_set.Rows, data_set.Columns = size // (2 * LARGE_COLUMNS), LARGE_COLUMNS
    data_set.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:
        file.write(PIXEL_DATA.pack(0x7FE0, 0x0010, b"OW", size))
        file.truncate(file.tell() + size)


def _instances(plan: Plan) -> Iterator[tuple[Acknowledged, bytes]]:
    assert plan.store is not None
    lane = Lane(0, Serials(plan.seed, 0), plan.store)
    template = templates(plan, plan.store)[0]
    while True:
        serial, uid = lane.next_instance()
        preface = encode_preface(
            template.sop_class_uid, uid.decode(), template.transfer_syntax_uid, IMPLEMENTATION_CLASS_UID
        )
        data = b"".join((preface, template.head(uid, lane.study_uid, lane.series_uid), *template.rest))
        yield Acknowledged(0, 0, lane.study, lane.series, serial), data
