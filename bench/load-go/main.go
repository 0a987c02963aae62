// Command faktory-load is the load generator of all benchmarks: a crowd of Faktory clients on one
// thread. It takes its task from flags and its orders from standard input, and reports in JSON lines.
// When its standard input closes, it ends, so that it never outlives the benchmark.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

type plan struct {
	address                         string
	producers, consumers, perWorker int
	// jobsPerSecond is for all producers together; 0: each pushes as soon as it is answered.
	jobsPerSecond int
	once          bool
	payload       int
	// backlog is how many jobs of this crowd may be under way; 0: no bound.
	backlog          int64
	queue, workQueue string
	ledger           string
	jobs             int64
	handshakes       int
	beatEvery        time.Duration
	retryDelay       time.Duration
	comeOver         time.Duration
	readyWithin      time.Duration
	warmUp, measure  time.Duration
	lastAnswers      time.Duration
	pids             []int
}

func main() {
	var p plan
	var pids string
	flag.StringVar(&p.address, "address", "127.0.0.1:7419", "where to connect")
	flag.IntVar(&p.producers, "producers", 0, "clients that push")
	flag.IntVar(&p.consumers, "consumers", 0, "clients that fetch and acknowledge")
	flag.IntVar(&p.perWorker, "per-worker", 20, "consumers with one wid")
	flag.IntVar(&p.jobsPerSecond, "rate", 0, "PUSHes per second of all producers; 0: as fast as they are answered")
	flag.BoolVar(&p.once, "once", false, "each producer pushes one job")
	flag.IntVar(&p.payload, "payload", 16, "bytes in a job's argument")
	flag.Int64Var(&p.backlog, "backlog", 0, "jobs under way at once; 0: no bound")
	flag.StringVar(&p.queue, "queue", "bench", "where producers push")
	flag.StringVar(&p.workQueue, "work-queue", "bench", "where consumers fetch")
	flag.StringVar(&p.ledger, "ledger", "", "the file for the acknowledged commands")
	flag.Int64Var(&p.jobs, "jobs", 0, "stop when consumers have acknowledged so many; 0: never")
	flag.IntVar(&p.handshakes, "handshakes", 200, "clients before their +HI at once")
	flag.DurationVar(&p.beatEvery, "beat-every", 15*time.Second, "between the BEATs of a worker")
	flag.DurationVar(&p.retryDelay, "retry-delay", 100*time.Millisecond, "before a client dials again, or fetches again after an error")
	flag.DurationVar(&p.comeOver, "come-over", 0, "the time over which the clients dial")
	flag.DurationVar(&p.readyWithin, "ready-within", 30*time.Second, "how long to wait until all clients are admitted")
	flag.DurationVar(&p.warmUp, "warm-up", 0, "the time before anything is measured")
	flag.DurationVar(&p.measure, "measure", 0, "how long to measure; 0: until told to stop")
	flag.DurationVar(&p.lastAnswers, "last-answers", 20*time.Second, "how long to wait for the last answers")
	flag.StringVar(&pids, "pids", "", "processes whose CPU time is read, with commas")
	flag.Parse()
	p.pids = numbers(pids)

	// Collecting would only add noise, until memory is short.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(1 << 30)
	runtime.LockOSThread()
	if err := run(p); err != nil {
		fmt.Fprintln(os.Stderr, "Cannot generate load:", err)
		os.Exit(1)
	}
}

func numbers(list string) []int {
	var found []int
	for _, text := range strings.Split(list, ",") {
		if n, err := strconv.Atoi(text); err == nil {
			found = append(found, n)
		}
	}
	return found
}
