"""Pictures out of a byte stream: nothing lost, nothing waited for, damage contained."""

import os
import threading

import cv2
import numpy as np
import pytest
from tirjax_track import pipes

from tirjax.data.sequence import DataError


def sent(data, block=777):
    """What comes out of a pipe that carries ``data`` and is closed then."""
    out, into = os.pipe()

    def write():
        with open(into, "wb", buffering=0) as pipe:
            for i in range(0, len(data), block):
                pipe.write(data[i : i + block])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        return list(pipes.pictures(out, "pipe"))
    finally:
        os.close(out)
        writer.join()


def jpegs(rng, count, size=(24, 32)):
    return [
        cv2.imencode(".jpg", rng.integers(0, 255, size, np.uint8))[1].tobytes()
        for _ in range(count)
    ]


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def y4m(*pictures, colour="Cmono", size=(6, 8), more=""):
    head = f"YUV4MPEG2 W{size[1]} H{size[0]} F25:1 Ip A1:1 {colour}{more}\n".encode()
    return head + b"".join(b"FRAME\n" + bytes(p) for p in pictures)


def test_jpegs_come_out_as_they_were_encoded(rng):
    files = jpegs(rng, 5)
    got = sent(b"".join(files))
    np.testing.assert_array_equal(got, [decoded(file) for file in files])


def test_a_picture_is_there_before_the_next_one_begins(rng):
    out, into = os.pipe()
    os.write(into, jpegs(rng, 1)[0])
    got = []
    read = lambda: got.append(next(pipes.pictures(out, "pipe")))
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(10)
    assert len(got) == 1
    os.close(into)
    os.close(out)


@pytest.mark.parametrize("rest", [0.3, 0.6, 0.95])
def test_a_jpeg_that_is_cut_off_costs_no_other(rng, rest):
    a, b, c = jpegs(rng, 3)
    got = sent(a + b[: int(rest * len(b))] + c)
    assert [p is not None for p in got] == [True, False, True]
    np.testing.assert_array_equal(got[2], decoded(c))


def test_bytes_between_jpegs_are_passed_over(rng):
    a, b = jpegs(rng, 2)
    got = sent(a + b"--boundary\r\nContent-Length: 3\r\n\r\n" + b)
    np.testing.assert_array_equal(got, [decoded(a), decoded(b)])


def test_a_thumbnail_is_no_picture_of_its_own(rng):
    whole, small = jpegs(rng, 1)[0], jpegs(rng, 1, (8, 8))[0]
    segment = b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small
    (got,) = sent(whole[:2] + segment + whole[2:])
    np.testing.assert_array_equal(got, decoded(whole))


@pytest.mark.parametrize(("colour", "kind"), [("Cmono", "u1"), ("Cmono16", "<u2")])
def test_grey_y4m_is_exact(rng, colour, kind):
    pictures = rng.integers(0, np.iinfo(kind).max, (3, 6, 8)).astype(kind)
    got = sent(y4m(*(p.tobytes() for p in pictures), colour=colour))
    assert got[0].dtype == kind
    np.testing.assert_array_equal(got, pictures)


@pytest.mark.parametrize(
    ("colour", "small"), [("C420jpeg", 12), ("C422", 24), ("", 12)]
)
def test_coloured_y4m_is_blue_green_red(colour, small):
    """Y, U, V of a saturated red in BT.601's video levels."""
    planes = bytes([81] * 48 + [90] * small + [240] * small)
    (got,) = sent(y4m(planes, colour=colour))
    np.testing.assert_allclose(got, np.broadcast_to([0, 0, 255], (6, 8, 3)), atol=2)


def test_full_range_luma_is_not_stretched():
    planes = bytes([30] * 48 + [128] * 24)
    got = [
        sent(y4m(planes, colour="C420jpeg", more=more))[0][0, 0].tolist()
        for more in (" XCOLORRANGE=FULL", "")
    ]
    assert got == [[30] * 3, [16] * 3]  # (30 - 16) * 255 / 219


def test_a_stream_may_go_on_in_another_size():
    small, large = bytes([7] * 48), bytes([9] * 192)
    got = sent(y4m(small) + y4m(large, size=(12, 16)))
    assert [p.shape for p in got] == [(6, 8), (12, 16)]


def test_a_y4m_that_is_cut_off_or_torn_loses_only_that():
    a, b = bytes([7] * 48), bytes([9] * 48)
    assert [p is not None for p in sent(y4m(a, b)[:-5])] == [True, False]
    torn = y4m(a) + b"torn" + b"FRAME\n" + b
    assert [p is not None for p in sent(torn)] == [True, False, True]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "pipe is empty; send JPEGs .* or YUV4MPEG2"),
        (b"\x00\x01 no video at all", "brings no video"),
        (y4m(bytes(96), colour="C420p10"), "C420p10 is not read; send -pix_fmt"),
        (b"YUV4MPEG2 Wx H9\nFRAME\n", "is not read"),
    ],
)
def test_what_cannot_be_read_says_what_to_send(data, message):
    with pytest.raises(DataError, match=message):
        sent(data)
