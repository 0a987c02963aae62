package main

// The crowd: clients that live through errors as real clients do. One that reads an error goes on with
// its next command, one that loses its connection dials again.

import (
	"bufio"
	"math/rand/v2"
	"os"
	"time"
)

const (
	leaveWithin  = 5 * time.Second
	turnMs       = 20
	pacedTurnMs  = 2
	dialAgain    = 10 * time.Millisecond
	forever      = int64(1 << 62)
	pushedAtSize = 1 << 20
)

type crowd struct {
	*loop
	plan
	ledger  *ledger
	members []*client
	// running: members take up commands. warm: the warm-up is over. recording: what they do counts.
	// dismissed: they leave without having begun. ending: no client dials.
	running, warm, recording, dismissed, ending bool

	nextJid     int64
	beganAt     int64
	outstanding int64
	// idle are producers that wait for a job to fall due, parked those that wait for the backlog.
	idle, parked []*client
	// pushedAt is when each job under way was pushed, where producers and consumers share a queue.
	pushedAt []int64

	counts    counts
	recorded  recorded
	latencies [128]latencies
	from, to  meter
}

// run obeys "go", "status", "stop" and "leave", and reports "ready", "status", "stopped" and "done".
func run(p plan) error {
	l, err := newLoop(p.address)
	if err != nil {
		return err
	}
	k := &crowd{loop: l, plan: p, nextJid: 1}
	if k.ledger, err = openLedger(p.ledger); err != nil {
		return err
	}
	if p.producers > 0 && p.consumers > 0 {
		k.pushedAt = make([]int64, pushedAtSize)
	}
	orders := ordersFrom(bufio.NewScanner(os.Stdin))
	k.from = k.meter(p.pids)
	k.gather()
	k.until(func() bool { return k.admitted >= len(k.members) }, p.readyWithin)
	k.report("ready")
	k.serve(orders, forever, func() bool { return k.running || k.dismissed })
	if !k.dismissed {
		k.work(orders)
	}
	k.ending = true
	k.leaveAll(k.members, leaveWithin)
	if err := k.ledger.close(); err != nil {
		return err
	}
	k.report("done")
	return nil
}

// work is what is measured, after the warm-up, and the wait for the last answers.
func (k *crowd) work(orders <-chan string) {
	k.serve(orders, k.clock()+int64(k.warmUp), func() bool { return !k.running })
	end := forever
	if k.measure > 0 {
		end = k.clock() + int64(k.measure)
	}
	k.warm, k.recording = true, true
	k.from = k.meter(k.pids)
	k.serve(orders, end, func() bool {
		return !k.running || k.jobs > 0 && k.recorded.Acks >= k.jobs
	})
	if k.running && k.jobsPerSecond > 0 {
		// What fell due in the last turn.
		k.offer()
	}
	k.to = k.meter(k.pids)
	k.recording, k.running = false, false
	k.report("stopped")
	k.serve(orders, k.clock()+int64(k.lastAnswers), func() bool { return k.unanswered() == 0 })
	k.counts.Silent = k.unanswered()
}

// ordersFrom ends the process when the input ends.
func ordersFrom(lines *bufio.Scanner) <-chan string {
	orders := make(chan string, 16)
	go func() {
		for lines.Scan() {
			orders <- lines.Text()
		}
		os.Exit(1)
	}()
	return orders
}

// serve works until the time or until done says so.
func (k *crowd) serve(orders <-chan string, end int64, done func() bool) {
	for !done() && k.clock() < end {
		select {
		case order := <-orders:
			k.obey(order)
		default:
			k.step()
		}
	}
}

func (k *crowd) obey(order string) {
	switch order {
	case "go":
		k.running = true
		k.now = k.clock()
		k.beganAt = k.now
		for _, c := range k.members {
			if c.state == admitted {
				c.role.admitted(c)
			}
		}
	case "stop":
		k.running = false
	case "leave":
		k.dismissed = true
	case "status":
		k.report("status")
	}
}

func (k *crowd) step() {
	if !k.running || k.jobsPerSecond == 0 {
		k.turn(turnMs)
		return
	}
	k.offer()
	k.turn(pacedTurnMs)
}

// gather makes the members and lets them dial, evenly over comeOver.
func (k *crowd) gather() {
	for range k.producers {
		line := pushLine(k.queue, k.payload)
		k.members = append(k.members, &client{role: producer{k}, hello: helloLine(""), line: line})
	}
	var process *workerProcess
	fetchLine := []byte("FETCH " + k.workQueue + "\r\n")
	for i := range k.consumers {
		if i%k.perWorker == 0 {
			process = newWorkerProcess(k, i/k.perWorker)
		}
		role := consumer{crowd: k, workerProcess: process, fetchLine: fetchLine}
		k.members = append(k.members, &client{role: role, hello: process.hello, line: ackLine()})
	}
	for i, c := range k.members {
		k.after(k.comeOver*time.Duration(i)/time.Duration(len(k.members)), func() { k.come(c) })
	}
}

// come dials unless too many handshakes are on their way.
func (k *crowd) come(c *client) {
	if k.ending {
		return
	}
	if k.handshaking >= k.handshakes || k.dial(c) != nil {
		k.after(dialAgain, func() { k.come(c) })
	}
}

// parted lets a member that lost its connection dial again; not all of them in one moment.
func (k *crowd) parted(c *client) {
	if !k.ending {
		jitter := 0.8 + 0.4*rand.Float64()
		k.after(time.Duration(float64(k.retryDelay)*jitter), func() { k.come(c) })
	}
}

func (k *crowd) unanswered() int {
	count := 0
	for _, c := range k.members {
		if c.awaits != 0 {
			count++
		}
	}
	return count
}

// offer gives the jobs that are due to the producers that have been idle longest.
func (k *crowd) offer() {
	k.now = k.clock()
	k.counts.Offered = (k.now - k.beganAt) * int64(k.jobsPerSecond) / int64(time.Second)
	for k.counts.Sent < k.counts.Offered && len(k.idle) > 0 {
		c := k.idle[0]
		k.idle = k.idle[1:]
		c.idle = false
		if c.state == admitted && c.awaits == 0 {
			producer{k}.push(c)
		}
	}
}

// ask sends a command; awaits is its mark in the ledger.
func (k *crowd) ask(c *client, awaits byte, line []byte) {
	c.sentAt = k.now
	c.awaits = awaits
	k.send(c, line)
}

// answered notes that the command of the client went well.
func (k *crowd) answered(c *client, command byte) {
	k.ledger.add(command, c.job, k.startedUnixMicros+k.now/1000, k.now-c.sentAt)
	k.record(command, k.now-c.sentAt)
}

// record keeps latencies from the end of the warm-up to the last answer: the slowest come last.
func (k *crowd) record(what byte, took int64) {
	if k.warm {
		k.latencies[what] = append(k.latencies[what], took)
	}
}
