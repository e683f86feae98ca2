package empty

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// reporter writes ids to one connection, which is made with the first of them
// and made anew when it breaks. It is safe for concurrent use.
type reporter struct {
	address string

	mu   sync.Mutex
	conn net.Conn
}

// report writes an id and a newline. A connection that breaks under the write
// is replaced once. ctx bounds all of it.
func (r *reporter) report(ctx context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := []byte(id + "\n")
	if r.conn != nil {
		if err := write(ctx, r.conn, line); err == nil {
			return nil
		}
		// What was written of the line ends without a newline and is not read.
		_ = r.conn.Close()
		r.conn = nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.address)
	if err != nil {
		return fmt.Errorf("report that a workflow is over: %w", err)
	}
	go r.watch(conn)
	if err := write(ctx, conn, line); err != nil {
		_ = conn.Close()
		return fmt.Errorf("report that a workflow is over: %w", err)
	}
	r.conn = conn
	return nil
}

func write(ctx context.Context, conn net.Conn, line []byte) error {
	// The zero time, without a deadline in ctx, is none.
	end, _ := ctx.Deadline()
	if err := conn.SetWriteDeadline(end); err != nil {
		return err
	}
	_, err := conn.Write(line)
	return err
}

// watch forgets a connection as soon as the other side has closed it: the
// first write after that would succeed and reach nobody.
func (r *reporter) watch(conn net.Conn) {
	_, _ = io.Copy(io.Discard, conn) // nothing is ever sent this way
	_ = conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == conn {
		r.conn = nil
	}
}

// close ends the connection.
func (r *reporter) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}
