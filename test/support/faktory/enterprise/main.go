// Command enterprise uses what Faktory's own Go client has for Enterprise servers: batches, tracking,
// unique jobs. It says in one JSON line what it read.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	faktory "github.com/contribsys/faktory/client"
)

const jobType = "count"

type report struct {
	Batch    *faktory.BatchStatus `json:"batch"`
	Reopened *faktory.BatchStatus `json:"reopened"`
	Track    *faktory.JobTrack    `json:"track"`
	Unique   string               `json:"unique"`
	Bulk     []string             `json:"bulk"`
}

func main() {
	found, err := run()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Cannot use what Enterprise has:", err)
		os.Exit(1)
	}
}

func run() (*report, error) {
	client, err := faktory.Open()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	found := &report{}
	if err := batches(client, found); err != nil {
		return nil, err
	}
	if err := tracking(client, found); err != nil {
		return nil, err
	}
	return found, uniqueness(client, found)
}

func batches(client *faktory.Client, found *report) error {
	batch := faktory.NewBatch(client)
	batch.Description = "two jobs"
	batch.Success = faktory.NewJob("done")
	err := batch.Jobs(func() error {
		if err := batch.Push(faktory.NewJob(jobType, 1)); err != nil {
			return err
		}
		return batch.Push(faktory.NewJob(jobType, 2))
	})
	if err != nil {
		return err
	}
	if found.Batch, err = client.BatchStatus(batch.Bid); err != nil {
		return err
	}
	again, err := client.BatchOpen(batch.Bid)
	if err != nil {
		return err
	}
	if err := again.Push(faktory.NewJob(jobType, 3)); err != nil {
		return err
	}
	if err := again.Commit(); err != nil {
		return err
	}
	found.Reopened, err = client.BatchStatus(batch.Bid)
	return err
}

func tracking(client *faktory.Client, found *report) error {
	job := faktory.NewJob(jobType, 4)
	job.Queue = "tracked"
	job.SetCustom("track", 1)
	if err := client.Push(job); err != nil {
		return err
	}
	if _, err := client.Fetch("tracked"); err != nil {
		return err
	}
	if err := client.TrackSet(job.Jid, 40, "half way", nil); err != nil {
		return err
	}
	track, err := client.TrackGet(job.Jid)
	found.Track = track
	return err
}

func uniqueness(client *faktory.Client, found *report) error {
	job := func() *faktory.Job {
		unique := faktory.NewJob(jobType, 5)
		unique.SetUniqueFor(60)
		return unique
	}
	if err := client.Push(job()); err != nil {
		return err
	}
	if err := client.Push(job()); err != nil {
		found.Unique = err.Error()
	}
	refused, err := client.PushBulk([]*faktory.Job{job()})
	for _, text := range refused {
		found.Bulk = append(found.Bulk, text)
	}
	return err
}
