package main

// What members of the crowd do once they are admitted: push jobs, or fetch and acknowledge them.

import (
	"bytes"
	"fmt"
	"os"
)

type producer struct{ *crowd }

func (p producer) admitted(c *client) {
	switch {
	case !p.running || c.awaits != 0 || p.once && c.job != 0:
	case p.backlog > 0 && p.outstanding >= p.backlog:
		p.parked = append(p.parked, c)
	case p.jobsPerSecond == 0:
		p.push(c)
	case !c.idle:
		c.idle = true
		p.idle = append(p.idle, c)
	}
}

func (p producer) push(c *client) {
	c.job = p.nextJid
	p.nextJid++
	p.counts.Sent++
	p.outstanding++
	setDigits(c.line[len(pushHead):len(pushHead)+jidDigits], c.job)
	if p.pushedAt != nil {
		p.pushedAt[c.job%pushedAtSize] = p.now
	}
	p.ask(c, 'P', c.line)
}

func (p producer) replied(c *client, reply []byte) {
	c.awaits = 0
	if reply[0] == '+' {
		p.counts.Acknowledged++
		p.answered(c, 'P')
		if p.recording {
			p.recorded.Pushes++
			p.recorded.Bytes += int64(len(c.line))
		}
	} else {
		p.counts.Failed++
		p.outstanding--
	}
	p.admitted(c)
}

func (p producer) closed(c *client) {
	if c.awaits != 0 {
		// Those that are cut off in the end have been counted as silent.
		if !p.ending {
			p.counts.PushesCutOff++
		}
		p.outstanding--
		c.awaits = 0
	}
	p.parted(c)
}

// workerProcess is what all connections with one wid share.
type workerProcess struct {
	hello, beat []byte
	beatDueAt   int64
	beating     bool
}

func newWorkerProcess(k *crowd, number int) *workerProcess {
	wid := fmt.Sprintf("bench-%d-%d", os.Getpid(), number)
	beat := fmt.Appendf(nil, `BEAT {"wid":"%s"}`+"\r\n", wid)
	return &workerProcess{hello: helloLine(wid), beat: beat, beatDueAt: k.clock() + int64(k.beatEvery)}
}

// consumer is one thread of a worker: FETCH and ACK in turns, and now and then the BEAT for all.
type consumer struct {
	*crowd
	*workerProcess
	fetchLine []byte
}

func (w consumer) admitted(c *client) {
	if !w.running || c.state != admitted || c.awaits != 0 {
		return
	}
	if w.now >= w.beatDueAt && !w.beating {
		w.beatDueAt = w.now + int64(w.beatEvery)
		w.beating = true
		w.ask(c, 'B', w.beat)
		return
	}
	w.ask(c, 'F', w.fetchLine)
}

func (w consumer) replied(c *client, reply []byte) {
	awaited := c.awaits
	c.awaits = 0
	if awaited == 'B' {
		w.beating = false
	}
	if reply[0] == '-' {
		// As workers do: a pause, so that a server in trouble is not asked in a tight loop.
		w.after(w.retryDelay, func() { w.admitted(c) })
		return
	}
	switch awaited {
	case 'F':
		if w.fetched(c, reply) {
			return
		}
	case 'A':
		w.acknowledged(c)
	case 'B':
		w.answered(c, 'B')
	}
	w.admitted(c)
}

// fetched acknowledges the job in the reply; it answers whether there is one.
func (w consumer) fetched(c *client, reply []byte) bool {
	at := bytes.Index(reply, []byte(`"jid":"`))
	if at < 0 {
		return false
	}
	digits := reply[at+7 : at+7+jidDigits]
	c.job = readDigits(digits)
	w.counts.Fetched++
	w.answered(c, 'F')
	c.began = c.sentAt
	if w.pushedAt != nil {
		c.began = w.pushedAt[c.job%pushedAtSize]
	}
	copy(c.line[len(ackHead):], digits)
	w.ask(c, 'A', c.line)
	return true
}

func (w consumer) acknowledged(c *client) {
	w.counts.Acked++
	w.answered(c, 'A')
	w.record('J', w.now-c.began)
	if w.recording {
		w.recorded.Acks++
	}
	w.outstanding--
	if n := len(w.parked); n > 0 && w.outstanding < w.backlog {
		c := w.parked[n-1]
		w.parked = w.parked[:n-1]
		c.role.admitted(c)
	}
}

func (w consumer) closed(c *client) {
	if c.awaits == 'B' {
		w.beating = false
	}
	c.awaits = 0
	w.parted(c)
}
