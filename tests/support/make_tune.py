"""make_tune.py LINE...: a record of tokenroof tune, as events in words.

  try LABEL BOOT [READ TG PP]     announced, with the ratios that it can bring at most
  rec LABEL BOOT READ [SCATTER]   a recording of five rounds
  cut LABEL BOOT READ N      one that was cut off in its second round, after N samples
  crashed LABEL BOOT, interrupted LABEL BOOT      marked as such
Each LINE is one argument; BOOT "now" is this boot. Times are a minute apart, from 2026-11-25 on.
"""
import json
import random
import shlex
import sys

RANDOM = random.Random(1)
MINUTE = 0


def now():
    global MINUTE
    MINUTE += 1
    return f"2026-11-25T{MINUTE // 60:02}:{MINUTE % 60:02}:00Z"


def line(event, **fields):
    print(json.dumps(dict(event=event, **fields)))


def boot(word):
    if word != "now":
        return word
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def figure(value, scatter):
    return {"value": value, "low": value * (1 - scatter), "high": value * (1 + scatter),
            "scatter": scatter, "n": 9, "doubt": None}


def round_of(number, read, scatter):
    read *= 1 + RANDOM.gauss(0, 0.002)
    figures = {"read": read, "copy": 0.9 * read, "triad": 0.92 * read, "latency": 1e4 / read,
               "fma": 500.0, "tg": read / 5, "pp": 60.0}
    line("round", round=number, tier="measured",
         figures={name: figure(value, scatter) for name, value in figures.items()})


def main():
    line("session", schema="tokenroof.tune-record/1", at=now(), host_id="0123456789ab",
         model="llama-3.1-8b-q4_k_m", tool={})
    for argument in sys.argv[1:]:
        word, label, where, *rest = shlex.split(argument)
        common = dict(at=now(), label=label, boot_id=boot(where), machine={})
        if word == "try":
            at_most = dict(zip(("read", "tg", "pp"), map(float, rest))) if rest else None
            line("trying", what_if=None, at_most=at_most, **common)
            continue
        if word in ("crashed", "interrupted"):
            del common["machine"]
            line(word, why="said so", **common)
            continue
        line("measuring", pid=1, forms=None, **common)
        read, scatter = float(rest[0]), float(rest[1]) if word == "rec" and rest[1:] else 0.01
        if word == "rec":
            for number in range(1, 6):
                round_of(number, read, scatter)
            line("measured", at=now(), rounds=5, separated=None, why="enough")
        else:
            round_of(1, read, scatter)
            line("samples", round=2, samples={"read": [read] * int(rest[1])})


main()
