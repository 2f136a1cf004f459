"""A guest that runs a list of shell commands under QEMU, without acceleration and without a disk.

Its root is an initramfs of busybox, the program and the libraries that it needs. Each command's
output, errors and status are kept in files, which come back as one archive over a serial port of
its own, so that messages of the kernel cannot get between.
"""
import glob
import gzip
import io
import os
import re
import shutil
import subprocess
import tarfile

INIT = """#!/bin/sh
export PATH=/bin HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup /sys/fs/cgroup
mkdir -p /root /tmp /results
chmod 1777 /tmp
for step in /steps/*; do
    name=${step#/steps/*-}
    echo "step $name at $(cut -d ' ' -f 1 /proc/uptime) s"
    sh "$step" >"/results/$name.out" 2>"/results/$name.err"
    echo $? >"/results/$name.status"
done
echo "all steps done at $(cut -d ' ' -f 1 /proc/uptime) s"
stty -F /dev/ttyS1 raw -echo
tar -c -C /results . | gzip -1 >/dev/ttyS1
poweroff -f
"""


class Missing(Exception):
    """What this test needs is not on this machine."""


def find_kernel(folder):
    """The newest kernel image in TOKENROOF_VM_KERNEL (a file), `folder`, or /boot."""
    given = os.environ.get("TOKENROOF_VM_KERNEL")
    candidates = [given] if given else sorted(
        glob.glob(os.path.join(folder, "boot", "vmlinuz-*")), reverse=True) or sorted(
        glob.glob("/boot/vmlinuz-*"), reverse=True)
    for path in candidates:
        if os.access(path, os.R_OK):
            return path
    raise Missing("no kernel image (./check fetches one; TOKENROOF_VM_KERNEL=FILE gives another)")


def find_tools():
    found = {name: shutil.which(name) for name in ("qemu-system-x86_64", "busybox", "cpio")}
    missing = [name for name, path in found.items() if not path]
    if missing:
        raise Missing("not installed: " + ", ".join(missing))
    linked = subprocess.run(["ldd", found["busybox"]], capture_output=True, text=True, check=False)
    if linked.returncode == 0:
        raise Missing("busybox is not a static program (Debian: busybox-static)")
    return found


def libraries(program):
    text = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(?:=> |^\s+)(/\S+) \(0x", text, re.M)


def put(root, path, source):
    """A copy of `source` in the guest at `path`."""
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)


def pack(tools, folder, program, steps):
    """Writes the initramfs and returns its path; steps are (name, shell text)."""
    root = os.path.join(folder, "root")
    for name in ("bin", "dev", "proc", "sys", "steps", "etc"):
        os.makedirs(os.path.join(root, name))
    put(root, "/bin/busybox", tools["busybox"])
    applets = subprocess.run([tools["busybox"], "--list"], capture_output=True, text=True,
                             check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            os.symlink("busybox", os.path.join(root, "bin", applet))
    put(root, "/bin/tokenroof", program)
    for path in libraries(program):
        put(root, path, path)
    texts = {"init": INIT,
             "etc/passwd": "root::0:0::/root:/bin/sh\nuser::1000:1000::/tmp:/bin/sh\n",
             "etc/group": "root::0:\nuser::1000:\n"}
    texts.update({f"steps/{i:02}-{name}": text for i, (name, text) in enumerate(steps)})
    for name, text in texts.items():
        with open(os.path.join(root, name), "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(os.path.join(root, "init"), 0o755)
    names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
    packed = subprocess.run([tools["cpio"], "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root,
                            input=names, capture_output=True, check=True).stdout
    image = os.path.join(folder, "initramfs.gz")
    with open(image, "wb") as file:
        file.write(gzip.compress(packed, 1))
    return image


def boot(folder, program, kernel, machine, steps, timeout_s):
    """{name: (status, out, err)} of the steps, and the guest's console."""
    tools = find_tools()
    options, tables = machine
    image = pack(tools, folder, program, steps)
    for number, table in enumerate(tables):
        path = os.path.join(folder, f"smbios{number}.bin")
        with open(path, "wb") as file:
            file.write(table)
        options = options + ["-smbios", f"file={path}"]
    console, archive = (os.path.join(folder, name) for name in ("console", "results.tar.gz"))
    command = [tools["qemu-system-x86_64"], "-nodefaults", "-accel", "tcg", "-display", "none",
               "-no-reboot", "-serial", f"file:{console}", "-serial", f"file:{archive}",
               "-kernel", kernel, "-initrd", image,
               # Else the kernel lies in any node, and takes a quarter of the smallest one's memory.
               "-append", "console=ttyS0 quiet panic=-1 nokaslr"] + options
    try:
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             errors="replace", timeout=timeout_s, check=False)
        ending = f"status {ran.returncode}: {ran.stderr[-600:]}" if ran.returncode else ""
    except subprocess.TimeoutExpired:
        ending = f"no end within {timeout_s} s"
    text = ""
    if os.path.exists(console):
        with open(console, encoding="utf-8", errors="replace") as file:
            text = file.read()
    return unpack(archive), text + ending


def unpack(archive):
    results = {}
    try:
        with open(archive, "rb") as file:
            data = gzip.decompress(file.read())
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            files = {os.path.basename(m.name): tar.extractfile(m).read().decode("utf-8", "replace")
                     for m in tar.getmembers() if m.isfile()}
    except (OSError, EOFError, tarfile.TarError):
        return results
    for name, text in files.items():
        if name.endswith(".status"):
            stem = name[:-len(".status")]
            results[stem] = (int(text), files[stem + ".out"], files[stem + ".err"])
    return results
