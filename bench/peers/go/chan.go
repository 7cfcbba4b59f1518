package main

import "sync"

// Rows pingpong, many, ring and skynet: channels. Elements are uint64 in all of them.

// pingpong: two goroutines, two unbuffered channels; an operation is there and back.

func pong(there, back chan uint64, wg *sync.WaitGroup) {
	for v := range there {
		back <- v + 1
	}
	wg.Done()
}

func pingpongRun(b *bench, ops uint64) {
	there, back := make(chan uint64), make(chan uint64)
	var wg sync.WaitGroup
	wg.Add(1)
	go pong(there, back, &wg)
	wrong := 0
	for i := uint64(0); i < ops; i++ {
		there <- i
		if v, ok := <-back; !ok || v != i+1 {
			wrong++
		}
	}
	close(there)
	wg.Wait()
	b.check(wrong == 0, "each answer belongs to its question")
}

func rowPingpong(b *bench) {
	b.measure(pingpongRun, b.scaled(1000000, 1000))
}

// many: 4 producers, 4 consumers, one channel of 128; an operation is an element.

const (
	manyEach     = 4
	manyCapacity = 128
)

type consumed struct {
	sum, received uint64
	_             [48]byte
}

func produce(ch chan uint64, first, n uint64, wg *sync.WaitGroup) {
	for i := uint64(0); i < n; i++ {
		ch <- first + i
	}
	wg.Done()
}

func consume(ch chan uint64, c *consumed, wg *sync.WaitGroup) {
	for v := range ch {
		c.sum += v
		c.received++
	}
	wg.Done()
}

func manyRun(b *bench, ops uint64) {
	ch := make(chan uint64, manyCapacity)
	var producers, consumers sync.WaitGroup
	out := make([]consumed, manyEach)
	n := ops / manyEach
	producers.Add(manyEach)
	consumers.Add(manyEach)
	for i := range out {
		go produce(ch, uint64(i)*n, n, &producers)
		go consume(ch, &out[i], &consumers)
	}
	producers.Wait()
	close(ch)
	consumers.Wait()
	var sum, received uint64
	for i := range out {
		sum += out[i].sum
		received += out[i].received
	}
	total := n * manyEach
	b.check(received == total, "as many received as sent")
	b.check(sum == total*(total-1)/2, "what was received is what was sent")
}

func rowMany(b *bench) {
	b.measure(manyRun, b.scaled(4000000, 10000))
}

// ring: 503 goroutines pass a token on; an operation is a hop.

const ring = 503

func passOn(in, out, done chan uint64, number uint64, wg *sync.WaitGroup) {
	for token := range in {
		if token != 0 {
			out <- token - 1
		} else {
			done <- number
		}
	}
	wg.Done()
}

func ringRun(b *bench, ops uint64) {
	var all [ring]chan uint64
	done := make(chan uint64)
	var wg sync.WaitGroup
	for i := range all {
		all[i] = make(chan uint64)
	}
	wg.Add(ring)
	for i := range all {
		go passOn(all[i], all[(i+1)%ring], done, uint64(i), &wg)
	}
	all[0] <- ops
	last := <-done
	b.check(last == ops%ring, "the token ended where it has to")
	for i := range all {
		close(all[i])
	}
	wg.Wait()
}

func rowRing(b *bench) {
	b.measure(ringRun, b.scaled(1500000, 1000))
}

// skynet: a tree of goroutines, ten children each, sums the numbers of its leaves.

func skynet(up chan uint64, number, leaves uint64) {
	if leaves == 1 {
		up <- number
		return
	}
	ch := make(chan uint64)
	for i := uint64(0); i < 10; i++ {
		go skynet(ch, number+i*(leaves/10), leaves/10)
	}
	var sum uint64
	for range 10 {
		sum += <-ch
	}
	up <- sum
}

// Cold, unlike the others: how fast so many goroutines come to be is half of the matter.
func rowSkynet(b *bench) {
	wanted, leaves := b.scaled(1000000, 1000), uint64(1000)
	for leaves*10 <= wanted {
		leaves *= 10
	}
	up := make(chan uint64)
	b.start()
	go skynet(up, 0, leaves)
	sum := <-up
	b.stop(leaves)
	b.check(sum == leaves*(leaves-1)/2, "the sum of all leaves")
	b.addMetric("ms", float64(b.elapsed)/1e6)
}
