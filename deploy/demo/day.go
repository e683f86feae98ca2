package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regpay/regpay/deploy/booking"
	"github.com/regpay/regpay/deploy/local"
)

// day is a day of registrations at one installation.
type day struct {
	in      *local.Installation
	backend *booking.Backend
	staff   *staff
	opened  time.Time
	atOnce  int           // registrations under way at the same time
	pace    time.Duration // between two patients
	board   *board

	repeated atomic.Int64 // calls that were made once more
}

// facts puts into the books what a hospital would know of its patients before
// the day begins.
func (d *day) facts(ctx context.Context, all []registration) error {
	books, err := d.in.Books(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Blocked {
			if err := books.Block(ctx, r.Hospital, r.Patient.IDNumber, "abuse", "demo-staff", d.opened); err != nil {
				return err
			}
		}
		for n := range r.NoShows {
			at := d.opened.AddDate(0, 0, -7*(n+1))
			if err := books.RecordNoShow(ctx, r.Hospital, r.Patient.IDNumber, fmt.Sprintf("%s-missed-%d", r.Slot.ID, n+1), at); err != nil {
				return err
			}
		}
	}
	return nil
}

// run plays all registrations, in the file's order, and returns what became of
// them in the same order. One patient's come one after the other, as they would
// from one phone.
func (d *day) run(ctx context.Context, all []registration) []outcome {
	for _, r := range all {
		d.staff.brief(r.orderNo(d.opened), r)
	}
	working, stop := context.WithCancel(ctx)
	var office sync.WaitGroup
	office.Go(func() { d.staff.work(working) })
	defer office.Wait()
	defer stop()

	outcomes := make([]outcome, len(all))
	before := map[string]chan struct{}{} // a patient's last start
	places := make(chan struct{}, d.atOnce)
	var rows sync.WaitGroup
	defer rows.Wait()
	for i, r := range all {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			outcomes[i] = outcome{registration: r, order: r.orderNo(d.opened), err: context.Cause(ctx)}
			continue
		}
		earlier, mine := before[r.Patient.IDNumber], make(chan struct{})
		before[r.Patient.IDNumber] = mine
		rows.Go(func() {
			defer func() { <-places }()
			if earlier != nil {
				<-earlier
			}
			d.board.began()
			outcomes[i] = d.play(ctx, r, sync.OnceFunc(func() { close(mine) }))
			d.board.ended(outcomes[i])
		})
		_ = pause(ctx, d.pace) // ended above
	}
	rows.Wait()
	return outcomes
}
