// Command lifecycle is a client of Faktory written with faktory_worker_go. The contract that it keeps
// is in test/clients/support/README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	faktory "github.com/contribsys/faktory/client"
	worker "github.com/contribsys/faktory_worker_go"
)

const (
	concurrency     = 5
	pause           = 5 * time.Millisecond
	pauseAfterError = 200 * time.Millisecond
	jobType         = "Count"
)

func main() {
	words := os.Args[1:]
	var err error
	switch {
	case len(words) == 2 && words[0] == "worker":
		err = work(words[1])
	case len(words) == 3 && words[0] == "producer":
		err = produce(words[1], words[2])
	default:
		err = fmt.Errorf("say `worker WID` or `producer FIRST COUNT`")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Cannot run:", err)
		os.Exit(1)
	}
}

func work(wid string) error {
	mgr := worker.NewManager()
	mgr.ProcessWID = wid
	mgr.Concurrency = concurrency
	mgr.ProcessStrictPriorityQueues("default")
	mgr.Register(jobType, func(_ context.Context, args ...interface{}) error {
		fmt.Printf("done %d\n", int(args[0].(float64)))
		return nil
	})
	return mgr.Run()
}

func produce(from, jobs string) error {
	n, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(jobs)
	if err != nil {
		return err
	}
	pool, err := faktory.NewPool(1)
	if err != nil {
		return err
	}
	for pushed := 0; pushed < count; n++ {
		err := pool.With(func(c *faktory.Client) error { return c.Push(faktory.NewJob(jobType, n)) })
		if err != nil {
			fmt.Printf("unknown %d %v\n", n, err)
			time.Sleep(pauseAfterError)
			continue
		}
		fmt.Printf("pushed %d\n", n)
		pushed++
		time.Sleep(pause)
	}
	return nil
}
