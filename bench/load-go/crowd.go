package main

// The load "crowd": clients that live through errors as real clients do. One that reads an error
// goes on with its next command, one that loses its connection dials again. Every acknowledgement
// goes into the ledger. The benchmark starts and stops the crowd over standard input.

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"time"
)

const (
	crowdReadyWithin = 15 * time.Second
	crowdTurnMs      = 20
	pacedTurnMs      = 2
)

type crowdPlan struct {
	producers, consumers, perWorker int
	// jobsPerSecond is for all producers together; 0: each pushes as soon as it is answered.
	jobsPerSecond int
	// once: each producer pushes one job.
	once      bool
	queue     string
	workQueue string
	ledger    string
	// firstJid is the number in the first jid.
	firstJid              int64
	beatEvery, retryDelay time.Duration
	// comeOver is the time over which the clients dial.
	comeOver time.Duration
	// measure is how long the crowd runs unless it is told to stop; 0: until then.
	measure, lastAnswers time.Duration
}

type crowd struct {
	*loop
	plan    crowdPlan
	ledger  *ledger
	members []*client
	// running: members take up commands. ending: nobody dials again.
	running, ending bool

	beganAt, nextJid int64
	idle             []*client
	counts           crowdCounts
}

type crowdCounts struct {
	Offered int64 `json:"offered"`
	Sent    int64 `json:"sent"`
	// Acknowledged counts +OK to PUSH. Failed counts errors to PUSH, CutOff PUSHes without an answer
	// because the connection closed, Silent PUSHes that nobody had answered at the end.
	Acknowledged int64 `json:"acknowledged"`
	Failed       int64 `json:"failed"`
	PushesCutOff int64 `json:"pushesCutOff"`
	Silent       int64 `json:"silent"`
	Fetched      int64 `json:"fetched"`
	Acked        int64 `json:"acked"`
	// AdmittedProducers and AdmittedConsumers are connected now.
	AdmittedProducers int `json:"admittedProducers"`
	AdmittedConsumers int `json:"admittedConsumers"`
}

type crowdReport struct {
	Event        string         `json:"event"`
	UnixMillis   int64          `json:"unixMillis"`
	Seconds      float64        `json:"seconds"`
	OwnCpuMicros int64          `json:"ownCpuMicros"`
	Refused      int            `json:"refused"`
	CutOff       int            `json:"cutOff"`
	Errors       map[string]int `json:"errors"`
	crowdCounts
}

// runCrowd reads "go", "status" and "stop" from lines, and reports "ready", "status", "stopped" and
// "done".
func runCrowd(l *loop, p crowdPlan, lines *bufio.Scanner) error {
	book, err := openLedger(p.ledger)
	if err != nil {
		return err
	}
	k := &crowd{loop: l, plan: p, ledger: book, nextJid: p.firstJid}
	orders := ordersFrom(lines)
	k.gather()
	k.until(func() bool { return k.admitted >= len(k.members) }, crowdReadyWithin+p.comeOver)
	k.report("ready")
	k.serve(orders, func() bool { return k.running })
	end := int64(1 << 62)
	if p.measure > 0 {
		end = k.clock() + int64(p.measure)
	}
	k.serve(orders, func() bool { return !k.running || k.clock() >= end })
	k.running = false
	k.report("stopped")
	last := k.clock() + int64(p.lastAnswers)
	k.serve(orders, func() bool { return k.unanswered() == 0 || k.clock() >= last })
	k.counts.Silent = int64(k.unanswered())
	k.ending = true
	k.clients = k.members
	k.leaveAll(leaveWithin)
	if err := k.ledger.close(); err != nil {
		return err
	}
	k.report("done")
	return nil
}

// ordersFrom ends the process when the input ends: it never outlives the benchmark.
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

func (k *crowd) serve(orders <-chan string, done func() bool) {
	for !done() {
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
		k.beganAt = k.clock()
		k.now = k.beganAt
		for _, c := range k.members {
			if c.state == admitted {
				c.role.admitted(c)
			}
		}
	case "stop":
		k.running = false
	case "status":
		k.report("status")
	}
}

func (k *crowd) step() {
	timeoutMs := crowdTurnMs
	if k.running && k.plan.jobsPerSecond > 0 {
		timeoutMs = pacedTurnMs
		k.offer()
	}
	k.turn(timeoutMs)
}

// gather makes the members and lets them dial, evenly over plan.comeOver.
func (k *crowd) gather() {
	for range k.plan.producers {
		line := pushLine(k.plan.queue, 0)
		k.members = append(k.members, &client{role: pusher{k}, hello: helloLine(""), line: line})
	}
	var process *workerProcess
	fetch := []byte("FETCH " + k.plan.workQueue + "\r\n")
	for i := range k.plan.consumers {
		if i%k.plan.perWorker == 0 {
			process = newWorkerProcess(k, i/k.plan.perWorker)
		}
		role := worker{crowd: k, process: process, fetchLine: fetch}
		k.members = append(k.members, &client{role: role, hello: process.hello, line: ackLine()})
	}
	for i, c := range k.members {
		k.after(k.plan.comeOver*time.Duration(i)/time.Duration(len(k.members)), func() { k.come(c) })
	}
}

// come dials, when not too many handshakes are on their way.
func (k *crowd) come(c *client) {
	if k.ending {
		return
	}
	if k.handshaking >= handshakesMax || k.dial(c) != nil {
		k.after(10*time.Millisecond, func() { k.come(c) })
	}
}

// parted lets a member that lost its connection dial again.
func (k *crowd) parted(c *client) {
	if !k.ending {
		k.after(k.plan.retryDelay, func() { k.come(c) })
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

func (k *crowd) report(event string) {
	r := crowdReport{
		Event: event, UnixMillis: time.Now().UnixMilli(), OwnCpuMicros: ownMicros(),
		Refused: k.refused, CutOff: k.cutOff, Errors: k.errors,
	}
	if k.beganAt > 0 {
		r.Seconds = float64(k.clock()-k.beganAt) / 1e9
	}
	r.crowdCounts = k.counts
	for i, c := range k.members {
		if c.state == admitted && i < k.plan.producers {
			r.AdmittedProducers++
		} else if c.state == admitted {
			r.AdmittedConsumers++
		}
	}
	sendJson(r)
}

// offer gives the jobs that are due to the producers that have been idle longest.
func (k *crowd) offer() {
	k.counts.Offered = (k.clock() - k.beganAt) * int64(k.plan.jobsPerSecond) / int64(time.Second)
	k.now = k.clock()
	for k.counts.Sent < k.counts.Offered && len(k.idle) > 0 {
		c := k.idle[0]
		k.idle = k.idle[1:]
		c.idle = false
		if c.state == admitted {
			k.push(c)
		}
	}
}

func (k *crowd) push(c *client) {
	c.job = k.nextJid
	k.nextJid++
	k.counts.Sent++
	setDigits(c.line[len(pushHead):len(pushHead)+jidDigits], c.job)
	k.ask(c, 'P', c.line)
}

// ask sends a command; awaits is its mark in the ledger.
func (k *crowd) ask(c *client, awaits byte, line []byte) {
	c.sentAt = k.now
	c.awaits = awaits
	k.send(c, line)
}

// note writes down that the command of the client was answered just now.
func (k *crowd) note(command byte, c *client) {
	k.ledger.add(command, c.job, k.startedUnixMicros+k.now/1000, k.now-c.sentAt)
}

// pusher is a producer.
type pusher struct{ *crowd }

func (p pusher) admitted(c *client) {
	p.next(c)
}

func (p pusher) replied(c *client, reply []byte) {
	c.awaits = 0
	if reply[0] == '+' {
		p.counts.Acknowledged++
		p.note('P', c)
	} else {
		p.counts.Failed++
	}
	p.next(c)
}

func (p pusher) closed(c *client) {
	if c.awaits != 0 {
		p.counts.PushesCutOff++
		c.awaits = 0
	}
	p.parted(c)
}

func (p pusher) next(c *client) {
	switch {
	case !p.running || p.plan.once && c.job != 0:
	case p.plan.jobsPerSecond == 0:
		p.push(c)
	case !c.idle:
		c.idle = true
		p.idle = append(p.idle, c)
	}
}

// workerProcess is what all connections with one wid share.
type workerProcess struct {
	hello, beat []byte
	beatDueAt   int64
	beating     bool
}

func newWorkerProcess(k *crowd, number int) *workerProcess {
	wid := fmt.Sprintf("crowd-%d-%d", os.Getpid(), number)
	beat := fmt.Appendf(nil, `BEAT {"wid":"%s"}`+"\r\n", wid)
	return &workerProcess{hello: helloLine(wid), beat: beat, beatDueAt: k.clock() + int64(k.plan.beatEvery)}
}

// worker is one of its consumer threads: FETCH and ACK in turns, and now and then the BEAT for all.
type worker struct {
	*crowd
	process   *workerProcess
	fetchLine []byte
}

func (w worker) admitted(c *client) {
	w.next(c)
}

func (w worker) next(c *client) {
	if !w.running || c.state != admitted || c.awaits != 0 {
		return
	}
	if p := w.process; w.now >= p.beatDueAt && !p.beating {
		p.beatDueAt = w.now + int64(w.plan.beatEvery)
		p.beating = true
		w.ask(c, 'B', p.beat)
		return
	}
	w.ask(c, 'F', w.fetchLine)
}

func (w worker) replied(c *client, reply []byte) {
	awaited := c.awaits
	c.awaits = 0
	if awaited == 'B' {
		w.process.beating = false
	}
	if reply[0] == '-' {
		// As workers do: a pause, so that a server in trouble is not asked in a tight loop.
		w.after(w.plan.retryDelay, func() { w.next(c) })
		return
	}
	switch awaited {
	case 'F':
		at := bytes.Index(reply, []byte(`"jid":"`))
		if at < 0 {
			break
		}
		digits := reply[at+7 : at+7+jidDigits]
		c.job = readDigits(digits)
		w.counts.Fetched++
		w.note('F', c)
		copy(c.line[len(ackHead):], digits)
		w.ask(c, 'A', c.line)
		return
	case 'A':
		w.counts.Acked++
		w.note('A', c)
	case 'B':
		w.note('B', c)
	}
	w.next(c)
}

func (w worker) closed(c *client) {
	if c.awaits == 'B' {
		w.process.beating = false
	}
	c.awaits = 0
	w.parted(c)
}
