"""What the compared receivers do with an instance: the handlers, the same for every library and for the pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

STORE = Path("store").absolute()  # a server is started in its own folder, which has one
READ = (
    *("ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "SeriesDate", "StudyTime"),
    *("AccessionNumber", "Modality", "Manufacturer", "PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyInstanceUID", "SeriesInstanceUID", "StudyID", "SeriesNumber", "InstanceNumber"),
    *("Rows", "Columns"),
)


def keep(event: Any) -> int:
    """Write the instance as it came, with its file meta information."""
    (STORE / event.request.AffectedSOPInstanceUID).write_bytes(event.encoded_dataset())
    return 0x0000


def read(event: Any) -> int:
    """Decode the data set and read twenty elements of it: one that is missing fails the operation."""
    data_set = event.dataset
    values = [getattr(data_set, keyword) for keyword in READ]
    return 0x0000 if len(values) == 20 else 0xC001
