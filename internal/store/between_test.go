package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// Where a quick step can be interrupted: before the statement that writes, when
// it has decided by what it read, or before the transaction that follows a
// refusal, when it has refused by what it read.
const (
	beforeWriting = "UPDATE payments"
	beforeLocking = "BEGIN"
)

// steps of one order's payment, by one of the processes.
type steps struct {
	*store.Store
	order string
}

func (s steps) id() string { return payment.ID(hospital, s.order) }

func (s steps) begin(ctx context.Context, attempt int, fen int64) (store.Attempt, error) {
	return s.BeginAttempt(ctx, charge(s.order, attempt, payment.WeChat, fen), payment.AwaitingPayment)
}

func (s steps) prepaid(ctx context.Context) error {
	return s.SavePrepaid(ctx, s.id(), 1, channel.Prepaid{Handle: "h", Pay: payment.PayParams{"code_url": "weixin://x"},
		Report: channel.Report{State: channel.Open, Code: "LATE"}}, noon)
}

func (s steps) capture(ctx context.Context, no string) (store.Captured, error) {
	return s.RecordCapture(ctx, capture(s.order, 1, no, 5000, payment.Paid))
}

func (s steps) registered(ctx context.Context) error {
	return s.RecordRegistered(ctx, s.id(), his.Registered{AppointmentID: "apt"}, payment.Registered, noon)
}

func (s steps) move(ctx context.Context, to payment.Status) error {
	return s.MoveTo(ctx, store.Move{PaymentID: s.id(), To: to, At: noon})
}

func (s steps) complete(ctx context.Context) error { return s.Complete(ctx, s.id(), noon) }

// upTo takes the payment to a status.
func (s steps) upTo(t *testing.T, to payment.Status) {
	t.Helper()
	ctx := t.Context()
	_, err := s.OpenPayment(ctx, opening(request(s.order, 1, 5000)))
	require.NoError(t, err)
	for _, step := range []struct {
		from payment.Status
		call func() error
	}{
		{payment.Pending, func() error { _, err := s.begin(ctx, 1, 5000); return err }},
		{payment.AwaitingPayment, func() error { _, err := s.capture(ctx, "wx-"+s.order); return err }},
		{payment.Paid, func() error { return s.registered(ctx) }},
	} {
		if step.from == to {
			return
		}
		require.NoError(t, step.call())
	}
}

// A step that another one of the same payment has overtaken comes to what it
// would have come to had it begun after that.
func TestAStepThatWasOvertakenIsDecidedByWhatIsThere(t *testing.T) {
	// A step that is interrupted while it holds the lock waits for itself.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	attempt := func(b *books, s steps) store.Attempt {
		a, err := b.Attempt(ctx, s.id(), 1)
		assert.NoError(t, err)
		return a
	}
	for _, tc := range []struct {
		name  string
		from  payment.Status
		at    string
		step  func(steps) error
		other func(*books, steps) error
		fails error
		now   payment.Status
		lines int // of the log that came to be since from
		check func(*books, steps)
	}{
		{name: "the same attempt begun", from: payment.Pending, at: beforeWriting,
			step: func(s steps) error {
				a, err := s.begin(ctx, 1, 5000)
				assert.True(t, a.Existed, "it may have been sent already")
				return err
			},
			other: func(_ *books, s steps) error { _, err := s.begin(ctx, 1, 5000); return err },
			now:   payment.AwaitingPayment, lines: 1},
		{name: "the attempt's number taken by another charge", from: payment.Pending, at: beforeWriting,
			step:  func(s steps) error { _, err := s.begin(ctx, 1, 4999); return err },
			other: func(_ *books, s steps) error { _, err := s.begin(ctx, 1, 5000); return err },
			fails: store.ErrConflict, now: payment.AwaitingPayment, lines: 1,
			check: func(b *books, s steps) { assert.True(t, attempt(b, s).Charge.Amount.Equal(money.Fen(5000))) }},
		{name: "paid while a second attempt begins", from: payment.AwaitingPayment, at: beforeWriting,
			step:  func(s steps) error { _, err := s.begin(ctx, 2, 5000); return err },
			other: func(_ *books, s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			fails: store.ErrTransition, now: payment.Paid, lines: 1,
			check: func(b *books, s steps) {
				_, err := b.Attempt(ctx, s.id(), 2)
				assert.ErrorIs(t, err, store.ErrNotFound, "nothing is half written")
			}},
		{name: "the channel told of the money before its answer is kept", from: payment.AwaitingPayment, at: beforeWriting,
			step:  func(s steps) error { return s.prepaid(ctx) },
			other: func(_ *books, s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			now:   payment.Paid, lines: 2,
			check: func(b *books, s steps) {
				a := attempt(b, s)
				assert.Equal(t, channel.Captured, a.State)
				assert.Equal(t, "h", a.Charge.Handle)
			}},
		{name: "closed before the channel's answer is kept", from: payment.AwaitingPayment, at: beforeWriting,
			step: func(s steps) error { return s.prepaid(ctx) },
			other: func(_ *books, s steps) error {
				return s.EndAttempt(ctx, s.id(), 1, channel.Closed, "GONE", noon)
			},
			now: payment.AwaitingPayment, lines: 2,
			check: func(b *books, s steps) { assert.Equal(t, channel.Closed, attempt(b, s).State) }},
		{name: "paid while it is closed", from: payment.AwaitingPayment, at: beforeWriting,
			step:  func(s steps) error { return s.EndAttempt(ctx, s.id(), 1, channel.Closed, "", noon) },
			other: func(_ *books, s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			now:   payment.Paid, lines: 1,
			check: func(b *books, s steps) { assert.Equal(t, channel.Captured, attempt(b, s).State) }},
		{name: "a notification and a look tell of one capture", from: payment.AwaitingPayment, at: beforeWriting,
			step: func(s steps) error {
				out, err := s.capture(ctx, "wx-1")
				assert.True(t, out.Repeated)
				assert.NotEmpty(t, out.VoucherCode)
				return err
			},
			other: func(_ *books, s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			now:   payment.Paid, lines: 1},
		{name: "two captures of one attempt", from: payment.AwaitingPayment, at: beforeWriting,
			step:  func(s steps) error { _, err := s.capture(ctx, "wx-2"); return err },
			other: func(_ *books, s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			now:   payment.Paid, lines: 2,
			check: func(b *books, s steps) {
				v, err := b.Payment(ctx, s.id())
				assert.NoError(t, err)
				assert.True(t, v.Captured.Equal(money.Fen(10000)), "each is counted")
			}},
		{name: "closed while the money comes", from: payment.AwaitingPayment, at: beforeWriting,
			step:  func(s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			other: func(_ *books, s steps) error { return s.move(ctx, payment.Closed) },
			fails: store.ErrTransition, now: payment.Closed, lines: 1,
			check: func(b *books, s steps) {
				v, err := b.Payment(ctx, s.id())
				assert.NoError(t, err)
				assert.True(t, v.Captured.IsZero())
				assert.Nil(t, v.Voucher)
			}},
		{name: "refunded while it is registered", from: payment.Paid, at: beforeWriting,
			step:  func(s steps) error { return s.registered(ctx) },
			other: func(_ *books, s steps) error { return s.move(ctx, payment.Refunding) },
			fails: store.ErrTransition, now: payment.Refunding, lines: 1},
		{name: "registered while its refusal is noted", from: payment.Paid, at: beforeWriting,
			step:  func(s steps) error { return s.RecordRegistrationRefused(ctx, s.id(), his.CodeSlotGone, noon) },
			other: func(_ *books, s steps) error { return s.registered(ctx) },
			fails: store.ErrTransition, now: payment.Registered, lines: 1},
		{name: "completed by two", from: payment.Registered, at: beforeWriting,
			step:  func(s steps) error { return s.complete(ctx) },
			other: func(_ *books, s steps) error { return s.complete(ctx) },
			now:   payment.Completed, lines: 1},
		{name: "money set aside while it is completed", from: payment.Registered, at: beforeWriting,
			step:  func(s steps) error { return s.complete(ctx) },
			other: func(b *books, s steps) error { _, err := b.ReserveRefund(ctx, refundOf(s.id(), "k", 5000)); return err },
			now:   payment.Completed, lines: 2},
		{name: "looked at while it moves", from: payment.Paid, at: beforeWriting,
			step: func(s steps) error { return s.move(ctx, payment.Refunding) },
			other: func(b *books, s steps) error {
				return b.ViewLogged(ctx, store.Viewing{PaymentID: s.id(), By: "li", Address: "10.0.0.1"}, noon)
			},
			now: payment.Refunding, lines: 1},
		{name: "paid when the registration was refused for want of it", from: payment.AwaitingPayment, at: beforeLocking,
			step:  func(s steps) error { return s.registered(ctx) },
			other: func(_ *books, s steps) error { _, err := s.capture(ctx, "wx-1"); return err },
			now:   payment.Registered, lines: 2},
		{name: "begun when its answer was nobody's", from: payment.Pending, at: beforeLocking,
			step:  func(s steps) error { return s.prepaid(ctx) },
			other: func(_ *books, s steps) error { _, err := s.begin(ctx, 1, 5000); return err },
			now:   payment.AwaitingPayment, lines: 2},
		{name: "already closed when it was to move there", from: payment.Paid, at: beforeLocking,
			step: func(s steps) error { return s.move(ctx, payment.Closed) },
			other: func(_ *books, s steps) error {
				if err := s.move(ctx, payment.Refunding); err != nil {
					return err
				}
				return s.move(ctx, payment.Closed)
			},
			now: payment.Closed, lines: 2},
	} {
		for _, remembered := range []bool{false, true} {
			name := tc.name
			if remembered {
				name += ", by a process that remembers it from before"
			}
			t.Run(name, func(t *testing.T) {
				b := newBooks(t)
				other, w := b.overWire(t)
				own, overtaken := steps{b.Store, "ORDER0001"}, steps{other, "ORDER0001"}
				if remembered {
					overtaken.upTo(t, tc.from)
				} else {
					own.upTo(t, tc.from)
				}
				before := lines(t, b, own.id())
				if remembered {
					require.NoError(t, tc.other(b, own))
				} else {
					w.interrupt(tc.at, func() { assert.NoError(t, tc.other(b, own)) })
				}
				err := tc.step(overtaken)
				require.True(t, w.interrupted(), "the other step came in between")
				if tc.fails != nil {
					require.ErrorIs(t, err, tc.fails)
				} else {
					require.NoError(t, err)
				}
				require.Empty(t, w.refusals(), "the database had nothing to refuse: the guard alone kept the books right")
				require.Equal(t, tc.now, status(t, b, own.id()))
				require.Equal(t, tc.lines, lines(t, b, own.id())-before)
				if tc.check != nil {
					tc.check(b, own)
				}
				b.requireRight(t, own.id())
			})
		}
	}
}

// requireRight demands what holds of a payment whatever has happened.
func (b *books) requireRight(t *testing.T, id string) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, b.VerifyAudit(ctx, id))
	bad, err := b.Unbalanced(ctx)
	require.NoError(t, err)
	require.Empty(t, bad)
	balances, err := b.TrialBalance(ctx)
	require.NoError(t, err)
	require.True(t, balances.Balanced())
	require.Zero(t, one[int64](t, b, `SELECT count(*) FROM payments p WHERE
		captured_fen <> (SELECT coalesce(sum(captured_fen), 0) FROM attempts a WHERE a.payment_id = p.id) OR
		captured_fen <> (SELECT coalesce(sum(amount_fen), 0) FROM captures a WHERE a.payment_id = p.id) OR
		captured_fen <> (SELECT coalesce(sum(amount_fen), 0) FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
		                  WHERE t.payment_id = p.id AND t.kind = 'capture' AND e.account LIKE 'receivable/%')`))
}

// Of two payments that a patient starts at once, the risk rules see the first.
func TestAPaymentStartedMeanwhileCounts(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	other, w := b.overWire(t)
	rules := func(order string) store.Opening {
		o := opening(request(order, 1, 5000))
		o.Rules.ReviewAfter, o.Rules.Window = 1, time.Hour
		return o
	}
	w.interrupt("INSERT INTO requests", func() {
		out, err := b.OpenPayment(ctx, rules("ORDER0001"))
		assert.NoError(t, err)
		assert.Equal(t, "pass", string(out.Assessment.Verdict))
	})
	out, err := other.OpenPayment(ctx, rules("ORDER0002"))
	require.NoError(t, err)
	require.True(t, w.interrupted())
	require.Equal(t, "review", string(out.Assessment.Verdict))

	w.interrupt("INSERT INTO requests", func() {
		_, err := b.OpenPayment(ctx, opening(request("ORDER0003", 1, 5000)))
		assert.NoError(t, err)
	})
	_, err = other.OpenPayment(ctx, opening(request("ORDER0003", 1, 5000)))
	require.NoError(t, err, "the same order")
	require.True(t, w.interrupted())
	w.interrupt("INSERT INTO requests", func() {
		_, err := b.OpenPayment(ctx, opening(request("ORDER0004", 2, 5000)))
		assert.NoError(t, err)
	})
	_, err = other.OpenPayment(ctx, opening(request("ORDER0004", 1, 5000)))
	require.True(t, payment.HasCode(err, payment.CodeOrderConflict), "another patient's: %v", err)
	require.Empty(t, w.refusals())
	require.EqualValues(t, 4, one[int64](t, b, "SELECT count(*) FROM audit"))
}
