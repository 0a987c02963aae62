package main

// The lines that clients send. A jid is a number of sixteen digits, which are written in place.

import (
	"fmt"
	"strings"
)

const (
	jidDigits = 16
	pushHead  = `PUSH {"jid":"`
	ackHead   = `ACK {"jid":"`
)

func pushLine(queue string, payload int) []byte {
	filler := strings.Repeat("x", payload)
	return fmt.Appendf(nil, `%s%0*d","queue":"%s","jobtype":"Bench","args":["%s"]}`+"\r\n", pushHead, jidDigits, 0, queue, filler)
}

func ackLine() []byte {
	return fmt.Appendf(nil, `%s%0*d"}`+"\r\n", ackHead, jidDigits, 0)
}

func helloLine(wid string) []byte {
	if wid != "" {
		wid = fmt.Sprintf(`"wid":"%s",`, wid)
	}
	return fmt.Appendf(nil, `HELLO {"v":2,%s"hostname":"bench","pid":1,"labels":["bench"]}`+"\r\n", wid)
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
