// Command faktory-load is the side-by-side benchmark's load generator: many clients of Faktory on one
// thread. It reads its task from flags and answers in JSON lines; when its standard input closes, it
// ends, so that it never outlives the benchmark.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

func main() {
	load := flag.String("load", "push", "push, cycle, drain, idle, storm or crowd")
	address := flag.String("address", "127.0.0.1:7419", "where to connect")
	clients := flag.Int("clients", 20, "clients; in a cycle, those that push")
	consumers := flag.Int("consumers", 0, "cycle: clients that fetch and acknowledge")
	payload := flag.Int("payload", 16, "bytes in a job's argument")
	backlog := flag.Int("backlog", 1000, "cycle: jobs under way at once; drain: jobs queued at its beginning")
	warmUp := flag.Duration("warm-up", 500*time.Millisecond, "before anything counts")
	measure := flag.Duration("measure", 3*time.Second, "how long to measure")
	pids := flag.String("pids", "", "processes whose CPU time is read, with commas")
	var k crowdPlan
	flag.IntVar(&k.perWorker, "per-worker", perWorker, "crowd: connections with one wid")
	flag.IntVar(&k.jobsPerSecond, "rate", 0, "crowd: PUSHes per second of all producers; 0: as fast as they are answered")
	flag.BoolVar(&k.once, "once", false, "crowd: each producer pushes one job")
	flag.StringVar(&k.queue, "queue", pushQueue, "crowd: where producers push")
	flag.StringVar(&k.workQueue, "work-queue", cycleQueue, "crowd: where consumers fetch")
	flag.StringVar(&k.ledger, "ledger", "", "crowd: the file for the acknowledged commands")
	flag.Int64Var(&k.firstJid, "first-jid", 1, "crowd: number in the first jid")
	flag.DurationVar(&k.beatEvery, "beat-every", 15*time.Second, "crowd: between the BEATs of a worker")
	flag.DurationVar(&k.retryDelay, "retry-delay", 100*time.Millisecond, "crowd: before a client dials again, or fetches again after an error")
	flag.DurationVar(&k.comeOver, "come-over", 0, "crowd: the time over which the clients dial")
	flag.DurationVar(&k.lastAnswers, "last-answers", 20*time.Second, "crowd: how long to wait for the last answers")
	flag.Parse()

	// Collecting would only add noise, until memory is short.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(1 << 30)
	l, err := newLoop(*address)
	if err != nil {
		fail(err)
	}
	p := plan{
		address: *address, clients: *clients, consumers: *consumers, payload: *payload,
		backlog: *backlog, warmUp: *warmUp, measure: *measure, pids: numbers(*pids),
	}
	k.producers, k.consumers, k.measure = *clients, *consumers, *measure
	lines := bufio.NewScanner(os.Stdin)
	// A crowd and idle clients read their orders from it themselves.
	if *load != "idle" && *load != "crowd" {
		go func() {
			for lines.Scan() {
			}
			os.Exit(1)
		}()
	}
	runtime.LockOSThread()
	if *load == "crowd" {
		err = runCrowd(l, k, lines)
	} else {
		err = run(*load, l, p, lines)
	}
	if err != nil {
		fail(err)
	}
}

func run(load string, l *loop, p plan, lines *bufio.Scanner) error {
	switch load {
	case "push":
		return push(l, p)
	case "cycle":
		return cycle(l, p)
	case "drain":
		return drain(l, p)
	case "idle":
		return idle(l, p, lines)
	case "storm":
		return storm(l, p)
	}
	return fmt.Errorf("no load is called %q", load)
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

func fail(err error) {
	fmt.Fprintln(os.Stderr, "Cannot generate load:", err)
	os.Exit(1)
}
