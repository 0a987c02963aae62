package main

// The ledger: one line for each command that was answered well, so that the benchmark can look for
// every acknowledged job afterwards.

import (
	"bufio"
	"os"
	"strconv"
)

type ledger struct {
	file *os.File
	out  *bufio.Writer
	line []byte
}

// openLedger without a path gives a ledger that keeps nothing.
func openLedger(path string) (*ledger, error) {
	if path == "" {
		return &ledger{}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &ledger{file: file, out: bufio.NewWriterSize(file, 1<<20)}, nil
}

// add writes "P 123 1764156000000000 5012": the command (P: PUSH, F: FETCH that brought a job, A: ACK,
// B: BEAT), the number in the jid, the Unix time of the answer and the wait for it, in microseconds.
func (b *ledger) add(command byte, jid, atUnixMicros, tookNanos int64) {
	if b.out == nil {
		return
	}
	line := append(b.line[:0], command, ' ')
	line = strconv.AppendInt(line, jid, 10)
	line = append(line, ' ')
	line = strconv.AppendInt(line, atUnixMicros, 10)
	line = append(line, ' ')
	line = strconv.AppendInt(line, tookNanos/1000, 10)
	b.line = append(line, '\n')
	_, _ = b.out.Write(b.line)
}

func (b *ledger) close() error {
	if b.out == nil {
		return nil
	}
	if err := b.out.Flush(); err != nil {
		return err
	}
	return b.file.Close()
}
