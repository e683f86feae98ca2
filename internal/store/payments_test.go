package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/internal/store"
)

func TestMigrationsRunOnceWhenSeveralProcessesStart(t *testing.T) {
	dsn := newDatabase(t)
	b := newBooks(t)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		s := openStore(t, dsn, b.keys)
		wg.Go(func() { errs[i] = s.Migrate(t.Context()) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func TestOpeningIsOnceForAnOrder(t *testing.T) {
	b := newBooks(t)
	o := opening(request("ORDER0001", 1, 5000))
	o.First = payment.Verifying
	first, err := b.OpenPayment(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, store.Opened{Assessment: risk.Assessment{Verdict: risk.Pass}, Status: payment.Verifying}, first)

	o.At = o.At.Add(time.Minute) // a repeat comes later
	again, err := b.OpenPayment(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 1, lines(t, b, o.PaymentID))

	other := o
	other.Request.Order.Patient.Phone = "13900009999"
	_, err = b.OpenPayment(t.Context(), other)
	require.True(t, payment.HasCode(err, payment.CodeOrderConflict), "got %v", err)

	fresh := o // the insurance's authorisation is fresh at every try
	fresh.Request.Choice.PayAuthNo = "AUTH2"
	_, err = b.OpenPayment(t.Context(), fresh)
	require.NoError(t, err)
}

func TestTwoOpeningsOfOneOrderAtOnceGiveOnePayment(t *testing.T) {
	b := newBooks(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			// Every second one is another patient's: another lock, and a conflict.
			_, errs[i] = b.OpenPayment(t.Context(), opening(request("ORDER0001", 1+i%2, 5000)))
		})
	}
	wg.Wait()
	good, conflicts := 0, 0
	for _, err := range errs {
		switch {
		case err == nil:
			good++
		case payment.HasCode(err, payment.CodeOrderConflict):
			conflicts++
		default:
			t.Fatal(err)
		}
	}
	require.Equal(t, 4, good)
	require.Equal(t, 4, conflicts)
	require.EqualValues(t, 1, one[int64](t, b, "SELECT count(*) FROM payments"))
	require.EqualValues(t, 1, one[int64](t, b, "SELECT count(*) FROM audit"))
}

func TestRiskRulesSeePaymentsStartedAtOnce(t *testing.T) {
	b := newBooks(t)
	var wg sync.WaitGroup
	verdicts := make([]risk.Verdict, 6)
	for i := range verdicts {
		o := opening(request("ORDER000"+string(rune('1'+i)), 1, 5000))
		o.Rules = risk.Rules{ReviewAfter: 2, RefuseAfter: 4, Window: time.Hour}
		wg.Go(func() {
			out, err := b.OpenPayment(t.Context(), o)
			if err == nil {
				verdicts[i] = out.Assessment.Verdict
			}
		})
	}
	wg.Wait()
	count := map[risk.Verdict]int{}
	for _, v := range verdicts {
		count[v]++
	}
	require.Equal(t, map[risk.Verdict]int{risk.Pass: 2, risk.Review: 2, risk.Refuse: 2}, count)
	require.EqualValues(t, 2, one[int64](t, b, "SELECT count(*) FROM payments WHERE status = 'rejected' AND reason = 'velocity'"))
}

func TestRiskRulesKnowBlockedPatientsAndNoShows(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	rules := risk.Rules{ReviewNoShows: 1, RefuseNoShows: 2, NoShowWindow: 48 * time.Hour}
	assess := func(order string) risk.Assessment {
		o := opening(request(order, 7, 5000))
		o.Rules = rules
		out, err := b.OpenPayment(ctx, o)
		require.NoError(t, err)
		return out.Assessment
	}
	require.NoError(t, b.RecordNoShow(ctx, hospital, idCard(7), "slot-old", noon.Add(-72*time.Hour)))
	require.Equal(t, risk.Pass, assess("ORDER0001").Verdict, "a no-show before the window is forgotten")
	require.NoError(t, b.RecordNoShow(ctx, hospital, idCard(7), "slot-a", noon.Add(-time.Hour)))
	require.NoError(t, b.RecordNoShow(ctx, hospital, idCard(7), "slot-a", noon.Add(-time.Hour)))
	require.Equal(t, risk.Assessment{Verdict: risk.Review, Rule: "no_shows"}, assess("ORDER0002"))
	require.NoError(t, b.Block(ctx, hospital, idCard(7), "fraud", "op-li", noon))
	require.NoError(t, b.Block(ctx, hospital, idCard(7), "fraud", "op-li", noon))
	require.Equal(t, risk.Assessment{Verdict: risk.Refuse, Rule: "block_list"}, assess("ORDER0003"))
	require.NoError(t, b.Unblock(ctx, hospital, idCard(7), "op-li", noon))
	require.NoError(t, b.Unblock(ctx, hospital, idCard(7), "op-li", noon))
	require.Equal(t, risk.Review, assess("ORDER0004").Verdict)

	require.EqualValues(t, 4, one[int64](t, b, "SELECT count(*) FROM audit WHERE subject = $1", store.SubjectRisk(hospital)))
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectRisk(hospital)))
}

func TestStatusMovesOnlyWhereTheDomainAllows(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	move := store.Move{PaymentID: id, To: payment.Closed, Reason: "expired", Actor: "workflow", At: noon}
	require.NoError(t, b.MoveTo(ctx, move))
	require.NoError(t, b.MoveTo(ctx, move))
	require.Equal(t, 2, lines(t, b, id), "a repeat has no audit record")
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, payment.Closed, v.Status)
	require.Equal(t, "expired", v.Reason)

	move.To = payment.Pending
	require.ErrorIs(t, b.MoveTo(ctx, move), store.ErrTransition)
	move.PaymentID = "pay_unknown"
	require.ErrorIs(t, b.MoveTo(ctx, move), store.ErrNotFound)
	require.ErrorIs(t, b.Complete(ctx, id, noon), store.ErrTransition)
}

func TestChosenMethodIsInTheOrder(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	choice := payment.Choice{Method: payment.ByMixed, Scene: payment.Front, SelfPay: payment.UnionPay,
		InsuranceAmount: money.Fen(3000), PayAuthNo: "AUTH-SECRET"}
	require.NoError(t, b.ChooseMethod(ctx, id, choice, noon))
	n := lines(t, b, id)
	choice.InsuranceAmount = money.Fen(3000)
	require.NoError(t, b.ChooseMethod(ctx, id, choice, noon))
	require.Equal(t, n, lines(t, b, id))

	r, err := b.Order(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "AUTH-SECRET", r.Choice.PayAuthNo)
	require.True(t, r.Choice.InsuranceAmount.Equal(money.Fen(3000)))
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, payment.ByMixed, v.Method)
	require.Equal(t, b.RequestIndex(request("ORDER0001", 1, 5000).Digest()), v.RequestIndex, "the index is of the first request")

	require.NoError(t, b.MoveTo(ctx, store.Move{PaymentID: id, To: payment.Closed, At: noon}))
	choice.Method = payment.ByInsurance
	require.ErrorIs(t, b.ChooseMethod(ctx, id, choice, noon), store.ErrTransition)
}

func TestALifeWithoutTroubleAndEveryStepTwice(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	const order = "ORDER0001"
	o := opening(request(order, 1, 5000))
	id := o.PaymentID
	var voucher string
	steps := []struct {
		name string
		call func() error
		want payment.Status
	}{
		{"open", func() error { _, err := b.OpenPayment(ctx, o); return err }, payment.Pending},
		{"begin", func() error {
			_, err := b.BeginAttempt(ctx, charge(order, 1, payment.WeChat, 5000), payment.AwaitingPayment)
			return err
		}, payment.AwaitingPayment},
		{"prepaid", func() error {
			return b.SavePrepaid(ctx, id, 1, channel.Prepaid{Handle: "h", Pay: payment.PayParams{"code_url": "weixin://x"},
				Report: channel.Report{State: channel.Open}}, noon)
		}, payment.AwaitingPayment},
		{"capture", func() error {
			out, err := b.RecordCapture(ctx, capture(order, 1, "wx-1", 5000, payment.Paid))
			if voucher == "" {
				voucher = out.VoucherCode
				require.False(t, out.Repeated)
			} else {
				require.True(t, out.Repeated)
			}
			require.Equal(t, voucher, out.VoucherCode)
			return err
		}, payment.Paid},
		{"registered", func() error {
			return b.RecordRegistered(ctx, id, his.Registered{AppointmentID: "apt", NoticeID: "n"}, payment.Registered, noon.Add(time.Hour))
		}, payment.Registered},
		{"complete", func() error { return b.Complete(ctx, id, noon) }, payment.Completed},
	}
	for i, s := range steps {
		for range 2 {
			require.NoError(t, s.call(), s.name)
		}
		require.Equal(t, s.want, status(t, b, id), s.name)
		require.Equal(t, i+1, lines(t, b, id), "%s: a repeat has no audit record", s.name)
	}
	// Repeats of early steps that come late take nothing back.
	for _, s := range steps[1:] {
		require.NoError(t, s.call(), s.name)
	}
	require.Equal(t, payment.Completed, status(t, b, id))
	require.Equal(t, len(steps), lines(t, b, id))
	require.NoError(t, b.VerifyAudit(ctx, id))
	_, err := b.Standing(ctx, id+"0")
	require.ErrorIs(t, err, store.ErrNotFound)

	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "apt", v.AppointmentID)
	require.Equal(t, &store.Voucher{Code: voucher, IssuedAt: noon.Add(time.Minute).Truncate(time.Microsecond),
		Confirmed: noon.Add(time.Hour).Truncate(time.Microsecond)}, v.Voucher)
	require.ErrorIs(t, b.RecordRegistered(ctx, id, his.Registered{AppointmentID: "another"}, payment.Registered, noon), store.ErrConflict)
}

func TestAPaymentThatNobodyElseHasToHearOfIsCompleteWithItsRegistration(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	registered := func(id string, next payment.Status) {
		t.Helper()
		for range 2 {
			require.NoError(t, b.RecordRegistered(ctx, id, his.Registered{AppointmentID: "apt-" + id, NoticeID: "n"}, next, noon))
		}
	}
	at, later, back := b.pay(t, "ATONCE001", 5000), b.pay(t, "LATER0001", 5000), b.pay(t, "BACK00001", 5000)
	before := lines(t, b, at)
	registered(at, payment.Completed)
	require.Equal(t, payment.Completed, status(t, b, at))
	require.Equal(t, before+2, lines(t, b, at), "registered, and completed")

	registered(later, payment.Registered)
	require.Equal(t, payment.Registered, status(t, b, later))
	registered(later, payment.Completed)
	require.Equal(t, payment.Completed, status(t, b, later))
	require.Equal(t, before+2, lines(t, b, later))

	registered(back, payment.Registered)
	require.NoError(t, b.MoveTo(ctx, store.Move{PaymentID: back, To: payment.Refunding, At: noon}))
	registered(back, payment.Completed)
	require.Equal(t, payment.Refunding, status(t, b, back), "its money goes back")
	for _, id := range []string{at, later, back} {
		v, err := b.Payment(ctx, id)
		require.NoError(t, err)
		require.Equal(t, "apt-"+id, v.AppointmentID)
		b.requireRight(t, id)
	}
}

func TestAVoucherIsTemporaryUntilTheHISHasIt(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.pay(t, "ORDER0001", 5000)
	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.True(t, v.Voucher.Temporary)
	require.False(t, v.Voucher.Void)

	require.NoError(t, b.RecordRegistrationRefused(ctx, id, his.CodeSlotGone, noon))
	require.NoError(t, b.RecordRegistrationRefused(ctx, id, his.CodeSlotGone, noon))
	v, err = b.Payment(ctx, id)
	require.NoError(t, err)
	require.True(t, v.Voucher.Void, "the HIS refused")
	require.Equal(t, his.CodeSlotGone, v.Reason)
	require.Equal(t, payment.Paid, v.Status, "where it goes is the workflow's")
}
