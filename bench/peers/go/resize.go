package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Row resize: 16 pairs play ping-pong, with a yield in each round, while the pool goes from 4 to 1
// or back every 10 ms; an operation is a round. What counts is the CPU time that one takes. A
// ticker of 1 ms shows how long the others are held up.

const (
	pairs      = 16
	workersTop = 4
	ticksMax   = 20000
)

type pair struct {
	there, back             chan uint64
	rounds, wrong, answered uint64
	_                       [24]byte
}

var over atomic.Bool

func pairPing(p *pair, wg *sync.WaitGroup) {
	for !over.Load() {
		p.there <- p.rounds
		if v, ok := <-p.back; !ok || v != p.rounds+1 {
			p.wrong++
		}
		p.rounds++
		runtime.Gosched()
	}
	close(p.there)
	wg.Done()
}

func pairPong(p *pair, wg *sync.WaitGroup) {
	for v := range p.there {
		p.answered++
		p.back <- v + 1
	}
	wg.Done()
}

func tick(gaps *[]time.Duration, wg *sync.WaitGroup) {
	last := time.Now()
	for !over.Load() && len(*gaps) < ticksMax {
		time.Sleep(time.Millisecond)
		now := time.Now()
		*gaps = append(*gaps, now.Sub(last))
		last = now
	}
	wg.Done()
}

// resizeOften returns the number of times that the pool was not of the size asked for.
func resizeOften(deadline time.Time) (wrong int) {
	size := workersTop
	for time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		if size == 1 {
			size = workersTop
		} else {
			size = 1
		}
		runtime.GOMAXPROCS(size)
		if runtime.GOMAXPROCS(0) != size {
			wrong++
		}
	}
	return wrong
}

func rowResize(b *bench) {
	all := make([]pair, pairs)
	gaps := make([]time.Duration, 0, ticksMax)
	var wg sync.WaitGroup
	wg.Add(2*pairs + 1)
	for i := range all {
		all[i].there = make(chan uint64)
		all[i].back = make(chan uint64)
		go pairPong(&all[i], &wg)
		go pairPing(&all[i], &wg)
	}
	go tick(&gaps, &wg)
	b.start()
	wrongSize := resizeOften(time.Now().Add(time.Duration(
		b.scaled(uint64(2*time.Second), uint64(300*time.Millisecond)))))
	over.Store(true)
	wg.Wait()
	var rounds, answered, wrong uint64
	for i := range all {
		rounds += all[i].rounds
		answered += all[i].answered
		wrong += all[i].wrong
	}
	b.stop(rounds)

	b.check(rounds > 0 && rounds == answered, "as many answers as questions")
	b.check(wrong == 0, "each answer belongs to its question")
	b.check(wrongSize == 0, "the pool had each size that was asked for")
	b.check(len(gaps) > 0, "the ticker ticked")
	b.addMetric("cpu_ns_per_op", float64(b.cpu)/float64(max(rounds, 1)))
	if len(gaps) == 0 {
		return
	}
	b.addMetric("tick_p99_ms", percentile(gaps, 99)/1e6)
	b.addMetric("tick_max_ms", percentile(gaps, 100)/1e6)
}
