"""Adds up the single tests of meson's logs: summary.py TESTLOG.json...

cmocka programs and TAP scripts count by their cases, other programs as one. The last line is
"N passed, N failed, N skipped"; the status is 1 if something failed or nothing passed.
"""
import json
import re
import sys

CMOCKA = re.compile(r"^\[ +(OK|FAILED|SKIPPED|ERROR) +\] \S", re.M)
TAP = re.compile(r"^(not ok|ok) \d+(.*)$", re.M)


def cases(entry):
    """(passed, failed, skipped) of one test program."""
    text = entry.get("stdout", "")
    counts = [0, 0, 0]
    listing = text.find("[  PASSED  ]")  # cmocka names the failed ones again after it
    for match in CMOCKA.finditer(text if listing < 0 else text[:listing]):
        counts[{"OK": 0, "FAILED": 1, "ERROR": 1, "SKIPPED": 2}[match.group(1)]] += 1
    if not any(counts):
        for match in TAP.finditer(text):
            skipped = "# skip" in match.group(2).lower()
            counts[1 if match.group(1) == "not ok" else 2 if skipped else 0] += 1
    result = entry["result"]
    if not any(counts):
        counts[{"OK": 0, "EXPECTEDFAIL": 0, "SKIP": 2}.get(result, 1)] = 1
    elif result not in ("OK", "SKIP", "EXPECTEDFAIL") and not counts[1]:
        counts[1] = 1  # it crashed or ran out of time between two cases
    return counts


def main():
    total = [0, 0, 0]
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                counts = cases(entry)
                total = [a + b for a, b in zip(total, counts)]
                if counts[1]:
                    print(f"failed: {entry['name']}")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    sys.exit(1 if total[1] or not total[0] else 0)


if __name__ == "__main__":
    main()
