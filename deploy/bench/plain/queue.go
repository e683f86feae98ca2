package plain

import "sync"

// queue has the payments that this process is about to finish, each once: one
// that the sweeper finds while it waits here is not done twice. It is bounded
// and safe for concurrent use.
type queue struct {
	next chan paid

	mu   sync.Mutex
	here map[number]struct{}
}

// number is a payment's key.
type number struct{ hospital, order string }

func newQueue(room int) *queue {
	return &queue{next: make(chan paid, room), here: map[number]struct{}{}}
}

// add is false when there is no room.
func (q *queue) add(p paid) bool {
	key := number{p.hospital, p.order}
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, here := q.here[key]; here {
		return true
	}
	select {
	case q.next <- p:
		q.here[key] = struct{}{}
		return true
	default:
		return false
	}
}

// done forgets a payment that was taken from next.
func (q *queue) done(p paid) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.here, number{p.hospital, p.order})
}
