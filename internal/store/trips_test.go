package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// A payment's books cost by the round trip, on both ends of the connection.
func TestAStepOfAPaymentWithoutTroubleIsOneRoundTripOrTwo(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	s, w := b.overWire(t)
	type named struct {
		name string
		call func() error
	}
	life := func(order string) []named {
		p := steps{s, order}
		return []named{
			{"open", func() error { _, err := s.OpenPayment(ctx, opening(request(order, 1, 5000))); return err }},
			{"begin", func() error { _, err := p.begin(ctx, 1, 5000); return err }},
			{"prepaid", func() error { return p.prepaid(ctx) }},
			{"the notification", func() error {
				_, err := s.AttemptByNumber(ctx, hospital, payment.WeChat, payment.MerchantNo(order, 1))
				return err
			}},
			{"capture", func() error { _, err := p.capture(ctx, "wx-"+order); return err }},
			{"registered", func() error { return p.registered(ctx) }},
			{"complete", func() error { return p.complete(ctx) }},
		}
	}
	unpaid := func(order string) []named {
		p := steps{s, order}
		return append(life(order)[:2],
			named{"ended", func() error { return s.EndAttempt(ctx, p.id(), 1, channel.Closed, "", noon) }},
			named{"move", func() error { return p.move(ctx, payment.Closed) }})
	}
	untold := func(order string) []named {
		p := steps{s, order}
		return append(life(order)[:5], named{"registered and complete", func() error {
			return s.RecordRegistered(ctx, p.id(), his.Registered{AppointmentID: "apt"}, payment.Completed, noon)
		}})
	}
	for name, way := range map[string]func(string) []named{"PAID": life, "UNTOLD": untold, "UNPAID": unpaid} {
		for _, first := range []bool{true, false} { // which prepares each statement
			order := fmt.Sprintf("%s%v", name, first)
			for _, repeated := range []bool{false, true} {
				for _, step := range way(order) {
					w.counted()
					require.NoError(t, step.call(), step.name)
					most := 1 // to write by what is remembered, or to see that it is written
					if step.name == "open" || repeated && step.name == "begin" {
						most = 2
					}
					if step.name == "the notification" && !repeated {
						most = 0
					}
					if n := w.counted(); !first {
						require.LessOrEqual(t, n, most, "%s, repeated: %v", step.name, repeated)
					}
				}
			}
		}
	}
	require.Equal(t, payment.Completed, status(t, b, payment.ID(hospital, "PAIDfalse")))
	require.Equal(t, payment.Completed, status(t, b, payment.ID(hospital, "UNTOLDfalse")))
	require.Equal(t, payment.Closed, status(t, b, payment.ID(hospital, "UNPAIDfalse")))
}

// A mixed payment has the patient's proof and two charges. Its process reads
// none of it again.
func TestTheStepsOfAMixedPaymentAreOneRoundTripEach(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	s, w := b.overWire(t)
	for _, first := range []bool{true, false} { // which prepares each statement
		p := steps{s, fmt.Sprintf("MIXED%v", first)}
		_, err := s.OpenPayment(ctx, opening(request(p.order, 1, 5000)))
		require.NoError(t, err)
		for _, call := range []func() error{
			func() error {
				return s.StartChallenge(ctx, sms("sms-"+p.order, p.id(), "1380000000"+p.order[5:6], "123456", noon))
			},
			func() error { return s.AnswerSMS(ctx, p.id(), "sms-"+p.order, "123456", noon) },
			func() error { _, err := p.begin(ctx, 1, 2000); return err },
			func() error { return p.prepaid(ctx) },
			func() error {
				_, err := s.RecordCapture(ctx, capture(p.order, 1, "wx-"+p.order, 2000, payment.Clearing))
				return err
			},
			func() error { _, err := p.begin(ctx, 2, 3000); return err },
			func() error {
				c := capture(p.order, 2, "wx-second-"+p.order, 3000, payment.Paid)
				c.Prepaid = &channel.Prepaid{Report: c.Report}
				_, err := s.RecordCapture(ctx, c)
				return err
			},
		} {
			w.counted()
			require.NoError(t, call())
			if n := w.counted(); !first {
				require.Equal(t, 1, n)
			}
		}
		b.requireRight(t, p.id())
	}
}

// Workers that know nothing of each other take the same steps at the same time.
func TestManyWorkersOnOnePaymentMakeOnePayment(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	const order = "ORDER0001"
	all := make([]steps, 6)
	for i := range all {
		all[i] = steps{b.Store, order}
		if i%2 == 1 {
			all[i].Store = openStore(t, b.dsn, b.keys)
		}
	}
	var wg sync.WaitGroup
	vouchers := make([]string, len(all))
	for i, s := range all {
		wg.Go(func() {
			for _, step := range []func() error{
				func() error { _, err := s.OpenPayment(ctx, opening(request(order, 1, 5000))); return err },
				func() error { _, err := s.begin(ctx, 1, 5000); return err },
				func() error { return s.prepaid(ctx) },
				func() error {
					out, err := s.capture(ctx, "wx-1")
					vouchers[i] = out.VoucherCode
					return err
				},
				func() error { return s.registered(ctx) },
				func() error { return s.complete(ctx) },
			} {
				if err := step(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	id := all[0].id()
	require.Equal(t, payment.Completed, status(t, b, id))
	require.Equal(t, 6, lines(t, b, id), "each step has one record")
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.EqualValues(t, 5000, v.Captured.Minor())
	for _, code := range vouchers {
		require.Equal(t, v.Voucher.Code, code)
	}
	b.requireRight(t, id)
}

// A connection keeps a statement's plan, which may be from when the books were
// empty: it has to be one for full books all the same.
func TestStepsFindTheirRowsByIndexEvenByAPlanForEmptyBooks(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	conn, err := b.db.Conn(ctx)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = conn.ExecContext(ctx, `SET plan_cache_mode = force_generic_plan`)
	require.NoError(t, err)
	for i, statement := range store.StepStatements {
		name := fmt.Sprintf("s%d", i)
		_, err := conn.ExecContext(ctx, "PREPARE "+name+" AS "+statement)
		require.NoError(t, err)
		n := 0
		for strings.Contains(statement, fmt.Sprintf("$%d", n+1)) {
			n++
		}
		rows, err := conn.QueryContext(ctx, "EXPLAIN (COSTS OFF) EXECUTE "+name+"("+strings.TrimSuffix(strings.Repeat("NULL,", n), ",")+")")
		require.NoError(t, err)
		plan := statement + "\n"
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			plan += line + "\n"
		}
		require.NoError(t, rows.Err())
		require.NotContains(t, plan, "Seq Scan", plan)
		for line := range strings.Lines(plan) {
			if _, by, ok := strings.Cut(line, "Index Cond: "); ok {
				require.Regexp(t, `\((id|payment_id|hospital_id) = `, by, plan)
			}
		}
	}
}

// The checks of the ledger keep their plans as well.
func TestACaptureIsCheckedWithoutReadingTheLedger(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	s, err := store.Open(ctx, store.Config{DSN: b.dsn, Keys: b.keys, MaxConns: 1})
	require.NoError(t, err)
	for i := range 20 {
		p := steps{s, fmt.Sprintf("ORDER%04d", i)}
		_, err := s.OpenPayment(ctx, opening(request(p.order, 1, 5000)))
		require.NoError(t, err)
		_, err = p.begin(ctx, 1, 5000)
		require.NoError(t, err)
		_, err = p.capture(ctx, "wx-"+p.order)
		require.NoError(t, err)
	}
	require.NoError(t, s.Close()) // the session's counts come with its end
	require.Eventually(t, func() bool {
		var n int
		const counted = `SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'ledger_transactions'`
		return b.db.QueryRowContext(ctx, counted).Scan(&n) != nil || n == 20
	}, time.Minute, 10*time.Millisecond)
	require.Zero(t, one[int64](t, b, `SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname LIKE 'ledger%'`))
}
