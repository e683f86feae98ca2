package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// windowsLast is how long maintenance that another process announced, or ended,
// goes unnoticed. Every step that is about to send something asks for it, three
// times a payment, and there is none nearly always.
const windowsLast = time.Second

// windows are the maintenance windows that are not over, by hospital, as they
// were read last. It is safe for concurrent use.
type windows struct {
	mu    sync.Mutex
	known map[string]knownWindows
	// changes counts what this process did to windows, so that what was read
	// before is not kept after.
	changes int
}

type knownWindows struct {
	all   payment.Windows // those that end after since
	since time.Time
	read  time.Time
}

// ActiveWindows are a hospital's windows that are open at a time, of the
// systems that are named or, when none is, of all. Those that another process
// announced within the last second may be missing, and those that it ended may
// still be there.
func (s *Store) ActiveWindows(ctx context.Context, hospital string, at time.Time, systems ...payment.System) (payment.Windows, error) {
	all, err := s.windows.of(hospital, stamp(at), func(at time.Time) (payment.Windows, error) { return s.unfinishedWindows(ctx, hospital, at) })
	if err != nil {
		return nil, fmt.Errorf("look for maintenance at %s: %w", hospital, err)
	}
	var open payment.Windows
	for _, w := range all {
		if w.Active(stamp(at)) && (len(systems) == 0 || slices.Contains(systems, w.System)) {
			open = append(open, w)
		}
	}
	return open, nil
}

// unfinishedWindows reads a hospital's windows that are not over at a time, those
// that begin first at the front.
func (s *Store) unfinishedWindows(ctx context.Context, hospital string, at time.Time) (payment.Windows, error) {
	var rows []windowRow
	const read = `SELECT ` + windowColumns + ` FROM maintenance_windows WHERE hospital_id = $1 AND over_at > $2 ORDER BY starts_at, id`
	if err := s.db.SelectContext(ctx, &rows, read, hospital, at); err != nil {
		return nil, err
	}
	return windowsOf(rows), nil
}

// of is what is known of a hospital's windows that end after a time, read anew
// where that is too old.
func (k *windows) of(hospital string, at time.Time, read func(time.Time) (payment.Windows, error)) (payment.Windows, error) {
	now := time.Now()
	k.mu.Lock()
	known, ok := k.known[hospital]
	changes := k.changes
	k.mu.Unlock()
	if ok && now.Sub(known.read) < windowsLast && !at.Before(known.since) {
		return known.all, nil
	}
	all, err := read(at)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.changes == changes {
		k.known[hospital] = knownWindows{all: all, since: at, read: now}
	}
	return all, nil
}

// forget has a hospital's windows read anew, which this process may have changed.
func (k *windows) forget(hospital string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	delete(k.known, hospital)
}
