module faktory-bouncer/test/support/faktory

go 1.24.0

tool github.com/contribsys/faktory/cmd/faktory

require (
	github.com/contribsys/faktory v1.8.0
	github.com/contribsys/faktory_worker_go v1.7.0
)

require (
	github.com/BurntSushi/toml v0.4.1 // indirect
	github.com/cespare/xxhash/v2 v2.2.0 // indirect
	github.com/dgryski/go-rendezvous v0.0.0-20200823014737-9f7001d12a5f // indirect
	github.com/justinas/nosurf v1.1.1 // indirect
	github.com/redis/go-redis/v9 v9.2.0 // indirect
)
