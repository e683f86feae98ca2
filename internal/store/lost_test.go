package store_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
)

// cutter passes connections on to the database. Once armed, it lets the next
// COMMIT through, waits for the database's word that it is done, and cuts the
// connection instead of passing the word on.
type cutter struct {
	listener net.Listener
	target   string
	armed    atomic.Bool
}

func newCutter(t *testing.T, dsn string) (*cutter, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{listener: l, target: u.Host}
	u.Host = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(conn)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return c, u.String()
}

func (c *cutter) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer server.Close()
	var lost atomic.Bool
	go func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil || lost.Load() {
				return // the answer is in, and nobody hears it
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		// The simple query protocol's message of the driver's Commit.
		if bytes.Contains(buf[:n], []byte("COMMIT\x00")) && c.armed.CompareAndSwap(true, false) {
			lost.Store(true)
		}
		if _, err := io.Copy(server, bytes.NewReader(buf[:n])); err != nil {
			return
		}
	}
}

func TestAStepWhoseCommitWasLostIsRepeatedSafely(t *testing.T) {
	b := newBooks(t)
	cut, dsn := newCutter(t, b.dsn)
	s := openStore(t, dsn, b.keys)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const order = "ORDER0001"
	o := opening(request(order, 1, 5000))
	id := o.PaymentID
	for i, step := range []struct {
		name string
		call func() error
	}{
		{"open", func() error { _, err := s.OpenPayment(ctx, o); return err }},
		{"begin", func() error {
			_, err := s.BeginAttempt(ctx, charge(order, 1, payment.WeChat, 5000), payment.AwaitingPayment)
			return err
		}},
		{"capture", func() error {
			_, err := s.RecordCapture(ctx, capture(order, 1, "wx-1", 5000, payment.Paid))
			return err
		}},
		{"registered", func() error { return s.RecordRegistered(ctx, id, his.Registered{AppointmentID: "a"}, noon) }},
		{"complete", func() error { return s.Complete(ctx, id, noon) }},
		{"reserve", func() error { _, err := s.ReserveRefund(ctx, refundOf(id, "k", 5000)); return err }},
		{"refund", func() error {
			row, err := s.Refund(ctx, id, 1)
			if err != nil {
				return err
			}
			_, err = s.RecordRefund(ctx, id, 1, succeeded(row), "workflow", noon)
			return err
		}},
	} {
		cut.armed.Store(true)
		require.Error(t, step.call(), "%s: the answer was lost", step.name)
		require.False(t, cut.armed.Load(), "%s: the commit was reached", step.name)
		require.Equal(t, i+1, lines(t, b, id), "%s: it was committed all the same", step.name)
		require.NoError(t, step.call(), step.name)
		require.Equal(t, i+1, lines(t, b, id), "%s: the repeat changed nothing", step.name)
	}
	require.NoError(t, b.VerifyAudit(ctx, id))
	totals, err := b.ChannelTotals(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 5000, totals[0].Captured.Minor())
	require.EqualValues(t, 5000, totals[0].Refunded.Minor())
}

func TestADeadlineIsRespected(t *testing.T) {
	b := newBooks(t)
	id := b.open(t, "ORDER0001", 5000)
	tx, err := b.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(t.Context(), "SELECT 1 FROM payments WHERE id = $1 FOR UPDATE", id)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	started := time.Now()
	require.Error(t, b.Complete(ctx, id, noon))
	require.Less(t, time.Since(started), 10*time.Second)
	require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
}
