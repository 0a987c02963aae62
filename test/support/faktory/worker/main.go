// Command worker is a worker process as its authors would write one with faktory_worker_go: it pushes
// jobs, works them off and says in one JSON line how often each was done. Faktory is where
// FAKTORY_URL says. It ends when all are done, or with code 1.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	faktory "github.com/contribsys/faktory/client"
	worker "github.com/contribsys/faktory_worker_go"
)

const (
	pushers    = 10
	doneWithin = 60 * time.Second
	jobType    = "count"
)

var queues = []string{"critical", "default", "bulk"}

func main() {
	jobs := flag.Int("jobs", 2000, "how many jobs to push and to do")
	concurrency := flag.Int("concurrency", 20, "goroutines that fetch and do them")
	flag.Parse()
	if err := run(*jobs, *concurrency); err != nil {
		fmt.Fprintln(os.Stderr, "Cannot do the jobs:", err)
		os.Exit(1)
	}
}

func run(jobs, concurrency int) error {
	done := newTally()
	// Half is there before the worker, half comes while it works.
	pool, err := faktory.NewPool(pushers)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := push(pool, 0, jobs/2); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), doneWithin)
	defer stop()
	mgr := worker.NewManager()
	mgr.Concurrency = concurrency
	mgr.Logger = quiet{}
	// Weighted: the queues' order is shuffled anew for every FETCH.
	mgr.ProcessWeightedPriorityQueues(map[string]int{queues[0]: 3, queues[1]: 2, queues[2]: 1})
	mgr.Register(jobType, func(_ context.Context, args ...interface{}) error {
		if done.add(args[0].(float64)) == jobs {
			// Its own ACK is still to come: it is part of a graceful end.
			stop()
		}
		return nil
	})
	pushed := make(chan error, 1)
	go func() { pushed <- push(pool, jobs/2, jobs) }()
	if err := mgr.RunWithContext(ctx); err != nil {
		return err
	}
	if err := <-pushed; err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(done.report())
}

// push pushes the jobs from one number up to another.
func push(pool *faktory.Pool, from, to int) error {
	numbers := make(chan int)
	failed := make(chan error, pushers)
	for range pushers {
		go func() {
			var first error
			for number := range numbers {
				job := faktory.NewJob(jobType, number)
				job.Queue = queues[number%len(queues)]
				err := pool.With(func(c *faktory.Client) error { return c.Push(job) })
				if first == nil {
					first = err
				}
			}
			failed <- first
		}()
	}
	for number := from; number < to; number++ {
		numbers <- number
	}
	close(numbers)
	var err error
	for range pushers {
		if one := <-failed; one != nil {
			err = one
		}
	}
	return err
}

// tally counts how often each job was done.
type tally struct {
	mutex sync.Mutex
	times map[float64]int
}

type report struct {
	Done  int `json:"done"`
	Twice int `json:"twice"`
}

func newTally() *tally {
	return &tally{times: map[float64]int{}}
}

// add answers how many different jobs were done so far.
func (t *tally) add(job float64) int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.times[job]++
	return len(t.times)
}

func (t *tally) report() report {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	r := report{Done: len(t.times)}
	for _, times := range t.times {
		if times > 1 {
			r.Twice++
		}
	}
	return r
}

// quiet says what went wrong, and nothing else.
type quiet struct{}

func (quiet) Debug(...interface{})                  {}
func (quiet) Debugf(string, ...interface{})         {}
func (quiet) Info(...interface{})                   {}
func (quiet) Infof(string, ...interface{})          {}
func (quiet) Warn(v ...interface{})                 { fmt.Fprintln(os.Stderr, v...) }
func (quiet) Warnf(format string, v ...interface{}) { fmt.Fprintf(os.Stderr, format+"\n", v...) }
func (quiet) Error(v ...interface{})                { fmt.Fprintln(os.Stderr, v...) }
func (quiet) Errorf(format string, v ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", v...)
}
func (quiet) Fatal(v ...interface{}) { fmt.Fprintln(os.Stderr, v...); os.Exit(1) }
func (quiet) Fatalf(format string, v ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", v...)
	os.Exit(1)
}
