package main

// One client of Faktory: its socket, where its handshake stands, and bytes that are not whole yet.
// What it says once it is admitted is its role's affair (roles.go).

import (
	"bytes"
	"syscall"
	"unsafe"
)

type state uint8

const (
	dialling state = iota // no +HI yet
	waiting               // HELLO is sent, no answer yet
	admitted              // commands may be sent
	leaving               // END is sent, the close is to come
	gone                  // refused, cut off or closed
)

type client struct {
	fd    int
	state state
	hello []byte
	role  role
	// in holds the beginning of a reply, out the end of a command that the kernel did not take.
	in, out []byte
	// line is this client's own command; its digits change from one to the next.
	line   []byte
	sentAt int64
	job    int64
	// began is when the job's way began.
	began int64
	// awaits is the command that waits for its answer, 0 without one; idle: it waits for a job.
	awaits byte
	idle   bool
}

// role is what an admitted client does. It gets each reply whole, and outlives the connection.
type role interface {
	admitted(c *client)
	replied(c *client, reply []byte)
	closed(c *client)
}

var readBuffer = make([]byte, 256*1024)

// readRaw and writeRaw tell the scheduler nothing: the sockets never block.
func readRaw(fd int, into []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&into[0])), uintptr(len(into)))
	return int(n), errno
}

func writeRaw(fd int, from []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&from[0])), uintptr(len(from)))
	return int(n), errno
}

// replyLength is the length of the reply that bytes begin with, 0 when it is not whole.
func replyLength(b []byte) int {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return 0
	}
	if b[0] != '$' || b[1] == '-' {
		return end + 1
	}
	length := 0
	for _, digit := range b[1:end] {
		if digit >= '0' && digit <= '9' {
			length = length*10 + int(digit-'0')
		}
	}
	if whole := end + 1 + length + 2; whole <= len(b) {
		return whole
	}
	return 0
}

// send writes at once what the kernel takes, and the rest when there is room.
func (l *loop) send(c *client, line []byte) {
	n, errno := writeRaw(c.fd, line)
	if errno != 0 {
		if errno != syscall.EAGAIN {
			l.close(c)
			return
		}
		n = 0
	}
	if n < len(line) {
		c.out = line[n:]
		l.watch(c, syscall.EPOLLIN|syscall.EPOLLOUT)
	}
}

func (l *loop) writable(c *client) {
	if len(c.out) == 0 {
		l.watch(c, syscall.EPOLLIN)
		return
	}
	n, errno := writeRaw(c.fd, c.out)
	if errno == syscall.EAGAIN {
		return
	}
	if errno != 0 {
		l.close(c)
		return
	}
	c.out = c.out[n:]
	if len(c.out) == 0 {
		l.watch(c, syscall.EPOLLIN)
	}
}

func (l *loop) readable(c *client) {
	n, errno := readRaw(c.fd, readBuffer)
	if errno == syscall.EAGAIN {
		return
	}
	if errno != 0 || n == 0 {
		l.close(c)
		return
	}
	chunk := readBuffer[:n]
	if len(c.in) > 0 {
		c.in = append(c.in, chunk...)
		chunk = c.in
	}
	for len(chunk) > 0 {
		length := replyLength(chunk)
		if length == 0 {
			break
		}
		l.take(c, chunk[:length])
		if c.state == gone {
			return
		}
		chunk = chunk[length:]
	}
	c.in = append(c.in[:0], chunk...)
}

func (l *loop) take(c *client, reply []byte) {
	switch c.state {
	case dialling:
		l.handshaking--
		if reply[0] != '+' {
			l.refuse(c, reply)
			return
		}
		c.state = waiting
		l.send(c, c.hello)
	case waiting:
		if reply[0] != '+' {
			l.refuse(c, reply)
			return
		}
		c.state = admitted
		l.admitted++
		c.role.admitted(c)
	case admitted:
		if reply[0] == '-' {
			l.failed(reply)
		}
		c.role.replied(c, reply)
	case leaving, gone:
	}
}

func (l *loop) refuse(c *client, reply []byte) {
	l.refused++
	l.failed(reply)
	c.state = leaving
	l.close(c)
}

// leave says END; Faktory closes.
func (l *loop) leave(c *client) {
	if c.state != admitted {
		l.close(c)
		return
	}
	c.state = leaving
	l.admitted--
	l.send(c, []byte("END\r\n"))
}
