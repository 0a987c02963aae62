package main

// The loads: who comes, what they do, and what is counted.

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

const (
	connectWithin = 30 * time.Second
	leaveWithin   = 5 * time.Second
	// A FETCH blocks for 2 s, and may have waited for its turn before.
	lastAnswersWithin = 8 * time.Second
	perWorker         = 20
	stormsMin         = 3
	betweenStorms     = 300 * time.Millisecond
	fillWithin        = 30 * time.Second
	// A FETCH blocks for 2 s at Faktory, even when its client is gone: an earlier load's would take jobs.
	strangersEnd = 2500 * time.Millisecond
	cycleQueue   = "bench-cycle"
	pushQueue    = "bench-push"
)

type plan struct {
	address         string
	clients         int
	consumers       int
	payload         int
	backlog         int
	warmUp, measure time.Duration
	pids            []int
}

// push: every client pushes the next job when the last is answered.
func push(l *loop, p plan) error {
	w := &work{loop: l, latencies: make(latencies, 0, 1<<20)}
	if err := l.connectAll(producers(w, p, pushQueue), connectWithin); err != nil {
		return err
	}
	r := w.measure(p)
	r.Jobs, r.Commands = w.pushes, w.pushes
	r.send(l)
	l.leaveAll(leaveWithin)
	return nil
}

// cycle: few push, many fetch and acknowledge.
func cycle(l *loop, p plan) error {
	w := &work{
		loop: l, cycle: true, backlogMax: int64(p.backlog),
		latencies: make(latencies, 0, 1<<20), pushedAt: make([]int64, pushedAtSlots),
	}
	role := consumer{work: w, fetchLine: []byte("FETCH " + cycleQueue + "\r\n")}
	clients := workers(role, p.consumers)
	for _, c := range clients {
		c.line = ackLine()
	}
	clients = append(clients, producers(w, p, cycleQueue)...)
	if err := l.connectAll(clients, connectWithin); err != nil {
		return err
	}
	r := w.measure(p)
	r.Jobs, r.Commands = w.acks, w.pushes+w.fetches+w.acks
	r.send(l)
	l.leaveAll(leaveWithin)
	return nil
}

// drain: one worker's clients fetch and acknowledge what is queued already, until nothing is left or
// the time is over. Nobody warms up: a queue that is to be emptied is there at once.
func drain(l *loop, p plan) error {
	w := &work{loop: l, latencies: make(latencies, 0, p.backlog)}
	role := consumer{work: w, fetchLine: []byte("FETCH " + cycleQueue + "\r\n")}
	clients := workers(role, p.clients)
	for _, c := range clients {
		c.line = ackLine()
		c.hello = clients[0].hello
	}
	filler := &client{role: &filling{work: w, left: p.backlog}, hello: helloLine("")}
	if err := l.connectAll(append(clients, filler), connectWithin); err != nil {
		return err
	}
	l.until(func() bool { return false }, strangersEnd)
	filler.role.(*filling).begin(filler)
	if !l.until(func() bool { return w.pushes >= int64(p.backlog) }, fillWithin) {
		return fmt.Errorf("%d of %d jobs could be queued", w.pushes, p.backlog)
	}
	w.pushes = 0
	r := report{Event: "done", Admitted: l.admitted}
	from := l.meter(p.pids)
	w.running, w.recording = true, true
	w.begin()
	l.until(func() bool { return w.acks >= int64(p.backlog) }, p.measure)
	to := l.meter(p.pids)
	w.recording, w.running = false, false
	l.until(func() bool { return !w.busy() }, lastAnswersWithin)
	r.since(from, to)
	r.latency(w.latencies)
	r.Jobs, r.Commands = w.acks, w.fetches+w.acks
	r.send(l)
	l.leaveAll(leaveWithin)
	return nil
}

// idle: everybody says HELLO, and stays until a line comes.
func idle(l *loop, p plan, lines *bufio.Scanner) error {
	from := l.meter(p.pids)
	if err := l.connectAll(workers(idler{}, p.clients), connectWithin); err != nil {
		return err
	}
	r := report{Event: "ready", Admitted: l.admitted}
	r.since(from, l.meter(p.pids))
	r.send(l)
	asked := make(chan bool)
	go func() {
		lines.Scan()
		close(asked)
	}()
	l.until(func() bool {
		select {
		case <-asked:
			return true
		default:
			return false
		}
	}, time.Minute)
	r.Event, r.Admitted = "done", l.admitted
	r.send(l)
	l.leaveAll(leaveWithin)
	return nil
}

// storm: everybody dials at once; it is over with the last +OK.
func storm(l *loop, p plan) error {
	r := report{Event: "done", CpuMicros: map[string]int64{}}
	for began := l.clock(); len(r.Storms) < stormsMin || l.clock()-began < int64(p.measure); {
		clients := workers(idler{}, p.clients)
		from := l.meter(p.pids)
		settledBefore := l.refused + l.cutOff
		for i, c := range clients {
			if err := l.dial(c); err != nil {
				return err
			}
			l.clients = append(l.clients, c)
			if i%32 == 31 {
				l.turn(0)
			}
		}
		l.until(func() bool { return l.admitted+l.refused+l.cutOff-settledBefore >= p.clients }, connectWithin)
		to := l.meter(p.pids)
		r.addStorm(from, to)
		r.Admitted = l.admitted
		r.Jobs += int64(l.admitted)
		r.Commands += int64(l.admitted)
		l.leaveAll(leaveWithin)
		time.Sleep(betweenStorms)
	}
	r.send(l)
	return nil
}

func (r *report) addStorm(from, to meter) {
	var one report
	one.since(from, to)
	r.Storms = append(r.Storms, one.Seconds)
	r.Seconds += one.Seconds
	r.OwnCpuMicros += one.OwnCpuMicros
	r.BusyMicros += one.BusyMicros
	for pid, micros := range one.CpuMicros {
		r.CpuMicros[pid] += micros
	}
}

// measure lets the clients run, first for the warm-up, then for the figures, then to their last answer.
func (w *work) measure(p plan) report {
	l := w.loop
	r := report{Event: "done", Admitted: l.admitted}
	w.running = true
	w.begin()
	w.runFor(p.warmUp)
	w.recording = true
	from := l.meter(p.pids)
	w.runFor(p.measure)
	to := l.meter(p.pids)
	w.recording, w.running = false, false
	l.until(func() bool { return !w.busy() }, lastAnswersWithin)
	r.since(from, to)
	r.Bytes = w.bytes
	r.latency(w.latencies)
	return r
}

// begin gives everybody something to do.
func (w *work) begin() {
	w.loop.now = w.loop.clock()
	for _, c := range w.loop.clients {
		if c.state != admitted {
			continue
		}
		switch role := c.role.(type) {
		case producer:
			role.next(c)
		case consumer:
			role.fetch(c)
		}
	}
}

func (w *work) runFor(duration time.Duration) {
	for end := w.loop.clock() + int64(duration); w.loop.clock() < end; {
		w.loop.turn(10)
	}
}

func (w *work) busy() bool {
	for _, c := range w.loop.clients {
		if c.state == admitted && (c.sentAt != 0 || c.job != 0) {
			return true
		}
	}
	return false
}

func producers(w *work, p plan, queue string) []*client {
	clients := make([]*client, p.clients)
	for i := range clients {
		clients[i] = &client{role: producer{w}, hello: helloLine(""), line: pushLine(queue, p.payload)}
	}
	return clients
}

func workers(r role, count int) []*client {
	clients := make([]*client, count)
	for i := range clients {
		wid := fmt.Sprintf("bench-%d-%d", os.Getpid(), i/perWorker)
		clients[i] = &client{role: r, hello: helloLine(wid)}
	}
	return clients
}
