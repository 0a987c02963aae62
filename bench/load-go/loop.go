package main

// One thread, one epoll: the cheapest way to be many clients, so that the generator's own share of
// the machine stays small and does not depend on what is measured.

import (
	"net/netip"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const errorKindsMax = 20

// longNumber is what makes the texts of one kind differ: jids, addresses, times.
var longNumber = regexp.MustCompile(`[0-9]{5,}`)

func kindOf(text string) string {
	return longNumber.ReplaceAllString(text, "N")
}

type loop struct {
	epoll   int
	target  syscall.SockaddrInet4
	byFd    map[int]*client
	events  []syscall.EpollEvent
	started time.Time
	// now is read once for each event: it is both the last answer's and the next command's instant.
	now int64

	open, handshaking, admitted int
	refused, cutOff             int
	errors                      map[string]int

	startedUnixMicros int64
	timers            timers
}

func newLoop(address string) (*loop, error) {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	epoll, err := syscall.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	return &loop{
		epoll:   epoll,
		target:  syscall.SockaddrInet4{Port: int(parsed.Port()), Addr: parsed.Addr().As4()},
		byFd:    map[int]*client{},
		events:  make([]syscall.EpollEvent, 512),
		started: time.Now(),
		errors:  map[string]int{},

		startedUnixMicros: time.Now().UnixMicro(),
	}, nil
}

func (l *loop) clock() int64 {
	return int64(time.Since(l.started))
}

// dial begins a connection; its client is known from now on.
func (l *loop) dial(c *client) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	if err := syscall.Connect(fd, &l.target); err != nil && err != syscall.EINPROGRESS {
		_ = syscall.Close(fd)
		return err
	}
	c.fd = fd
	c.state = dialling
	c.in, c.out = c.in[:0], nil
	l.byFd[fd] = c
	l.open++
	l.handshaking++
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &event)
}

func (l *loop) watch(c *client, events uint32) {
	event := syscall.EpollEvent{Events: events, Fd: int32(c.fd)}
	_ = syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_MOD, c.fd, &event)
}

func (l *loop) close(c *client) {
	switch c.state {
	case gone:
		return
	case dialling:
		l.handshaking--
		l.cutOff++
	case waiting:
		l.cutOff++
	case admitted:
		l.admitted--
		l.cutOff++
	case leaving:
	}
	c.state = gone
	l.open--
	delete(l.byFd, c.fd)
	_ = syscall.Close(c.fd)
	c.role.closed(c)
}

// turn handles what has happened, waiting for it no longer than timeoutMs.
func (l *loop) turn(timeoutMs int) {
	timeoutMs = min(timeoutMs, l.timers.run(l))
	n, err := syscall.EpollWait(l.epoll, l.events, timeoutMs)
	if err != nil {
		return
	}
	for _, event := range l.events[:n] {
		c := l.byFd[int(event.Fd)]
		if c == nil {
			continue
		}
		l.now = l.clock()
		if event.Events&syscall.EPOLLOUT != 0 {
			l.writable(c)
		}
		if c.state != gone && event.Events&^syscall.EPOLLOUT != 0 {
			l.readable(c)
		}
	}
}

// until turns until done says so or the time is over; it answers whether done did.
func (l *loop) until(done func() bool, within time.Duration) bool {
	for end := l.clock() + int64(within); !done(); {
		if l.clock() > end {
			return false
		}
		l.turn(20)
	}
	return true
}

// leaveAll sends END for all clients and waits until the other side has closed.
func (l *loop) leaveAll(clients []*client, within time.Duration) {
	for _, c := range clients {
		if c.state != gone {
			l.leave(c)
		}
	}
	l.until(func() bool { return l.open == 0 }, within)
	for _, c := range clients {
		c.stop(l)
	}
}

// stop closes without a word.
func (c *client) stop(l *loop) {
	if c.state == gone {
		return
	}
	c.state = leaving
	l.close(c)
}

func (l *loop) failed(reply []byte) {
	text := strings.TrimRight(string(reply), "\r\n")
	text = kindOf(text)
	if len(l.errors) >= errorKindsMax && l.errors[text] == 0 {
		text = "(others)"
	}
	l.errors[text]++
}
