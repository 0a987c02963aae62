package main

// What processes cost: user and system time, read by the generator itself so that the figures begin
// and end with the measurement.

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Linux shows process times in hundredths of a second, whatever its own clock.
const microsPerTick = 10_000

// cpuMicros is the user and system time of a process so far; 0 when it is not there.
func cpuMicros(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	// The second field is the program's name in brackets, which may hold anything.
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')'):]), " ")
	fields := strings.Fields(rest)
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return (user + system) * microsPerTick
}

// busyMicros is the time that all processors together were not idle.
func busyMicros() int64 {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	busy := int64(0)
	// cpu user nice system idle iowait irq softirq steal …; guests are in user already.
	for i, field := range strings.Fields(first) {
		if ticks, err := strconv.ParseInt(field, 10, 64); err == nil && i <= 8 && i != 4 && i != 5 {
			busy += ticks
		}
	}
	return busy * microsPerTick
}

func ownMicros() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Sec*1_000_000 + usage.Utime.Usec + usage.Stime.Sec*1_000_000 + usage.Stime.Usec
}

// meter is a point in time that costs are counted from.
type meter struct {
	at   int64
	own  int64
	pids map[int]int64
	// busy is the CPU time of all processes of the machine.
	busy int64
}

func (l *loop) meter(pids []int) meter {
	m := meter{at: l.clock(), own: ownMicros(), pids: map[int]int64{}, busy: busyMicros()}
	for _, pid := range pids {
		m.pids[pid] = cpuMicros(pid)
	}
	return m
}
