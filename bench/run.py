#!/usr/bin/env python3
"""Run the benchmarks of libcorun against its peers, alternating, and report ratios.

Each run is a process of its own: CONTESTANT ROW WORKERS SCALE, one line of JSON on stdout. Within
a round every contestant does a row before the next row comes, in an order that rotates, so that
whatever else the machine does hits all of them alike. Only ratios within one round are compared.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

# Each: name, workers (None: each of BENCH_WORKERS), what it is.
ROWS = [
    ("yield", None, "100 coroutines yield; per yield"),
    ("spawn", None, "start one coroutine and join it; per coroutine"),
    ("pingpong", None, "two coroutines, two unbuffered channels; there and back"),
    ("many", None, "4 producers, 4 consumers, one channel of 128; per element"),
    ("ring", None, "503 coroutines in a ring of unbuffered channels; per hop"),
    ("skynet", None, "a tree of coroutines with 10^6 leaves; the whole, cold"),
    ("mutex", None, "8 coroutines, one mutex; per lock and unlock"),
    ("sleepers", None, "100,000 coroutines sleep 1 to 1,000 ms once"),
    ("memory", 2, "resident bytes per parked coroutine, with page tables, 100,000 of them"),
    ("resize", 4, "16 pairs that yield and play ping-pong, and a 1 ms ticker; the pool 1 and 4 in turn, each 10 ms"),
]

REFERENCE = "corun"  # ratios are REFERENCE / other: below 1, corun is the better one
NO_SUCH_ROW = 3  # exit code of a contestant that does not do a row
RUN_SECONDS_MAX = 120


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--corun", metavar="PROGRAM", required=True)
    p.add_argument("--go", metavar="PROGRAM", default="")
    p.add_argument("--go-command", default="go", help="what it was built with, for the report")
    p.add_argument("--compiler", default="", help="what corun was built with, for the report")
    p.add_argument("--results", metavar="FOLDER", default="bench/results")
    p.add_argument("--quick", action="store_true", help="a tenth of the work, 3 rounds")
    p.add_argument("--max-ratio", type=float, metavar="R",
                   help="exit with 1 if a median ratio is above R")
    p.add_argument("--rounds", type=int, default=os.environ.get("BENCH_ROUNDS"),
                   help="default 11, or BENCH_ROUNDS")
    p.add_argument("--rows", default=os.environ.get("BENCH_ROWS", ""),
                   help="comma-separated; default all, or BENCH_ROWS")
    p.add_argument("--workers", default=os.environ.get("BENCH_WORKERS", "1,2"),
                   help="comma-separated; default 1,2, or BENCH_WORKERS")
    args = p.parse_args()

    names = [name for name, _, _ in ROWS]
    args.rows = [r for r in args.rows.replace(",", " ").split()] or names
    for row in args.rows:
        if row not in names:
            p.error(f"no row '{row}'; there are: {' '.join(names)}")
    try:
        args.workers = [int(w) for w in args.workers.replace(",", " ").split()]
        args.rounds = int(args.rounds or (3 if args.quick else 11))
    except ValueError as e:
        p.error(str(e))
    if not args.workers or min(args.workers) < 1 or args.rounds < 1:
        p.error("workers and rounds are numbers from 1")
    args.scale = 0.1 if args.quick else 1
    return args


def find_contestants(args):
    """Those that are there, REFERENCE first. One more contestant is one more line here."""
    found = {}
    for name, program in (("corun", args.corun), ("go", args.go)):
        if program and os.access(program, os.X_OK):
            found[name] = program
        else:
            say(f"{name}: no program '{program}': left out")
    return found


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_once(program, row, workers, scale):
    """Return (result, error); both None if the contestant does not do this row."""
    try:
        p = subprocess.run([program, row, str(workers), str(scale)], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, timeout=RUN_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return None, f"did not end within {RUN_SECONDS_MAX} s"
    if p.returncode == NO_SUCH_ROW:
        return None, None
    if p.returncode != 0:
        last = (p.stderr.strip().splitlines() or [""])[-1]
        return None, f"exit code {p.returncode}: {last}"
    try:
        result = json.loads(p.stdout)
    except ValueError:
        return None, "printed no JSON"
    if not result["ok"]:
        return None, "a check failed, or there was none"
    return result, None


def run_all(args, contestants):
    """Return (runs, errors): runs[row, workers][contestant] is a list of results by round."""
    plan = [(row, w) for row, fixed, _ in ROWS if row in args.rows
            for w in ([fixed] if fixed else args.workers)]
    runs = {key: {c: [] for c in contestants} for key in plan}
    errors = []
    total = args.rounds * len(plan) * len(contestants)
    names, done, start = list(contestants), 0, time.monotonic()
    for r in range(args.rounds):
        for i, (row, w) in enumerate(plan):
            turn = (r + i) % len(names)
            for c in names[turn:] + names[:turn]:
                result, error = run_once(contestants[c], row, w, args.scale)
                done += 1
                runs[row, w][c].append(result)
                if error:
                    errors.append(f"{c} {row} workers={w} round {r + 1}: {error}")
                left = (time.monotonic() - start) / done * (total - done)
                what = error or "does not do this row"
                if result:
                    what = "  ".join(f"{k} {v:.4g}" for k, v in result["metrics"].items())
                say(f"[{done}/{total}, {left:.0f} s left] {row} workers={w} {c}: {what}")
    return runs, errors


def summarize(runs):
    """One entry per row, workers, metric and other contestant (or None if corun is alone)."""
    table = []
    for (row, w), by_contestant in runs.items():
        ours = by_contestant.get(REFERENCE, [])
        others = [c for c in by_contestant if c != REFERENCE] or [None]
        for metric in next((r["metrics"] for r in ours if r), {}):
            for other in others:
                entry = {"row": row, "workers": w, "metric": metric, "other": other,
                         "corun": statistics.median(r["metrics"][metric] for r in ours if r)}
                pairs = [(a, b) for a, b in zip(ours, by_contestant.get(other, [])) if a and b]
                if pairs:
                    entry["other_median"] = statistics.median(b["metrics"][metric]
                                                              for _, b in pairs)
                    entry["ratio"] = spread(a["metrics"][metric] / b["metrics"][metric]
                                            for a, b in pairs if b["metrics"][metric])
                    entry["cpu_ratio"] = spread(cpu_per_op(a) / cpu_per_op(b)
                                                for a, b in pairs if cpu_per_op(b))
                table.append(entry)
    return table


def cpu_per_op(result):
    return result["cpu_seconds"] / max(result["ops"], 1)


def spread(ratios):
    ratios = list(ratios)
    if not ratios:
        return None
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def describe_machine(args, contestants):
    cpu = ""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            cpu = next((line.split(":", 1)[1].strip() for line in f
                        if line.startswith("model name")), "")
    except OSError:
        pass
    compiler = args.compiler.split()
    version = output_of(compiler[0], "--version").splitlines()[:1] if compiler else []
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu or platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "compiler": " ".join(version + (["(" + args.compiler + ")"] if compiler else [])),
        "go": output_of(args.go_command, "version") if "go" in contestants else "none",
        "load_before": round(os.getloadavg()[0], 2),
    }


def format_ratio(r):
    return f"{r['median']:.2f} ({r['min']:.2f}..{r['max']:.2f})" if r else "-"


def format_cells(table):
    head = ["row", "workers", "metric", "corun", "other", "its median", "ratio (spread)",
            "CPU ratio (spread)"]
    cells = [head]
    for e in table:
        other = f"{e['other_median']:.4g}" if "other_median" in e else "-"
        # Of the metrics of one row the first stands for the run.
        first = e["metric"] == next(x["metric"] for x in table if x["row"] == e["row"])
        cells.append([e["row"], str(e["workers"]), e["metric"], f"{e['corun']:.4g}",
                      e["other"] or "-", other, format_ratio(e.get("ratio")),
                      format_ratio(e.get("cpu_ratio")) if first else ""])
    return cells


def print_table(cells):
    width = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    for line in cells:
        print("  ".join(cell.ljust(width[i]) for i, cell in enumerate(line)).rstrip())


def write_markdown(path, cells, machine, args, errors):
    with open(path, "w", encoding="utf-8") as f:
        f.write("# Benchmarks\n\n")
        f.write(f"{args.rounds} rounds, contestants alternating, each run a process of its own"
                f"{'; a tenth of the work (--quick)' if args.quick else ''}. A ratio is corun / "
                "other within a round: below 1 corun is the better one. First the median of all "
                "rounds, then the lowest and the highest. The CPU ratio compares the CPU time "
                "per operation of all threads. See bench/README.md.\n\n")
        for key, value in machine.items():
            f.write(f"- {key.replace('_', ' ')}: {value}\n")
        f.write("\n| " + " | ".join(cells[0]) + " |\n")
        f.write("|" + " --- |" * len(cells[0]) + "\n")
        for line in cells[1:]:
            f.write("| " + " | ".join(line) + " |\n")
        f.write("\n## Rows\n\n")
        for name, _, what in ROWS:
            if name in args.rows:
                f.write(f"- **{name}**: {what}\n")
        if errors:
            f.write("\n## Runs that failed\n\n")
            for error in errors:
                f.write(f"- {error}\n")


def write_json(path, runs, table, machine, args, errors):
    with open(path, "w", encoding="utf-8") as f:
        json.dump({
            "machine": machine, "rounds": args.rounds, "scale": args.scale, "summary": table,
            "runs": [{"row": row, "workers": w, "contestant": c, "results": results}
                     for (row, w), by in runs.items() for c, results in by.items()],
            "errors": errors,
        }, f, indent=1)
        f.write("\n")


def main():
    args = parse_arguments()
    contestants = find_contestants(args)
    if REFERENCE not in contestants:
        return 1
    machine = describe_machine(args, contestants)
    os.makedirs(args.results, exist_ok=True)
    runs, errors = run_all(args, contestants)
    table = summarize(runs)
    cells = format_cells(table)
    print_table(cells)
    write_markdown(os.path.join(args.results, "results.md"), cells, machine, args, errors)
    write_json(os.path.join(args.results, "results.json"), runs, table, machine, args, errors)
    say(f"written: {args.results}/results.md, {args.results}/results.json")

    for error in errors:
        say(f"FAILED: {error}")
    beyond = [e for e in table if args.max_ratio and e.get("ratio")
              and e["ratio"]["median"] > args.max_ratio]
    for e in beyond:
        say(f"beyond {args.max_ratio}: {e['row']} workers={e['workers']} {e['metric']}: "
            f"{e['ratio']['median']:.2f} times {e['other']}")
    return 1 if errors or beyond else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
