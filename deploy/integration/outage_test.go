package integration

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
	sandboxhis "github.com/regpay/regpay/internal/sandbox/his"
)

const (
	// queueing is how many payments wait out the outage: several times as many
	// as may ask the HIS together.
	queueing = 30
	// asking is how many of the oldest may ask together, and settled how long
	// ago a payment was paid to have a place in the line.
	asking  = 8
	settled = 15 * time.Second
)

// TestTheHISComesBackToALine: payments go on while the HIS is away, each is
// registered once when it is back, and the oldest come first.
func TestTheHISComesBackToALine(t *testing.T) {
	w := hold(t, his)
	before := w.injected(t, his, "outage")
	w.breakPart(t, his, sandbox.FaultSpec{Outage: true})
	var line []*visit
	for range queueing {
		v := w.begin(t, renmin, wechatNative)
		v.pay()
		v.until(payment.Paid) // one after the other, so that their order is known
		line = append(line, v)
	}
	last := time.Now()
	line[queueing-1].hasVoucher(wire.VoucherTemporary)
	w.eventually(t, "all of them stand in the line", func() bool { return time.Since(last) > settled+time.Second })
	assert.GreaterOrEqual(t, w.metric(t, `regpay_unregistered_payments{hospital="`+renmin+`"} `), queueing)
	t.Logf("the HIS was asked %d times while it was away", w.injected(t, his, "outage")-before)

	w.heal(t, his)
	back := time.Now()
	// Who pays now, and would ask a HIS that works at once, comes after them.
	for range 3 {
		v := w.begin(t, renmin, wechatNative)
		v.pay()
		line = append(line, v)
	}
	places := map[string]int{}
	for _, v := range line {
		v.isRegisteredOnce(v.within(slowly, payment.Completed))
	}
	t.Logf("all were registered %s after the HIS was back", time.Since(back).Round(time.Second))
	entries := w.books(t).HIS.Appointments
	slices.SortFunc(entries, func(a, b sandboxhis.AppointmentEntry) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, e := range entries {
		if e.Hospital == renmin {
			places[e.OrderNo] = len(places)
		}
	}
	var outOfTurn []int
	for i, v := range line {
		waited := 0
		for _, older := range line[:i] {
			if places[older.order()] > places[v.order()] {
				waited++
			}
		}
		if waited >= asking {
			outOfTurn = append(outOfTurn, i)
		}
	}
	// Every eighth try while the HIS is away is one; few come to so many here.
	assert.LessOrEqual(t, len(outOfTurn), 2, "%v went before %d older ones or more", outOfTurn, asking)
	w.eventually(t, "nobody waits any more", func() bool {
		return w.metric(t, `regpay_unregistered_payments{hospital="`+renmin+`"} `) == 0
	})
}

// TestASlowInsuranceSlowsNobodyElse: while the platform lets everybody wait, who
// pays by another channel does not notice, and who is insured is not forgotten.
func TestASlowInsuranceSlowsNobodyElse(t *testing.T) {
	w := hold(t, insurance)
	var insured []*visit
	for range 2 * asking {
		insured = append(insured, w.begin(t, renmin, w.insured(t, renmin)))
	}
	w.breakPart(t, insurance, sandbox.FaultSpec{LatencyMS: sandbox.Latency{P50: 20_000, P95: 20_000}})
	var waiting sync.WaitGroup
	for _, v := range insured {
		waiting.Go(func() { _, _ = v.w.in.AnswerSMS(t.Context(), v.hospital(), v.id()) }) // an answer that comes too late is none
	}
	for range 5 {
		begun := time.Now()
		v := w.begin(t, renmin, wechatNative)
		v.pay()
		v.isRegisteredOnce(v.within(soon, payment.Completed))
		assert.Less(t, time.Since(begun), 5*time.Second, "as fast as on any day")
	}
	waiting.Wait()
	w.heal(t, insurance)
	for _, v := range insured {
		v.isRegisteredOnce(v.within(slowly, payment.Completed))
		require.Len(t, v.charges(payment.Insurance), 1, "asked for once, however often it was tried")
	}
}

// metric reads a whole number from the API's metrics; zero when it is not
// there.
func (w *world) metric(t *testing.T, prefix string) int {
	t.Helper()
	text, err := local.Metrics(t.Context(), w.in.APIBase)
	require.NoError(t, err)
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			var n int
			_, err := fmt.Sscan(rest, &n)
			require.NoError(t, err, line)
			return n
		}
	}
	return 0
}
