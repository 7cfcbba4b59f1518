// gobench ROW WORKERS [SCALE] runs one row once and prints one line of JSON: the same rows as
// corun_bench, with the same counts, capacities, element sizes and joins (a WaitGroup where that
// one uses corun_join).
//
// Exit code: 0; 1: a check failed; 2: wrong usage; 3: no such row.
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type metric struct {
	name  string
	value float64
}

// One run of one row.
type bench struct {
	row     string
	workers int
	scale   float64 // 1 is the full size

	began   time.Time
	ops     uint64
	elapsed time.Duration // these are of the timed part
	cpu     time.Duration // of all threads, in user and kernel mode
	passed  int           // checks
	failed  int
	metrics []metric
}

var rows = []struct {
	name string
	run  func(b *bench)
}{
	{"yield", rowYield},
	{"spawn", rowSpawn},
	{"pingpong", rowPingpong},
	{"many", rowMany},
	{"ring", rowRing},
	{"skynet", rowSkynet},
	{"mutex", rowMutex},
	{"sleepers", rowSleepers},
	{"memory", rowMemory},
	{"resize", rowResize},
}

// scaled returns full times the scale, at least least.
func (b *bench) scaled(full, least uint64) uint64 {
	return max(uint64(float64(full)*b.scale), least)
}

// check counts a check; one that fails is said on stderr and fails the run.
func (b *bench) check(ok bool, what string) {
	if ok {
		b.passed++
		return
	}
	b.failed++
	fmt.Fprintf(os.Stderr, "gobench: %s: not so: %s\n", b.row, what)
}

func (b *bench) addMetric(name string, value float64) {
	b.metrics = append(b.metrics, metric{name, value})
}

func cpuNow() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// start and stop stand around the timed part, which did ops operations.
func (b *bench) start() {
	b.cpu = cpuNow()
	b.began = time.Now()
}

func (b *bench) stop(ops uint64) {
	b.elapsed = time.Since(b.began)
	b.cpu = cpuNow() - b.cpu
	b.ops = ops
}

// measure times ops operations and reports ns_per_op; a tenth of them goes before, untimed.
func (b *bench) measure(run func(b *bench, ops uint64), ops uint64) {
	run(b, ops/10)
	b.start()
	run(b, ops)
	b.stop(ops)
	b.addMetric("ns_per_op", float64(b.elapsed)/float64(ops))
}

// random returns the next of a fixed sequence (splitmix64), the same for all contestants.
func random(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// percentile sorts v and returns the value that percent of them do not exceed.
func percentile(v []time.Duration, percent float64) float64 {
	slices.Sort(v)
	return float64(v[int(float64(len(v)-1)*percent/100)])
}

// ok says whether all checks passed; a run without one has shown nothing.
func (b *bench) ok() bool {
	return b.passed > 0 && b.failed == 0
}

func (b *bench) printJSON() {
	fmt.Printf(`{"row":%q,"workers":%d,"ops":%d,"seconds":%.6f,"cpu_seconds":%.6f,`+
		`"ok":%t,"metrics":{`,
		b.row, b.workers, b.ops, b.elapsed.Seconds(), b.cpu.Seconds(), b.ok())
	for i, m := range b.metrics {
		if i > 0 {
			fmt.Print(",")
		}
		fmt.Printf("%q:%.6g", m.name, m.value)
	}
	fmt.Println("}}")
}

func usage() {
	names := make([]string, 0, len(rows))
	for _, r := range rows {
		names = append(names, r.name)
	}
	fmt.Fprintf(os.Stderr, "usage: gobench ROW WORKERS [SCALE]\nrows: %s\n",
		strings.Join(names, " "))
}

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		usage()
		os.Exit(2)
	}
	b := &bench{row: os.Args[1], scale: 1}
	var err error
	b.workers, err = strconv.Atoi(os.Args[2])
	if err == nil && len(os.Args) == 4 {
		b.scale, err = strconv.ParseFloat(os.Args[3], 64)
	}
	if err != nil || b.workers < 1 || !(b.scale > 0) {
		usage()
		os.Exit(2)
	}
	for _, r := range rows {
		if r.name != b.row {
			continue
		}
		runtime.GOMAXPROCS(b.workers)
		r.run(b)
		b.printJSON()
		if !b.ok() {
			os.Exit(1)
		}
		return
	}
	usage()
	os.Exit(3)
}
