module faktory-bouncer/bench/load-go

go 1.24
