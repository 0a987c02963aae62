package main

// The one line that the generator answers with.

import (
	"encoding/json"
	"os"
	"slices"
)

type report struct {
	Event    string  `json:"event"`
	Admitted int     `json:"admitted"`
	Seconds  float64 `json:"seconds"`
	// Jobs were pushed, or acknowledged where the load is a full cycle.
	Jobs     int64 `json:"jobs"`
	Commands int64 `json:"commands"`
	Bytes    int64 `json:"bytes"`
	// Latencies in microseconds: p50, p99, p99.9; storms in seconds each.
	P50Micros    float64          `json:"p50Micros"`
	P99Micros    float64          `json:"p99Micros"`
	P999Micros   float64          `json:"p999Micros"`
	Storms       []float64        `json:"storms,omitempty"`
	OwnCpuMicros int64            `json:"ownCpuMicros"`
	BusyMicros   int64            `json:"busyMicros"`
	CpuMicros    map[string]int64 `json:"cpuMicros"`
	Refused      int              `json:"refused"`
	CutOff       int              `json:"cutOff"`
	Errors       map[string]int   `json:"errors"`
}

// latencies are kept one by one: a run has too few for a histogram to be worth its rounding.
type latencies []int64

func (r *report) latency(of latencies) {
	slices.Sort(of)
	r.P50Micros = of.at(0.5)
	r.P99Micros = of.at(0.99)
	r.P999Micros = of.at(0.999)
}

// at is the nearest rank, in microseconds.
func (of latencies) at(share float64) float64 {
	if len(of) == 0 {
		return 0
	}
	rank := int(share*float64(len(of))+0.999999) - 1
	return float64(of[min(max(rank, 0), len(of)-1)]) / 1000
}

func (r *report) send(l *loop) {
	r.Refused, r.CutOff, r.Errors = l.refused, l.cutOff, l.errors
	sendJson(r)
}

func sendJson(message any) {
	_ = json.NewEncoder(os.Stdout).Encode(message)
}
