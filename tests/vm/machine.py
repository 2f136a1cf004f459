"""The emulated machines: QEMU's options, and the memory modules in their SMBIOS tables."""
import struct

NAME = "AMD EPYC 9124 16-Core Processor"
L3_BYTES = 32 << 20

# Distances as firmware writes them: 10 own, 11 the same socket, 32 the other one; node 4 is memory
# without processors, far from all, node 5 another, beside node 0.
DISTANCES = [
    [10, 11, 32, 32, 17, 12],
    [11, 10, 32, 32, 17, 14],
    [32, 32, 10, 11, 28, 34],
    [32, 32, 11, 10, 28, 34],
    [17, 17, 28, 28, 10, 19],
    [12, 14, 34, 34, 19, 10],
]
NODE_CPUS = ["0-1", "2-3", "4-5", "6-7", "", ""]
NODE_MIB = [512, 384, 384, 384, 256, 128]
# What the firmware's table (HMAT) says of each node's memory, to the nearest processors.
NODE_GB_PER_S = [200, 200, 200, 200, 20, 1000]
FAR_GB_PER_S = 15


def structure(kind, handle, fields, texts):
    """One SMBIOS structure: header, fields, the texts that the fields number from 1, an end."""
    body = b"".join(text.encode() + b"\0" for text in texts) or b"\0"
    return struct.pack("<BBH", kind, 4 + len(fields), handle) + fields + body + b"\0"


def array(handle, slots):
    """Type 16: system memory, 8-bit ECC, up to 1 TiB."""
    return structure(16, handle, struct.pack("<BBBIHHQ", 3, 3, 6, 1 << 30, 0xFFFE, slots, 0), [])


def module(handle, array_handle, socket, channel, mib):
    """Type 17 (version 2.8): 72 of 64 bits, DDR5, 4800 MT/s run at 4400; 0 MiB is an empty slot."""
    fields = struct.pack(
        "<HHHHHBBBBBHHBBBBBIHHHH", array_handle, 0xFFFE, 72, 64, mib, 9, 0, 1, 2, 0x22, 0x80,
        4800 if mib else 0, 3, 0, 0, 4, 2, 0, 4400 if mib else 0, 1100, 1100, 1100)
    return structure(17, handle, fields, [f"DIMM_P{socket}_{channel}0",
                                          f"P{socket} CHANNEL {channel}", "Test", "TEST-4800"])


def modules():
    """Two sockets with four slots each, of which two hold 16 GiB."""
    tables = [array(0x2000, 8)]
    for socket in range(2):
        for number, channel in enumerate("ABCD"):
            handle = 0x2100 + 16 * socket + number
            tables.append(module(handle, 0x2000, socket, channel, 16384 if number < 2 else 0))
    return tables


def hmat():
    """Bandwidth and latency from every processor node to every node."""
    options = []
    for target, near in enumerate(NODE_GB_PER_S):
        for start in range(4):
            best = start == target or (target > 3 and start == 0)
            for field in (f"access-bandwidth,bandwidth={near if best else FAR_GB_PER_S}G",
                          f"access-latency,latency={100 if best else 300}"):
                options += ["-numa", f"hmat-lb,initiator={start},target={target},"
                                     f"hierarchy=memory,data-type={field}"]
    return options


def server():
    """2 sockets, 4 dies of 2 processors with an L3 each, 4 + 2 NUMA nodes."""
    options = ["-machine", "hmat=on", "-cpu", f"EPYC-Milan,model-id={NAME}",
               "-smp", "8,sockets=2,dies=2,cores=2,threads=1", "-m", f"{sum(NODE_MIB)}M",
               "-smbios", f"type=4,version={NAME}"]
    for node, (cpus, mib) in enumerate(zip(NODE_CPUS, NODE_MIB)):
        near = f"cpus={cpus}" if cpus else "initiator=0"
        options += ["-object", f"memory-backend-ram,id=m{node},size={mib}M",
                    "-numa", f"node,nodeid={node},memdev=m{node},{near}"]
    for a, row in enumerate(DISTANCES):
        for b in range(a + 1, len(row)):
            options += ["-numa", f"dist,src={a},dst={b},val={row[b]}"]
    options += hmat()
    return options, modules()


def desktop():
    """One processor with SSE4 at most, one node, one module whose widths QEMU leaves unknown."""
    return ["-cpu", "Nehalem", "-smp", "1", "-m", "512M",
            "-smbios", "type=17,loc_pfx=DIMM_A,bank=P0_CHANNEL,manufacturer=Test,speed=4800,"
                       "part=TEST-4800"], []


def eight_cores():
    """One package of eight cores that share a cache, one node."""
    return ["-cpu", f"EPYC-Milan,model-id={NAME}", "-smp", "8,sockets=1,cores=8,threads=1",
            "-m", "512M"], []
