"""Signal frames against those that the kernel of this host makes, and against its headers."""

from __future__ import annotations

import errno
import struct
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.guest_parts import Registers, clean_state
from wirt.abi.linux import signal as abi
from wirt.sentry import frames
from wirt.sentry.frames import Context, Handler
from wirt.sentry.task import AltStack

PROGRAM = Path(__file__).with_name("kernel_frame.c")
WORD = st.integers(0, 2**64 - 1)
USER = st.integers(0, abi.TASK_SIZE_MAX - 1)
DISABLED = AltStack(0, abi.SS_DISABLE, 0)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    binary = tmp_path_factory.mktemp("frames") / "kernel_frame"
    subprocess.run(["gcc", "-O1", "-o", binary, PROGRAM], check=True)
    return binary


def _kernel_frame(program: Path, stack: str) -> tuple[int, int, bytes, bytes]:
    """Address of the frame and of the extended state, and the bytes of both."""
    told = subprocess.run([program, stack], check=True, stdout=subprocess.PIPE).stdout
    frame, state, size = struct.unpack_from("<QQQ", told)
    end = 24 + abi.rt_sigframe.size
    assert len(told) == end + size
    return frame, state, told[24:end], told[end:]


def test_layout_is_that_of_the_headers(program: Path) -> None:
    said = subprocess.run([program, "layout"], check=True, stdout=subprocess.PIPE, text=True).stdout
    theirs = {name: int(number) for name, number in (line.split() for line in said.splitlines())}
    start = abi.rt_sigframe_offsets["uc_mcontext"]
    ours = {name: start + 8 * at for at, name in enumerate(abi.SIGCONTEXT_REGISTERS)}
    for name in ("r8", "r15", "rdi", "rbp", "rax", "rsp", "rip", "rflags"):
        assert ours[name] == theirs[name]
    marked = dict(enumerate(abi.rt_sigframe.unpack(bytes(range(200)) * 2 + bytes(40))))
    for index, name, size in ((24, "cs", 2), (27, "ss", 2), (28, "err", 8), (29, "trapno", 8), (32, "fpstate", 8)):
        at = theirs[name] % 200
        assert marked[index] == int.from_bytes((bytes(range(200)) * 2)[at : at + size], "little"), name
    assert abi.rt_sigframe_offsets == {
        "uc": theirs["uc"],
        "uc_mcontext": theirs["uc.uc_mcontext"],
        "uc_sigmask": theirs["uc.uc_sigmask"],
        "info": theirs["info"],
    }
    assert abi.rt_sigframe.size == theirs["frame"]
    assert (abi.siginfo_size, abi.siginfo_fault.size) == (theirs["siginfo"], theirs["siginfo"])
    assert abi.siginfo_fault.unpack(bytes(theirs["si_addr"]) + bytes([7]) + bytes(111))[3] == 7
    assert abi.stack_t.size == theirs["stack"]
    assert (abi.FPX_SW_BYTES, abi.fpx_sw_bytes.size) == (theirs["sw_reserved"], theirs["sw_bytes"])


@pytest.mark.parametrize("stack", ["stack", "altstack"])
def test_frame_of_the_kernel_is_taken_apart_and_built_again_the_same(program: Path, stack: str) -> None:
    at, state_at, raw, state = _kernel_frame(program, stack)
    registers = Registers()
    mask, altstack, found = frames.parse(raw, cast(Any, registers))
    assert found == state_at
    handler = Handler(0x1000, abi.SA_RESTORER | abi.SA_ONSTACK, int.from_bytes(raw[:8], "little"))
    assert frames.place(handler, altstack, registers.rsp, len(state)) == (at, state_at)
    fields = abi.rt_sigframe.unpack(raw)
    registers.rflags = fields[23]
    context = Context(mask, altstack, trapno=fields[29], error=fields[28], cr2=fields[31])
    built = frames.build(cast(Any, registers), context, handler, fields[-1], state_at)
    assert abi.rt_sigframe.unpack(built) == fields  # the kernel leaves what the stack held where nothing is


def test_extended_state_of_the_kernel_is_read_and_marked_to_the_same_bytes(program: Path) -> None:
    _, state_at, _, state = _kernel_frame(program, "stack")
    features = struct.unpack_from("<Q", state, abi.FPX_SW_BYTES + 8)[0]

    def read(address: int, size: int) -> bytes:
        return state[address - state_at : address - state_at + size]

    area = frames.read_state(read, state_at, clean_state(len(state) - 4))
    assert area == state[:-4]
    assert frames.with_marks(area, features) == state


@given(
    values=st.lists(USER, min_size=18, max_size=18),
    mask=WORD,
    base=USER,
    size=st.integers(2048, 1 << 20),
    flags=st.sampled_from([0, abi.SS_DISABLE, abi.SS_AUTODISARM]),
)
def test_frame_gives_back_what_was_put_in(values: list[int], mask: int, base: int, size: int, flags: int) -> None:
    registers = Registers(**dict(zip(abi.SIGCONTEXT_REGISTERS, values, strict=True)))
    context = Context(mask, AltStack(base, flags, size))
    raw = frames.build(cast(Any, registers), context, Handler(1, 0, 2), bytes(128), 0x5000)
    back = Registers(rflags=0x202)
    assert frames.parse(raw, cast(Any, back)) == (mask, context.altstack, 0x5000)
    user_flags = 0x50DD5
    registers.rflags = registers.rflags & user_flags | 0x202
    assert back == registers


@given(rsp=WORD, size=st.integers(832, 12000), base=WORD, length=st.integers(0, 1 << 20), onstack=st.booleans())
def test_place_honours_alignment_red_zone_and_the_alternate_stack(
    rsp: int, size: int, base: int, length: int, onstack: bool
) -> None:
    altstack = AltStack(base, 0 if length else abi.SS_DISABLE, length)
    handler = Handler(1, abi.SA_ONSTACK if onstack else 0, 2)
    try:
        frame, state = frames.place(handler, altstack, rsp, size)
    except OSError as error:
        assert error.errno == errno.EFAULT
        return
    assert frame % 16 == 8
    assert state % 64 == 0
    assert frame + abi.rt_sigframe.size <= state
    inside = base < rsp <= base + length
    if onstack and length and not base < (rsp - 128) % 2**64 <= base + length:
        assert base < frame < state <= base + length - size
    else:
        assert state + size <= (rsp - 128) % 2**64
    if inside:
        assert frame > base


def test_frame_that_leads_out_of_user_mode_is_refused() -> None:
    registers = Registers(rip=abi.TASK_SIZE_MAX)
    raw = frames.build(cast(Any, registers), Context(0, DISABLED), Handler(1, 0, 2), bytes(128), 0)
    with pytest.raises(ValueError, match="user mode"):
        frames.parse(raw, cast(Any, Registers()))
    cs = abi.rt_sigframe_offsets["uc_mcontext"] + 18 * 8
    raw = frames.build(cast(Any, Registers()), Context(0, DISABLED), Handler(1, 0, 2), bytes(128), 0)
    with pytest.raises(ValueError, match="user mode"):
        frames.parse(raw[:cs] + b"\x10" + raw[cs + 1 :], cast(Any, Registers()))


@given(flags=WORD)
def test_flags_of_the_system_do_not_come_from_a_frame(flags: int) -> None:
    """IF stays set, IOPL, NT, VM and the rest stay clear."""
    raw = frames.build(cast(Any, Registers(rflags=flags)), Context(0, DISABLED), Handler(1, 0, 2), bytes(128), 0)
    back = Registers()
    frames.parse(raw, cast(Any, back))
    assert back.rflags & ~0x50DD5 == 0x202


@given(area=st.binary(min_size=840, max_size=840), address=st.sampled_from([0, 64, 65, 128]))
def test_any_extended_state_is_read_as_one_of_the_right_length_or_refused(area: bytes, address: int) -> None:
    try:
        found = frames.read_state(lambda _, size: area[:size], address, clean_state())
    except ValueError:
        assert address % 64
        return
    assert len(found) == 832


def test_extended_state_without_its_second_mark_is_what_fxsave_writes() -> None:
    marked = bytearray(frames.with_marks(clean_state(), 7))
    marked[576:832] = b"\1" * 256
    marked[512] = 7
    marked[-1] ^= 1
    found = frames.read_state(lambda _, size: bytes(marked[:size]), 64, clean_state())
    assert found[512:] == (3).to_bytes(64, "little") + bytes(256)


def test_components_that_a_frame_does_not_name_get_their_initial_state() -> None:
    marked = bytearray(frames.with_marks(clean_state(), 3))
    marked[512] = 7
    found = frames.read_state(lambda _, size: bytes(marked[:size]), 64, clean_state())
    assert found[512] == 3


def test_enter_hands_the_handler_its_arguments_and_clears_flags() -> None:
    registers = Registers(rflags=0x202 | 0x10500)
    frames.enter(cast(Any, registers), 0x9008, 10, Handler(0x4000, 0, 0))
    assert (registers.rdi, registers.rsi, registers.rdx) == (10, 0x9008 + 312, 0x9008 + 8)
    assert (registers.rax, registers.rip, registers.rsp, registers.rflags) == (0, 0x4000, 0x9008, 0x202)
