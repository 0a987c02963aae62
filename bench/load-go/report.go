package main

// The lines that the generator reports with.

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"time"
)

// counts are of everything since "go".
type counts struct {
	Offered int64 `json:"offered"`
	Sent    int64 `json:"sent"`
	// Acknowledged counts +OK to PUSH, Failed errors to PUSH, PushesCutOff PUSHes whose connection
	// closed before the answer, Silent commands that were not answered in the end.
	Acknowledged int64 `json:"acknowledged"`
	Failed       int64 `json:"failed"`
	PushesCutOff int64 `json:"pushesCutOff"`
	Silent       int   `json:"silent"`
	Fetched      int64 `json:"fetched"`
	Acked        int64 `json:"acked"`
}

// recorded is what was done while it was measured.
type recorded struct {
	Pushes int64 `json:"pushes"`
	Acks   int64 `json:"acks"`
	Bytes  int64 `json:"bytes"`
}

type percentiles struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
}

type report struct {
	Event      string `json:"event"`
	UnixMillis int64  `json:"unixMillis"`
	counts
	AdmittedProducers int            `json:"admittedProducers"`
	AdmittedConsumers int            `json:"admittedConsumers"`
	Refused           int            `json:"refused"`
	CutOff            int            `json:"cutOff"`
	Errors            map[string]int `json:"errors"`
	// Of the measurement; in "ready" of the time until all clients were admitted.
	Seconds  float64  `json:"seconds"`
	Recorded recorded `json:"recorded"`
	// LatencyMs of PUSH, FETCH, ACK and BEAT, and of a job as a whole: from its PUSH, if this crowd
	// pushed it, or its FETCH, to the answer to ACK.
	LatencyMs    map[string]percentiles `json:"latencyMs"`
	OwnCpuMicros int64                  `json:"ownCpuMicros"`
	BusyMicros   int64                  `json:"busyMicros"`
	CpuMicros    map[string]int64       `json:"cpuMicros"`
}

var commandNames = map[byte]string{'P': "push", 'F': "fetch", 'A': "ack", 'B': "beat", 'J': "job"}

func (k *crowd) report(event string) {
	from, to := k.from, k.to
	if to.at == 0 {
		to = k.meter(k.pids)
	}
	r := report{
		Event: event, UnixMillis: time.Now().UnixMilli(), counts: k.counts,
		Refused: k.refused, CutOff: k.cutOff, Errors: k.errors,
		Seconds: float64(to.at-from.at) / 1e9, Recorded: k.recorded, LatencyMs: map[string]percentiles{},
		OwnCpuMicros: to.own - from.own, BusyMicros: to.busy - from.busy, CpuMicros: map[string]int64{},
	}
	for pid, micros := range to.pids {
		r.CpuMicros[strconv.Itoa(pid)] = micros - from.pids[pid]
	}
	for i, c := range k.members {
		switch {
		case c.state != admitted:
		case i < k.producers:
			r.AdmittedProducers++
		default:
			r.AdmittedConsumers++
		}
	}
	if event == "done" {
		for command, name := range commandNames {
			if of := k.latencies[command]; len(of) > 0 {
				slices.Sort(of)
				r.LatencyMs[name] = percentiles{of.at(0.5), of.at(0.99), of.at(0.999)}
			}
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

// latencies are kept one by one: a run has too few for a histogram to be worth its rounding.
type latencies []int64

// at is the nearest rank, in milliseconds.
func (of latencies) at(share float64) float64 {
	rank := int(share*float64(len(of))+0.999999) - 1
	return float64(of[min(max(rank, 0), len(of)-1)]) / 1e6
}
