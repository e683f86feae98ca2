package empty

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync"
)

// reports hears from workers which workflows are over. It is safe for
// concurrent use.
type reports struct {
	listener net.Listener
	hearing  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
	open   map[string]chan struct{} // workflows that somebody waits for
}

// listen takes reports at a free port of this machine.
func listen(ctx context.Context) (*reports, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for reports: %w", err)
	}
	r := &reports{listener: l, conns: map[net.Conn]bool{}, open: map[string]chan struct{}{}}
	r.hearing.Go(r.accept)
	return r, nil
}

func (r *reports) address() string { return r.listener.Addr().String() }

func (r *reports) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return // close was called; net itself goes on after a connection that came to nothing
		}
		if r.keep(conn) {
			r.hearing.Go(func() { r.hear(conn) })
		}
	}
}

// keep remembers a connection, or ends it when everything has ended.
func (r *reports) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = conn.Close()
		return false
	}
	r.conns[conn] = true
	return true
}

// hear reads ids until the connection ends. A last one without its newline is
// the beginning of an id that is sent again.
func (r *reports) hear(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.conns, conn)
	}()
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		r.over(line[:len(line)-1])
	}
}

// over lets those go on who wait for a workflow. A repeat, from a workflow task
// that was done twice, finds nobody.
func (r *reports) over(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if done, ok := r.open[id]; ok {
		delete(r.open, id)
		close(done)
	}
}

// done is closed when the workflow is reported the next time.
func (r *reports) done(id string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[id] == nil {
		r.open[id] = make(chan struct{})
	}
	return r.open[id]
}

// close ends all connections and waits until nobody hears any more.
func (r *reports) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for conn := range r.conns {
		_ = conn.Close()
	}
	r.mu.Unlock()
	r.hearing.Wait()
}
