#!/usr/bin/env python3
"""Recordings full of what names a host and its owner, and what of it is still in a folder.

    planted.py make FOLDER smbios|udev   a recording with secrets in every kind of file
    planted.py look FOLDER               the names of the secrets that are in any file or file name
"""
import os
import re
import struct
import sys

HOST = "tank7-db"
DOMAIN = HOST + ".corp.example"
MACHINE_ID = "5f0c1d2e3b4a59687786a5b4c3d2e1f0"
SECRETS = {
    "host name": HOST,
    "domain": "corp.example",
    "machine id": MACHINE_ID,
    "system serial": "SYS-SER-4711",
    "system UUID": bytes(range(0xA0, 0xB0)),
    "board serial": "BRD-SER-4712",
    "chassis serial": "CHS-SER-4713",
    "chassis tag": "CHS-TAG-4714",
    "processor serial": "CPU-SER-4715",
    "module serial": "MOD-SER-4716",
    "module tag": "MOD-TAG-4717",
    "OEM string": "OEM-OWNER-4718",
    "vendor string": "VENDOR-SEC-4719",
    "disk serial": "DSK-SER-4720",
    "GPU UUID": "GPU-0f1e2d3c-aaaa-bbbb-cccc-001122334455",
    "GPU serial": "GPU-SER-4721",
    "MAC address": "52:54:00:c0:ff:ee",
    "MAC in a name": "enx525400c0ffed",
    "port GUID": "5054:0003:00c0:ffee",
    "scope UUID": "4c4c4544-0042-3510-8052-b4c04f4d4e31",
    "container id": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "serial of the board's chip": "CHIP-SER-4722",
    "processor number": "DEADBEEF-CAFEBABE",
}


def structure(kind, body, strings):
    out = struct.pack("<BBH", kind, 4 + len(body), kind) + bytes(body)
    return out + (b"".join(s.encode() + b"\0" for s in strings) or b"\0") + b"\0"


def table():
    s = SECRETS
    system = bytearray([1, 2, 3, 4]) + s["system UUID"] + bytearray([6, 5, 6])
    out = structure(0, bytearray([1, 2, 0, 0, 3]) + bytearray(15), ["Example", "1.0", "01/02/2024"])
    out += structure(1, system, ["Example", "Box", "1", s["system serial"], "SKU-" + HOST, "Fam"])
    out += structure(2, [1, 2, 3, 4, 5, 0, 0], ["Example", "Board", "1", s["board serial"], DOMAIN])
    out += structure(3, bytearray([1, 3, 2, 3, 4]) + bytearray(8),
                     ["Example", "1", s["chassis serial"], s["chassis tag"]])
    processor = bytearray(0x30 - 4)
    processor[0], processor[1], processor[0x0C], processor[0x14] = 1, 3, 2, 0x41
    processor[0x1C], processor[0x1D] = 3, 4
    out += structure(4, processor, ["P0", "AMD EPYC 9124 16-Core Processor",
                                    s["processor serial"], "TAG-" + HOST])
    out += structure(11, [1], [s["OEM string"]])
    out += structure(16, struct.pack("<BBBIHHQ", 3, 3, 6, 0x80000000, 0xFFFE, 1, 0), [])
    device = bytearray(0x5C - 4)
    struct.pack_into("<HHHHH", device, 0, 16, 0xFFFE, 72, 64, 16384)
    device[0x0A] = 9
    device[0x0C], device[0x0D], device[0x0E] = 1, 2, 0x22
    struct.pack_into("<H", device, 0x11, 4800)
    struct.pack_into("<H", device, 0x1C, 4800)
    device[0x13], device[0x14], device[0x15], device[0x16] = 3, 4, 5, 6
    out += structure(17, device, ["DIMM_A1", "P0 CHANNEL A", "Samsung", s["module serial"],
                                  s["module tag"], "PART-1"])
    out += structure(200, [1, 42], [s["vendor string"] + " " + s["MAC address"]])
    return out + structure(127, [], [])


XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
  <object type="Machine" os_index="0" cpuset="0x3" complete_cpuset="0x3" allowed_cpuset="0x3" nodeset="0x1" complete_nodeset="0x1" allowed_nodeset="0x1" gp_index="1">
    <info name="HostName" value="{domain}"/>
    <info name="DMIProductSerial" value="{system serial}"/>
    <info name="DMIChassisAssetTag" value="{chassis tag}"/>
    <info name="OSName" value="Linux"/>
    <object type="Package" os_index="0" cpuset="0x3" complete_cpuset="0x3" nodeset="0x1" complete_nodeset="0x1" gp_index="2">
      <info name="CPUModel" value="AMD EPYC 9124 16-Core Processor"/>
      <object type="NUMANode" os_index="0" cpuset="0x3" complete_cpuset="0x3" nodeset="0x1" complete_nodeset="0x1" gp_index="3" local_memory="17179869184"/>
      <object type="Core" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="4">
        <object type="PU" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="5"/>
      </object>
      <object type="Core" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x1" complete_nodeset="0x1" gp_index="6">
        <object type="PU" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x1" complete_nodeset="0x1" gp_index="7"/>
      </object>
    </object>
    <object type="PCIDev" gp_index="8" pci_busid="0000:01:00.0" pci_type="0302 [10de:20b5] [10de:1533] a1" pci_link_speed="31.507692">
      <info name="PCIDevice" value="GPU of {host}"/>
      <object type="OSDev" gp_index="9" name="nvml0" subtype="NVML" osdev_type="1">
        <info name="NVIDIAUUID" value="{GPU UUID}"/>
        <info name="NVIDIASerial" value="{GPU serial}"/>
        <info name="GPUModel" value="EX {scope UUID}"/>
      </object>
    </object>
    <object type="PCIDev" gp_index="10" pci_busid="0000:02:00.0" pci_type="0200 [8086:1563] [8086:0001] 01" pci_link_speed="7.876923">
      <object type="OSDev" gp_index="11" name="{MAC in a name}" osdev_type="2">
        <info name="Address" value="{MAC address}"/>
      </object>
      <object type="OSDev" gp_index="12" name="mlx5_0" osdev_type="3">
        <info name="NodeGUID" value="{port GUID}"/>
      </object>
      <object type="OSDev" gp_index="13" name="sda" subtype="Disk" osdev_type="0">
        <info name="SerialNumber" value="{disk serial}"/>
      </object>
    </object>
  </object>
</topology>
"""

CPUID = """{host} InstLatx64 dump
CPUID 00000000: 0000000D-68747541-444D4163-69746E65
CPUID 00000001: 00A10F11-00080800-7EF8320B-178BFBFF
CPUID 00000003: 00000000-00000000-{processor number}
CPUID 80000000: 80000008-00000000-00000000-00000000
"""

FILES = {
    "/etc/machine-id": MACHINE_ID + "\n",
    "/etc/hostname": DOMAIN + "\n",
    "/etc/os-release": 'PRETTY_NAME="Linux of {host}"\n',
    "/proc/sys/kernel/osrelease": "6.1.0-{domain}\n",
    "/proc/self/cgroup": "0::/kube/{container id}/job-{scope UUID}/{host}.scope\n",
    "/proc/cpuinfo": "processor : 0\nSerial : {board serial}\nmodel name : for {host}\n\n",
    "/sys/class/dmi/id/product_serial": "{system serial}\n",
    "/sys/class/dmi/id/board_name": "Board {system serial} {MAC address}\n",
    "/sys/class/dmi/id/sys_vendor": "Example\n",
}
UDEV = ("I:1\nE:MEMORY_ARRAY_NUM_DEVICES=1\nE:MEMORY_DEVICE_0_SIZE=17179869184\n"
        "E:MEMORY_DEVICE_0_SERIAL_NUMBER={module serial}\nE:MEMORY_DEVICE_0_ASSET_TAG={module tag}\n"
        "E:MEMORY_DEVICE_0_LOCATOR=DIMM_A1\nE:MEMORY_DEVICE_0_TYPE=DDR5\n"
        "E:MEMORY_DEVICE_0_PART_NUMBER=PART-1\nE:ID_CHIP_SERIAL={serial of the board's chip}\n"
        "E:ID_NET={MAC address} {scope UUID} on {host}\n")


def fill(text):
    words = dict(SECRETS, host=HOST, domain=DOMAIN)
    return re.sub(r"\{([^{}]+)\}", lambda m: words[m.group(1)], text)


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def make(folder, kind):
    write(folder + "/topology.xml", fill(XML))
    write(folder + "/cpuid.txt", fill(CPUID))
    for path, text in FILES.items():
        write(folder + "/files" + path, fill(text))
    if kind == "udev":
        write(folder + "/files/run/udev/data/+dmi:id", fill(UDEV))
        return
    bytes_ = table()
    write(folder + "/dmi/DMI", bytes_)
    write(folder + "/dmi/smbios_entry_point",
          b"_SM3_\0\x18\x03\x03\0\x01\0" + struct.pack("<IQ", len(bytes_), 0))


def look(folder):
    found = {}
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                content = file.read() + os.path.relpath(path, folder).encode()
            for what, secret in SECRETS.items():
                if (secret if isinstance(secret, bytes) else secret.encode()) in content:
                    found.setdefault(what, os.path.relpath(path, folder))
    for what in SECRETS:
        if what in found:
            print(what + ":", found[what])


if __name__ == "__main__":
    make(*sys.argv[2:]) if sys.argv[1] == "make" else look(sys.argv[2])
