package main

import "sync"

// Row mutex: 8 goroutines add to one counter; an operation is lock, add, unlock.

const lockers = 8

var shared struct {
	mutex sync.Mutex
	count uint64 // under mutex
	each  uint64
}

func addOften(wg *sync.WaitGroup) {
	each := shared.each
	for i := uint64(0); i < each; i++ {
		shared.mutex.Lock()
		shared.count++
		shared.mutex.Unlock()
	}
	wg.Done()
}

func mutexRun(b *bench, ops uint64) {
	var wg sync.WaitGroup
	shared.count = 0
	shared.each = ops / lockers
	wg.Add(lockers)
	for range lockers {
		go addOften(&wg)
	}
	wg.Wait()
	b.check(shared.count == shared.each*lockers, "no addition was lost")
}

func rowMutex(b *bench) {
	b.measure(mutexRun, b.scaled(10000000, 80000))
}
