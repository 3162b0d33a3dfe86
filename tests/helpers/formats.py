"""Tiny recordings in formats that no library of the tests writes, or only with help: known samples and marks.

Samples are (channel, time) microvolts; marks are (sample, name).
"""

import ctypes
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

Marks = Sequence[tuple[int, str]]


def write_neuroscan(
    path: Path, data: np.ndarray, ch_names: Sequence[str], sfreq: int, marks: Marks = (), step: float = 0.1
) -> None:
    """Write a continuous file of Neuroscan, with 32-bit integers of `step` microvolts.

    Marks are numbers. Source: "EEG data file formats" by Paul Bourke, which lists the fields of the header.
    """
    count, length = data.shape
    header = bytearray(900)
    header[:11] = b"Version 3.0"
    header[225:246] = b"01/02/20".ljust(10) + b"10:20:30".ljust(11)
    struct.pack_into("<H", header, 370, count)
    struct.pack_into("<H", header, 376, sfreq)
    struct.pack_into("<i", header, 864, length)
    start = 900 + 75 * count
    struct.pack_into("<i", header, 886, start + 4 * data.size)
    described = bytearray()
    for number, name in enumerate(ch_names):
        channel = bytearray(75)
        channel[: len(name)] = name.encode()
        struct.pack_into("<2f", channel, 19, 100.0 + 10 * number, 50.0 + 10 * (number % 2))  # on the screen
        struct.pack_into("<f", channel, 59, 204.8 * step)  # sensitivity: a unit is 1/204.8 of it
        struct.pack_into("<f", channel, 71, 1.0)  # calibration
        described += channel
    samples = np.round(data.T / step).astype("<i4").tobytes()
    # MNE takes the sample before the one at whose position in the file an event stands
    events = b"".join(
        struct.pack("<HBBi", int(name), 0, 0, start + 4 * count * (sample + 1)) for sample, name in marks
    )
    path.write_bytes(header + described + samples + struct.pack("<Bii", 1, len(events), 0) + events)


def write_ant(path: Path, data: np.ndarray, ch_names: Sequence[str], sfreq: int, marks: Marks = ()) -> None:
    """Write a file of ANT Neuro with its own library, which keeps multiples of 1/128 microvolts."""
    found = find_spec("antio.libeep")
    assert found is not None
    assert found.origin is not None
    library = ctypes.CDLL(str(Path(found.origin).with_name("libEep.so")))
    library.libeep_init()
    channels = library.libeep_create_channel_info()
    for name in ch_names:
        library.libeep_add_channel(channels, name.encode(), b"CPz", b"uV")
    file = library.libeep_write_cnt(str(path).encode(), sfreq, channels, 0)
    about = library.libeep_create_recinfo()
    library.libeep_set_start_date_and_fraction(about, ctypes.c_double(43832.0), ctypes.c_double(0.0))
    library.libeep_set_date_of_birth(about, 1980, 1, 2)  # the library crashes on files without one
    library.libeep_add_recording_info(file, about)
    samples = np.ascontiguousarray(data.T, dtype=np.float32)
    pointer = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    library.libeep_add_samples(file, pointer, data.shape[1])
    for sample, name in marks:
        library.libeep_add_trigger(file, ctypes.c_uint64(sample), name.encode())
    library.libeep_close(file)


def write_egi_raw(path: Path, data: np.ndarray, sfreq: int, marks: Marks = ()) -> None:
    """Write a simple binary file of EGI, unsegmented, in single precision; marks are codes of four letters.

    Source: EGI, "Net Station File Formats", simple binary.
    """
    codes = sorted({name for _, name in marks})
    header = struct.pack(">i6hi5h", 4, 2020, 1, 2, 10, 20, 30, 0, sfreq, len(data), 1, 0, 0)
    header += struct.pack(">ih", data.shape[1], len(codes)) + "".join(codes).encode()
    events = np.zeros((len(codes), data.shape[1]))
    for sample, name in marks:
        events[codes.index(name), sample] = 1
    path.write_bytes(header + np.concatenate([data, events]).T.astype(">f4").tobytes())


def write_mff(path: Path, data: np.ndarray, sfreq: int) -> None:
    """Write a folder of EGI with as many channels as one of its nets, of 128 channels and a reference."""
    from mffpy.writer import BinWriter, Writer

    samples = BinWriter(sampling_rate=sfreq)
    samples.add_block(data.astype(np.float32))
    writer = Writer(str(path))
    writer.addxml("fileInfo", recordTime=datetime(2020, 1, 2, tzinfo=UTC))
    writer.add_coordinates_and_sensor_layout("HydroCel GSN 128 1.0")
    writer.addbin(samples)
    writer.write()


def write_eeglab_73(path: Path, eeg: dict[str, Any]) -> None:
    """Write an EEGLAB data set as MATLAB 7.3 does, in HDF5.

    Values are texts, numbers, arrays, or lists of such dictionaries (a struct array). Arrays are transposed,
    and the fields of a struct array are references. Source: MATLAB's description of MAT-file version 7.3.
    """
    import h5py

    def put(group: Any, name: str, value: Any) -> None:
        if isinstance(value, list):
            _put_structs(group.create_group(name), value)
        elif isinstance(value, str):
            codes = np.array([[ord(letter)] for letter in value], dtype=np.uint16)
            _mark(group.create_dataset(name, data=codes), "char").attrs["MATLAB_int_decode"] = np.int32(2)
        else:
            array = np.atleast_2d(np.asarray(value))
            _mark(group.create_dataset(name, data=array.T), "single" if array.dtype == "f4" else "double")

    def _mark(item: Any, kind: str) -> Any:
        item.attrs["MATLAB_class"] = np.bytes_(kind)
        return item

    def _put_structs(group: Any, rows: list[dict[str, Any]]) -> None:
        _mark(group, "struct")
        for field in rows[0] if rows else ():
            references = []
            for row in rows:
                name = f"{len(content)}"
                put(content, name, row[field])
                references.append(content[name].ref)
            kind = h5py.special_dtype(ref=h5py.Reference)
            group.create_dataset(field, data=np.array([references], dtype=kind).T, dtype=kind)

    with h5py.File(path, "w", userblock_size=512) as file:
        content = file.create_group("#refs#")
        top = _mark(file.create_group("EEG"), "struct")
        for name, value in eeg.items():
            put(top, name, value)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
