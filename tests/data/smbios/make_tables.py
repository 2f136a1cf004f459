"""Makes SMBIOS tables of machines that do not exist: make_tables.py [FOLDER]

Each machine gets FOLDER/<name>/dmi/DMI and smbios_entry_point, in the layout of DMTF DSP0134
(types 4, 16, 17, 127; entry point 3.0). The names of slots follow the habits of several makers of
firmware; no text is taken from a real machine. qemu-plain and qemu-named beside them were read out
of the memory of QEMU's `pc` and `q35` machines (the second with -smbios type=17,loc_pfx=DIMM_A,
bank=P0_CHANNEL,manufacturer=Test,speed=4800,part=TEST-4800).
"""
import os
import struct
import sys

DDR4, LPDDR5, DDR5 = 0x1A, 0x23, 0x22
UNKNOWN_16 = 0xFFFF


class Table:
    def __init__(self):
        self.bytes = b""
        self.handle = 0

    def add(self, kind, body, strings):
        handle = self.handle
        self.handle += 1
        self.bytes += struct.pack("<BBH", kind, 4 + len(body), handle) + body
        self.bytes += b"".join(s.encode() + b"\0" for s in strings) or b"\0"
        self.bytes += b"\0"
        return handle

    def processor(self, socket, name, cores):
        body = bytearray(0x30 - 4)
        body[0x04 - 4] = 1
        body[0x05 - 4] = 3
        body[0x10 - 4] = 2
        body[0x18 - 4] = 0x41
        body[0x23 - 4] = body[0x24 - 4] = cores
        self.add(4, bytes(body), [socket, name])

    def array(self, slots):
        body = struct.pack("<BBBIHH", 3, 3, 6, 0x80000000, 0xFFFE, slots) + struct.pack("<Q", 0)
        return self.add(16, body, [])

    def device(self, array, locator, bank, gib=0, kind=DDR5, rated=0, configured=0, data=64,
               total=None, version=0x5C):
        body = bytearray(version - 4)
        present = gib > 0
        total = data if total is None else total
        struct.pack_into("<HHHHH", body, 0, array, 0xFFFE, total if present else UNKNOWN_16,
                         data if present else UNKNOWN_16, self.size(gib))
        body[0x0E - 4] = 9
        body[0x10 - 4] = 1
        body[0x11 - 4] = 2 if bank else 0
        body[0x12 - 4] = kind if present else 2
        struct.pack_into("<H", body, 0x15 - 4, min(rated, 0xFFFF))
        strings = [locator] + ([bank] if bank else [])
        if present:
            strings += ["Example", "EX-1"]
            body[0x17 - 4] = len(strings) - 1
            body[0x1A - 4] = len(strings)
        body[0x1B - 4] = 2
        struct.pack_into("<I", body, 0x1C - 4, gib * 1024 if gib >= 32 else 0)
        struct.pack_into("<H", body, 0x20 - 4, min(configured, 0xFFFF))
        if version >= 0x5C:
            struct.pack_into("<II", body, 0x54 - 4, rated if rated > 0xFFFF else 0,
                             configured if configured > 0xFFFF else 0)
        self.add(17, bytes(body), strings)

    @staticmethod
    def size(gib):
        return 0x7FFF if gib >= 32 else gib * 1024

    def save(self, folder):
        self.add(127, b"", [])
        os.makedirs(os.path.join(folder, "dmi"), exist_ok=True)
        entry = bytearray(struct.pack("<5sBBBBBBBIQ", b"_SM3_", 0, 24, 3, 5, 0, 1, 0,
                                      len(self.bytes), 0xF0000))
        entry[5] = -sum(entry) & 0xFF
        with open(os.path.join(folder, "dmi", "DMI"), "wb") as out:
            out.write(self.bytes)
        with open(os.path.join(folder, "dmi", "smbios_entry_point"), "wb") as out:
            out.write(entry)


def desktop():
    """Two of four slots, one module a channel, running below what it is rated for."""
    t = Table()
    t.processor("AM5", "AMD Ryzen 9 9950X 16-Core Processor", 16)
    a = t.array(4)
    for channel in "AB":
        t.device(a, "DIMM 0", f"P0 CHANNEL {channel}")
        t.device(a, "DIMM 1", f"P0 CHANNEL {channel}", 32, rated=5600, configured=5200)
    return t


def desktop_full():
    """Two modules a channel: four modules, two channels."""
    t = Table()
    t.processor("LGA", "13th Gen Intel(R) Core(TM) i9-13900K", 24)
    a = t.array(4)
    for controller in (0, 1):
        for slot in (0, 1):
            t.device(a, f"Controller{controller}-ChannelA-DIMM{slot}", f"BANK {slot}", 16,
                     rated=4800, configured=4000)
    return t


def desktop_halves():
    """A client controller's two 32-bit halves listed as 64-bit channels of their own."""
    t = Table()
    a = t.array(4)
    for controller in (0, 1):
        for channel in "AB":
            t.device(a, f"Controller{controller}-Channel{channel}", "BANK 0", 16, rated=5600,
                     configured=5600)
    return t


def laptop():
    """Eight 16-bit LPDDR5 channels: 128 bits."""
    t = Table()
    t.processor("U3E1", "Intel(R) Core(TM) Ultra 7 155H", 16)
    a = t.array(8)
    for controller in (0, 1):
        for channel in "ABCD":
            t.device(a, f"Controller{controller}-Channel{channel}", "BANK 0", 4, LPDDR5, 7467, 6400,
                     data=16)
    return t


def desktop_sub_channels():
    """Each DDR5 module listed as its two 32-bit sub-channels, at one place."""
    t = Table()
    a = t.array(4)
    for channel in "AB":
        for _ in range(2):
            t.device(a, "DIMM 0", f"P0 CHANNEL {channel}", 8, rated=5600, configured=5600, data=32)
    return t


def laptop_unnamed():
    """Four soldered 32-bit devices without names of their own."""
    t = Table()
    t.processor("FP8", "AMD Ryzen 7 7840U w/ Radeon 780M Graphics", 8)
    a = t.array(4)
    for _ in range(4):
        t.device(a, "System Board Memory", "", 8, LPDDR5, 7500, 6400, data=32)
    return t


def server():
    """Twelve channels, ten populated, ECC."""
    t = Table()
    t.processor("CPU1", "AMD EPYC 9354P 32-Core Processor", 32)
    a = t.array(12)
    for channel in "ABCDEFGHIJKL":
        t.device(a, "DIMM 0", f"P0 CHANNEL {channel}", 0 if channel in "FL" else 64, rated=4800,
                 configured=4800, total=80)
    return t


def server_2_sockets():
    """Two sockets counted from 1 in one name and from 0 in the other; hexadecimal channels."""
    t = Table()
    for socket in (1, 2):
        t.processor(f"CPU{socket}", "AMD EPYC 9124 16-Core Processor", 16)
    a = t.array(24)
    for socket in (0, 1):
        for channel in range(12):
            t.device(a, f"P{socket + 1}-DIMM{'ABCDEFGHIJKL'[channel]}1",
                     f"P{socket}_Node0_Channel{channel:X}_Dimm0", 16 if channel % 3 < 2 else 0,
                     rated=4800, configured=4800, total=80)
    return t


def server_numbered():
    """Slots numbered through: nothing tells which of them share a channel."""
    t = Table()
    for socket in (1, 2):
        t.processor(f"Proc {socket}", "Intel(R) Xeon(R) Gold 6430", 32)
    a = t.array(32)
    for socket in (1, 2):
        for slot in range(1, 17):
            t.device(a, f"PROC {socket} DIMM {slot}", "", 32 if slot % 2 else 0, rated=4800,
                     configured=4400, total=80)
    return t


def server_few():
    """As before, with two modules a socket: fewer than there are channels."""
    t = Table()
    for socket in (1, 2):
        t.processor(f"Proc {socket}", "Intel(R) Xeon(R) Gold 6430", 32)
    a = t.array(32)
    for socket in (1, 2):
        for slot in range(1, 17):
            t.device(a, f"PROC {socket} DIMM {slot}", "", 32 if slot in (1, 9) else 0, rated=4800,
                     configured=4400, total=80)
    return t


def server_letters():
    """Slots A1..A16 of the first socket, B1..B16 of the second: letters are no channels here."""
    t = Table()
    for socket in (1, 2):
        t.processor(f"CPU{socket}", "Intel(R) Xeon(R) Gold 6430", 32)
    a = t.array(32)
    for letter in "AB":
        for slot in range(1, 17):
            t.device(a, f"{letter}{slot}", "", 16 if slot <= 8 else 0, rated=4800, configured=4800,
                     total=80)
    return t


def old_ddr4():
    """Version 2.7 records (34 bytes), the clock in place of MT/s, one module only."""
    t = Table()
    t.processor("SOCKET 0", "Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz", 8)
    a = t.array(2)
    t.device(a, "DIMM_A1", "NODE 1", 16, DDR4, 2400, 1200, total=72, version=0x22)
    t.device(a, "DIMM_B1", "NODE 1", version=0x22)
    return t


def single():
    """One module whose slot has a number only."""
    t = Table()
    t.processor("CPU 0", "AMD EPYC 9124 16-Core Processor", 2)
    t.device(t.array(1), "DIMM 0", "", 16, DDR4, 2933, 2933)
    return t


MACHINES = {
    "desktop-2-of-4-ddr5": desktop,
    "desktop-4-modules": desktop_full,
    "desktop-half-channels": desktop_halves,
    "desktop-sub-channels": desktop_sub_channels,
    "laptop-lpddr5-8x16bit": laptop,
    "laptop-lpddr5-unnamed": laptop_unnamed,
    "server-10-of-12": server,
    "server-2-sockets-16-of-24": server_2_sockets,
    "server-numbered-slots": server_numbered,
    "server-few-modules": server_few,
    "server-lettered-sockets": server_letters,
    "old-ddr4-1-module": old_ddr4,
    "single-unnamed-module": single,
}

if __name__ == "__main__":
    top = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, make in MACHINES.items():
        make().save(os.path.join(top, name))
