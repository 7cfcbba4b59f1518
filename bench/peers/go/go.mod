module corun/bench/gobench

go 1.25
