"""Turns data files into one C source: embed.py OUTPUT [--function NAME --header FILE] FILE...

The source has a function that finds a file by its name (tr_data_find, of data.h, unless said
otherwise)."""
import argparse
import os

parser = argparse.ArgumentParser()
parser.add_argument("output")
parser.add_argument("--function", default="tr_data_find")
parser.add_argument("--header", default="data.h")
parser.add_argument("files", nargs="+")
arguments = parser.parse_args()
output, inputs = arguments.output, arguments.files
with open(output, "w", encoding="ascii") as out:
    out.write(f'#include "{arguments.header}"\n\n#include <string.h>\n\n')
    names = []
    for number, path in enumerate(inputs):
        with open(path, "rb") as file:
            content = file.read()
        names.append((os.path.basename(path), len(content)))
        out.write(f"static const unsigned char bytes_{number}[] = {{")
        for at in range(0, len(content), 24):
            out.write("\n" + ",".join(str(byte) for byte in content[at:at + 24]) + ",")
        out.write("\n0};\n\n")
    out.write("static const struct tr_data files[] = {\n")
    for number, (name, length) in enumerate(names):
        out.write(f'    {{"{name}", (const char *)bytes_{number}, {length}}},\n')
    out.write("};\n\n")
    out.write(
        f"const struct tr_data *{arguments.function}(const char *name) {{\n"
        "    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)\n"
        "        if (!strcmp(files[i].name, name))\n"
        "            return &files[i];\n"
        "    return NULL;\n"
        "}\n")
