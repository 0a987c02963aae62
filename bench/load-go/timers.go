package main

// What is to be done later, by the loop's own thread.

import (
	"container/heap"
	"time"
)

type timer struct {
	at  int64
	act func()
}

type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at < t[j].at }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) }

func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// after lets the loop call act once the delay has passed.
func (l *loop) after(delay time.Duration, act func()) {
	heap.Push(&l.timers, timer{at: l.clock() + int64(delay), act: act})
}

// run calls what is due and answers how many milliseconds there are until the next.
func (t *timers) run(l *loop) int {
	if len(*t) == 0 {
		return int(time.Hour / time.Millisecond)
	}
	l.now = l.clock()
	for len(*t) > 0 && (*t)[0].at <= l.now {
		heap.Pop(t).(timer).act()
	}
	if len(*t) == 0 {
		return int(time.Hour / time.Millisecond)
	}
	return max(1, int(((*t)[0].at-l.now)/int64(time.Millisecond)))
}
