"""make_runs.py SOURCE FOLDER N SEED [KERNEL=FACTOR...]: N runs made of one calibration file.

Figures scatter by 0.3% from run to run; those of a kernel that is named are multiplied."""
import json
import os
import random
import sys


def main():
    source, folder, number, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    factors = dict(argument.split("=") for argument in sys.argv[5:])
    scatter = random.Random(seed)
    os.makedirs(folder, exist_ok=True)
    for run in range(number):
        with open(source, encoding="utf-8") as file:
            document = json.load(file)
        document["created"] = f"2026-03-{run + 1:02d}T09:00:40Z"
        for figure in document["measurements"]:
            factor = float(factors.get(figure["kernel"], 1)) * scatter.gauss(1, 0.003)
            for name in ("best", "median", "mad"):
                figure[name] *= factor
            for name in ("ci95", "samples"):
                figure[name] = [value * factor for value in figure[name]]
        with open(os.path.join(folder, f"{run:02d}.json"), "w", encoding="utf-8") as file:
            json.dump(document, file)


main()
