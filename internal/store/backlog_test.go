package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// paidAt pays a payment at a time of its own.
func (b *books) paidAt(t *testing.T, order string, at time.Time) string {
	t.Helper()
	id := b.open(t, order, 5000)
	_, err := b.BeginAttempt(t.Context(), charge(order, 1, payment.WeChat, 5000), payment.AwaitingPayment)
	require.NoError(t, err)
	c := capture(order, 1, "wx-"+order, 5000, payment.Paid)
	c.At = at
	_, err = b.RecordCapture(t.Context(), c)
	require.NoError(t, err)
	return id
}

func TestTheLineBeforeAPaymentIsWhoPaidEarlierAndStillWaits(t *testing.T) {
	b := newBooks(t)
	at := func(minutes int) time.Time {
		return noon.Add(time.Duration(minutes) * time.Minute).Truncate(time.Microsecond)
	}
	registered := b.paidAt(t, "REGISTERED", at(1))
	refused := b.paidAt(t, "REFUSED", at(2))
	refunding := b.paidAt(t, "REFUNDING", at(3))
	first := b.paidAt(t, "FIRST", at(4))
	second := b.paidAt(t, "SECOND", at(5))
	own := b.paidAt(t, "OWN", at(6))
	b.paidAt(t, "LATER", at(7))
	unpaid := b.open(t, "UNPAID", 5000)
	require.NoError(t, b.RecordRegistered(t.Context(), registered, his.Registered{AppointmentID: "a", NoticeID: "n"}, payment.Registered, at(8)))
	require.NoError(t, b.RecordRegistrationRefused(t.Context(), refused, his.CodeSlotGone, at(8)))
	require.NoError(t, b.MoveTo(t.Context(), store.Move{PaymentID: refunding, To: payment.Refunding, Reason: "r", At: at(8)}))

	line := func(id string, before time.Time) store.Line {
		l, err := b.LineBefore(t.Context(), id, before)
		require.NoError(t, err)
		return l
	}
	require.Equal(t, store.Line{Ahead: 2, First: at(4)}, line(own, at(10)))
	require.Equal(t, store.Line{Ahead: 1, First: at(4)}, line(own, at(5)), "who paid just now is no backlog")
	require.Equal(t, store.Line{Ahead: 1, First: at(4)}, line(second, at(10)))
	require.Zero(t, line(first, at(10)))
	require.Zero(t, line(unpaid, at(10)))
	require.Zero(t, line("pay_nobody", at(10)))

	_, err := b.db.ExecContext(t.Context(), `UPDATE payments SET hospital_id = 'elsewhere' WHERE id = $1`, first)
	require.NoError(t, err)
	require.Equal(t, 1, line(own, at(10)).Ahead, "another hospital's HIS is another line")

	waiting, err := b.Unregistered(t.Context())
	require.NoError(t, err)
	for i := range waiting {
		waiting[i].Oldest = waiting[i].Oldest.UTC()
	}
	require.Equal(t, []store.Unregistered{
		{HospitalID: "elsewhere", Count: 1, Oldest: at(4)}, {HospitalID: hospital, Count: 3, Oldest: at(5)}}, waiting)
}

func TestPaymentsOfOneMomentStandInALine(t *testing.T) {
	b := newBooks(t)
	places := map[int]bool{}
	var ids []string
	for i := range 4 {
		ids = append(ids, b.paidAt(t, fmt.Sprintf("TOGETHER%d", i), noon))
	}
	for _, id := range ids {
		l, err := b.LineBefore(t.Context(), id, noon.Add(time.Hour))
		require.NoError(t, err)
		places[l.Ahead] = true
	}
	require.Equal(t, map[int]bool{0: true, 1: true, 2: true, 3: true}, places)
}

// Every payment asks for its place before it is registered, so that has to cost
// as much as the backlog is long, not the years.
func TestAPlaceInTheLineIsReadFromItsIndexAlone(t *testing.T) {
	b := newBooks(t)
	own := b.paidAt(t, "OWN", noon.Add(time.Hour))
	// Years of completed payments, and a backlog of 40, past the store.
	_, err := b.db.ExecContext(t.Context(), `
INSERT INTO requests SELECT 'pay_'||n, hospital_id, 'O'||n, 'w'||n, created_at, request_index, patient_index, request_sealed
  FROM requests, generate_series(1, 20000) n`)
	require.NoError(t, err)
	_, err = b.db.ExecContext(t.Context(), `
INSERT INTO payments (id, hospital_id, status, method, currency, amount_fen, risk_verdict, created_at, updated_at, pay_by, paid_at, audit_seq, audit_head)
SELECT 'pay_'||n, hospital_id, CASE WHEN n <= 40 THEN 'paid' ELSE 'completed' END, method, currency, amount_fen, risk_verdict,
       created_at, updated_at, pay_by, paid_at - interval '30 minutes' - n * interval '1 second', 1, '' FROM payments, generate_series(1, 20000) n`)
	require.NoError(t, err)
	_, err = b.db.ExecContext(t.Context(), `ANALYZE payments`)
	require.NoError(t, err)

	l, err := b.LineBefore(t.Context(), own, noon.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 40, l.Ahead)

	query := strings.NewReplacer("$1", "'"+own+"'", "$2", "now() + interval '9 years'", "$3", "500").Replace(store.AheadOf)
	var plan strings.Builder
	rows, err := b.db.QueryContext(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) "+query)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	require.Contains(t, plan.String(), "using payments_unregistered", plan.String())
	require.NotContains(t, plan.String(), "Seq Scan", plan.String())
	require.NotContains(t, plan.String(), "Sort", "it stops at the five-hundredth:\n"+plan.String())
	if testing.Verbose() {
		t.Log(plan.String())
	}
}

func TestOpenCasesAreCountedByHospitalAndReason(t *testing.T) {
	b := newBooks(t)
	for i, deadline := range []time.Duration{-time.Minute, time.Minute} {
		id := b.pay(t, fmt.Sprintf("CASE%d", i), 5000)
		c := payment.Case{ID: fmt.Sprintf("case_%d", i), Reason: payment.ReviewHISDelayed, OpenedAt: noon, Deadline: noon.Add(deadline),
			Allowed: []payment.Verdict{payment.RefundAll}, Workflow: "w"}
		require.NoError(t, b.OpenCase(t.Context(), id, c, "", noon))
	}
	counts, err := b.CountOpenCases(t.Context(), noon)
	require.NoError(t, err)
	require.Equal(t, []store.OpenCases{{HospitalID: hospital, Reason: string(payment.ReviewHISDelayed), Count: 2, Overdue: 1}}, counts)
	_, err = b.db.ExecContext(t.Context(), `UPDATE cases SET decided_at = now()`)
	require.NoError(t, err)
	counts, err = b.CountOpenCases(t.Context(), noon)
	require.NoError(t, err)
	require.Empty(t, counts)
}
