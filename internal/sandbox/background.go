package sandbox

import (
	"context"
	"sync"
)

// Background owns the goroutines that outlive a request: patients, clearing,
// notifications. Closing it cancels them all and waits until they have ended.
type Background struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// NewBackground is the only way to make one.
func NewBackground() *Background {
	ctx, cancel := context.WithCancel(context.Background())
	return &Background{ctx: ctx, cancel: cancel}
}

// Go runs work until it returns; its ctx ends at [Background.Close]. After
// Close nothing is started any more and Go returns false.
func (b *Background) Go(work func(ctx context.Context)) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.wg.Add(1)
	b.mu.Unlock()
	go func() {
		defer b.wg.Done()
		work(b.ctx)
	}()
	return true
}

// Close cancels what runs and waits for its end. It may be called repeatedly.
func (b *Background) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.wg.Wait()
}
