package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// Row sleepers: 100,000 goroutines sleep once each; how late they wake, and what it costs.

const sleepers = 100000

type sleeper struct {
	sleep, late time.Duration
}

var wokeEarly atomic.Uint64

func sleepOnce(s *sleeper, wg *sync.WaitGroup) {
	deadline := time.Now().Add(s.sleep)
	time.Sleep(s.sleep)
	s.late = time.Since(deadline)
	if s.late < 0 {
		wokeEarly.Add(1)
	}
	wg.Done()
}

func rowSleepers(b *bench) {
	n := int(b.scaled(sleepers, 1000))
	all := make([]sleeper, n)
	late := make([]time.Duration, n)
	seed := uint64(1)
	for i := range all {
		all[i].sleep = time.Millisecond +
			time.Duration(random(&seed)%uint64(999*time.Millisecond))
	}
	var wg sync.WaitGroup
	wg.Add(n)
	b.start()
	for i := range all {
		go sleepOnce(&all[i], &wg)
	}
	wg.Wait()
	b.stop(uint64(n))

	for i := range all {
		late[i] = all[i].late
	}
	b.check(wokeEarly.Load() == 0, "nobody woke early")
	b.addMetric("late_p50_us", percentile(late, 50)/1e3)
	b.addMetric("late_p99_us", percentile(late, 99)/1e3)
	b.addMetric("cpu_ms", float64(b.cpu)/1e6)
}
