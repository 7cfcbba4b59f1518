package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Row memory: what a parked goroutine occupies, page tables included.

const parked = 100000

var (
	gate            = make(chan uint64)
	arrived, passed atomic.Uint64
)

func waitAtGate(wg *sync.WaitGroup) {
	arrived.Add(1)
	if _, ok := <-gate; !ok {
		passed.Add(1)
	}
	wg.Done()
}

// Resident memory and page tables of this process.
func memoryBytes() uint64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	var sum uint64
	found := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib uint64
		line := s.Text()
		if n, _ := fmt.Sscanf(line, "VmRSS: %d", &kib); n == 1 {
			sum += kib
			found++
		} else if n, _ := fmt.Sscanf(line, "VmPTE: %d", &kib); n == 1 {
			sum += kib
			found++
		}
	}
	if found != 2 {
		return 0
	}
	return sum * 1024
}

func rowMemory(b *bench) {
	n := b.scaled(parked, 1000)
	var wg sync.WaitGroup
	wg.Add(int(n))
	before := memoryBytes()
	b.start()
	for range n {
		go waitAtGate(&wg)
	}
	for arrived.Load() < n {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // from arriving to parked
	after := memoryBytes()
	close(gate)
	wg.Wait()
	b.stop(n)

	b.check(passed.Load() == n, "all were parked and all went on")
	b.check(before > 0 && after > before, "/proc/self/status could be read")
	b.addMetric("bytes", (float64(after)-float64(before))/float64(n))
}
