package main

import (
	"runtime"
	"sync"
)

// Rows yield and spawn: what a switch costs, and a goroutine's whole life.

const yielders = 100

type yielder struct {
	todo, done uint64
	_          [48]byte
}

func yieldOften(y *yielder, wg *sync.WaitGroup) {
	for i := uint64(0); i < y.todo; i++ {
		runtime.Gosched()
		y.done++
	}
	wg.Done()
}

func yieldRun(b *bench, ops uint64) {
	var wg sync.WaitGroup
	all := make([]yielder, yielders)
	wg.Add(yielders)
	for i := range all {
		all[i].todo = ops / yielders
		go yieldOften(&all[i], &wg)
	}
	wg.Wait()
	var done uint64
	for i := range all {
		done += all[i].done
	}
	b.check(done == ops/yielders*yielders, "each goroutine yielded as often as asked")
}

func rowYield(b *bench) {
	b.measure(yieldRun, b.scaled(5000000, 10000))
}

func countLife(lived *uint64, wg *sync.WaitGroup) {
	*lived++
	wg.Done()
}

func spawnRun(b *bench, ops uint64) {
	var lived uint64 // by one at a time, and Wait orders them
	var wg sync.WaitGroup
	for i := uint64(0); i < ops; i++ {
		wg.Add(1)
		go countLife(&lived, &wg)
		wg.Wait()
	}
	b.check(lived == ops, "as many ran as were spawned")
}

func rowSpawn(b *bench) {
	b.measure(spawnRun, b.scaled(1000000, 1000))
}
