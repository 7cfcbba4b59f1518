// gomaxprocs prints Go's own worker count five times a second, for comparison with corun's.
package main

import (
	"fmt"
	"runtime"
	"time"
)

func main() {
	for {
		fmt.Println(runtime.GOMAXPROCS(0))
		time.Sleep(200 * time.Millisecond)
	}
}
