"""Adds up the single tests of meson's logs: summary.py TESTLOG.json...

cmocka programs and TAP scripts count by their cases, other programs as one. The last line is
"N passed, N failed, N skipped"; the status is 1 if something failed or nothing passed.
"""
import json
import re
import sys

CMOCKA = re.compile(r"^\[ +(OK|FAILED|SKIPPED|ERROR) +\] (\S+)", re.M)
TAP = re.compile(r"^(not ok|ok) \d+(?: - )?(.*)$", re.M)
COLUMN = {"OK": 0, "FAILED": 1, "ERROR": 1, "SKIPPED": 2}


def cases(entry):
    """([passed, failed, skipped], names of the failed) of one test program."""
    text = entry.get("stdout", "")
    counts, failed = [0, 0, 0], []
    for word, name in CMOCKA.findall(text):
        # What failed is listed once more at the end; "--- ..." lines tell why.
        if name.startswith("---") or name in failed:
            continue
        counts[COLUMN[word]] += 1
        if COLUMN[word] == 1:
            failed.append(name)
    if not any(counts):
        for word, name in TAP.findall(text):
            counts[1 if word == "not ok" else 2 if "# skip" in name.lower() else 0] += 1
            if word == "not ok":
                failed.append(name.split(":")[0])
    result = entry["result"]
    if not any(counts):
        counts[{"OK": 0, "EXPECTEDFAIL": 0, "SKIP": 2}.get(result, 1)] = 1
    elif result not in ("OK", "SKIP", "EXPECTEDFAIL") and not counts[1]:
        counts[1] = 1  # it crashed or ran out of time between two cases
    return counts, failed


def main():
    total = [0, 0, 0]
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                counts, failed = cases(entry)
                total = [a + b for a, b in zip(total, counts)]
                if counts[1]:
                    name = entry["name"].split(" / ")[-1]
                    print(f"failed: {name}{': ' if failed else ''}{', '.join(failed)}")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    sys.exit(1 if total[1] or not total[0] else 0)


if __name__ == "__main__":
    main()
