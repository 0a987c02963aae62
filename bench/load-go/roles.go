package main

// What clients do once they are admitted: push as fast as they are answered, fetch and acknowledge,
// or nothing.

import (
	"bytes"
	"fmt"
	"strings"
)

const jidDigits = 16

// pushedAtSlots bounds how many jobs may be under way at once.
const pushedAtSlots = 1 << 20

// work is what all clients of one measurement share.
type work struct {
	loop *loop
	// running: clients go on. recording: what they do counts.
	running, recording bool
	lastJob            int64
	pushes, fetches    int64
	acks, bytes        int64
	latencies          latencies

	// A full cycle: when each job was pushed, and producers that wait for jobs to be done.
	cycle       bool
	backlogMax  int64
	outstanding int64
	parked      []*client
	pushedAt    []int64
}

// idler says HELLO and nothing more.
type idler struct{}

func (idler) admitted(*client)        {}
func (idler) replied(*client, []byte) {}

type producer struct{ *work }

func (p producer) admitted(c *client) {}

func (p producer) replied(c *client, reply []byte) {
	if p.recording && reply[0] == '+' {
		p.pushes++
		p.bytes += int64(len(c.line))
		if !p.cycle {
			p.latencies = append(p.latencies, p.loop.now-c.sentAt)
		}
	}
	c.sentAt = 0
	p.next(c)
}

// next pushes another job, or parks the client while enough are under way.
func (p *work) next(c *client) {
	if !p.running {
		return
	}
	if p.cycle && p.outstanding >= p.backlogMax {
		p.parked = append(p.parked, c)
		return
	}
	p.lastJob++
	p.outstanding++
	setDigits(c.line[len(pushHead):len(pushHead)+jidDigits], p.lastJob)
	c.sentAt = p.loop.now
	if p.cycle {
		p.pushedAt[p.lastJob%pushedAtSlots] = p.loop.now
	}
	p.loop.send(c, c.line)
}

// filling queues jobs before the load begins, many with each command.
type filling struct {
	*work
	left int
}

const fillAtOnce = 200

func (f *filling) admitted(c *client) {}

func (f *filling) replied(c *client, reply []byte) {
	f.pushes = f.lastJob
	f.begin(c)
}

func (f *filling) begin(c *client) {
	jobs := min(f.left, fillAtOnce)
	if jobs == 0 {
		return
	}
	f.left -= jobs
	line := []byte("PUSHB [")
	for range jobs {
		f.lastJob++
		line = fmt.Appendf(line, `{"jid":"%0*d","queue":"%s","jobtype":"Bench","args":[]},`, jidDigits, f.lastJob, cycleQueue)
	}
	line[len(line)-1] = ']'
	f.loop.send(c, append(line, "\r\n"...))
}

type consumer struct {
	*work
	fetchLine []byte
}

func (k consumer) admitted(c *client) {}

func (k consumer) replied(c *client, reply []byte) {
	if c.job != 0 {
		k.acknowledged(c)
		return
	}
	at := bytes.Index(reply, []byte(`"jid":"`))
	if at < 0 {
		c.sentAt = 0
		k.fetch(c)
		return
	}
	if k.recording {
		k.fetches++
	}
	digits := reply[at+7 : at+7+jidDigits]
	c.job = readDigits(digits)
	copy(c.line[len(ackHead):], digits)
	k.loop.send(c, c.line)
}

func (k consumer) acknowledged(c *client) {
	if k.recording {
		k.acks++
		since := c.sentAt
		if k.cycle {
			since = k.pushedAt[c.job%pushedAtSlots]
		}
		k.latencies = append(k.latencies, k.loop.now-since)
	}
	c.job = 0
	c.sentAt = 0
	k.outstanding--
	k.fetch(c)
	if n := len(k.parked); n > 0 && k.outstanding < k.backlogMax {
		producer := k.parked[n-1]
		k.parked = k.parked[:n-1]
		k.next(producer)
	}
}

func (k consumer) fetch(c *client) {
	if !k.running {
		return
	}
	c.sentAt = k.loop.now
	k.loop.send(c, k.fetchLine)
}

const pushHead = `PUSH {"jid":"`
const ackHead = `ACK {"jid":"`

func pushLine(queue string, payload int) []byte {
	filler := strings.Repeat("x", payload)
	return fmt.Appendf(nil, `%s%0*d","queue":"%s","jobtype":"Bench","args":["%s"]}`+"\r\n", pushHead, jidDigits, 0, queue, filler)
}

func ackLine() []byte {
	return fmt.Appendf(nil, `%s%0*d"}`+"\r\n", ackHead, jidDigits, 0)
}

func helloLine(wid string) []byte {
	if wid == "" {
		return []byte(`HELLO {"v":2,"hostname":"bench","pid":1,"labels":["bench"]}` + "\r\n")
	}
	return fmt.Appendf(nil, `HELLO {"v":2,"wid":"%s","hostname":"bench","pid":1,"labels":["bench"]}`+"\r\n", wid)
}

func setDigits(into []byte, n int64) {
	for i := len(into) - 1; i >= 0; i-- {
		into[i] = byte('0' + n%10)
		n /= 10
	}
}

func readDigits(from []byte) int64 {
	n := int64(0)
	for _, digit := range from {
		n = n*10 + int64(digit-'0')
	}
	return n
}
