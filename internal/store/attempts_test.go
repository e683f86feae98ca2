package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestAnAttemptIsOnDiskWithEverythingTheChannelNeeds(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	c := charge("ORDER0001", 1, payment.WeChat, 5000)
	c.PayAuthNo = "AUTH"
	first, err := b.BeginAttempt(ctx, c, payment.AwaitingPayment)
	require.NoError(t, err)
	require.False(t, first.Existed)
	require.Equal(t, channel.Open, first.State)

	pay := payment.PayParams{"code_url": "weixin://wxpay/x"}
	p := channel.Prepaid{Handle: "secret-handle", Pay: pay, Report: channel.Report{State: channel.Open}}
	require.NoError(t, b.SavePrepaid(ctx, id, 1, p, noon))

	again, err := b.BeginAttempt(ctx, c, payment.AwaitingPayment)
	require.NoError(t, err)
	require.True(t, again.Existed)
	require.True(t, again.Prepaid)
	require.Equal(t, "secret-handle", again.Charge.Handle)
	require.Equal(t, pay, again.Pay)
	require.Equal(t, "AUTH", again.Charge.PayAuthNo)
	require.Equal(t, c.CreatedAt, again.Charge.CreatedAt, "to the nanosecond: the channel gets the very same time")
	require.Equal(t, c.Payer, again.Charge.Payer)

	_, err = b.Attempt(ctx, id, 2)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// A try counts as long as it may have come to something, whoever took it.
func TestATryIsInDoubtUntilItIsKnownToHaveComeToNothing(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	_, err := b.AskAgain(ctx, id, 1)
	require.ErrorIs(t, err, store.ErrNotFound)
	again := func(inDoubt bool, why string) {
		t.Helper()
		was, err := b.AskAgain(ctx, id, 1)
		require.NoError(t, err)
		require.Equal(t, inDoubt, was, why)
	}
	nothing := func() { require.NoError(t, b.CameToNothing(ctx, id, 1)) }

	_, err = b.BeginAttempt(ctx, charge("ORDER0001", 1, payment.WeChat, 5000), payment.AwaitingPayment)
	require.NoError(t, err)
	again(true, "the first has not ended")
	nothing()
	again(true, "one of two came to nothing")
	nothing()
	nothing()
	again(false, "none is left")
	nothing()
	again(false, "nor of those after it")
	again(true, "the one before has not ended")
	nothing()
	nothing()
	require.Error(t, b.CameToNothing(ctx, id, 1), "more than there were")
	again(false, "what was refused has changed nothing")
}

// A notification names a charge by its number: the process that asked for it
// knows it, and every other finds it.
func TestAChargeIsFoundByItsNumberAtItsOwnAccountAlone(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	asked, w := b.overWire(t)
	s := steps{asked, "ORDER0001"}
	s.upTo(t, payment.AwaitingPayment)
	no := payment.MerchantNo(s.order, 1)
	for name, from := range map[string]*store.Store{"the process that asked": asked, "another": b.Store} {
		w.counted()
		found, err := from.AttemptByNumber(ctx, hospital, payment.WeChat, no)
		require.NoError(t, err, name)
		require.Zero(t, w.counted(), "it is not read where it is known")
		require.Equal(t, store.Asked{PaymentID: s.id(), Amount: money.Fen(5000), State: channel.Open}, found, name)
		for _, wrong := range []struct {
			hospital string
			channel  payment.Channel
			no       string
		}{{"h-xiehe", payment.WeChat, no}, {hospital, payment.UnionPay, no}, {hospital, payment.WeChat, payment.MerchantNo(s.order, 2)}, {hospital, payment.WeChat, "x"}} {
			_, err = from.AttemptByNumber(ctx, wrong.hospital, wrong.channel, wrong.no)
			require.ErrorIs(t, err, store.ErrNotFound, name)
		}
	}
	_, err := s.capture(ctx, "wx-1")
	require.NoError(t, err)
	found, err := asked.AttemptByNumber(ctx, hospital, payment.WeChat, no)
	require.NoError(t, err)
	require.Equal(t, store.Asked{PaymentID: s.id(), Amount: money.Fen(5000), State: channel.Captured, ChannelNo: "wx-1"}, found, "its money is in the books")
}

func TestAnAttemptWithAnotherContentIsRefused(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	b.open(t, "ORDER0001", 5000)
	c := charge("ORDER0001", 1, payment.WeChat, 5000)
	_, err := b.BeginAttempt(ctx, c, payment.AwaitingPayment)
	require.NoError(t, err)
	c.Amount = money.Fen(4999)
	_, err = b.BeginAttempt(ctx, c, payment.AwaitingPayment)
	require.ErrorIs(t, err, store.ErrConflict)

	stolen := charge("ORDER0001", 2, payment.WeChat, 5000)
	stolen.MerchantNo = payment.MerchantNo("ORDER0001", 1)
	_, err = b.BeginAttempt(ctx, stolen, payment.AwaitingPayment)
	require.ErrorIs(t, err, store.ErrConflict, "a merchant number is one charge's")
}

func TestNoAttemptBeginsOnAPaymentThatEnded(t *testing.T) {
	b := newBooks(t)
	id := b.open(t, "ORDER0001", 5000)
	require.NoError(t, b.MoveTo(t.Context(), store.Move{PaymentID: id, To: payment.Closed, At: noon}))
	_, err := b.BeginAttempt(t.Context(), charge("ORDER0001", 1, payment.WeChat, 5000), payment.AwaitingPayment)
	require.ErrorIs(t, err, store.ErrTransition)
	require.Zero(t, one[int64](t, b, "SELECT count(*) FROM attempts"))
}

func TestTheEndOfAnAttempt(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	for i, c := range []struct {
		name  string
		ends  []channel.State
		want  channel.State
		lines int // of the audit log, for the ends
	}{
		{"closed once", []channel.State{channel.Closed, channel.Closed}, channel.Closed, 1},
		{"closed stays closed", []channel.State{channel.Closed, channel.Declined, channel.Absent}, channel.Closed, 1},
		{"absent may be closed yet", []channel.State{channel.Absent, channel.Closed}, channel.Closed, 2},
	} {
		order := "ORDER000" + string(rune('1'+i))
		id := b.open(t, order, 5000)
		_, err := b.BeginAttempt(ctx, charge(order, 1, payment.WeChat, 5000), payment.AwaitingPayment)
		require.NoError(t, err)
		before := lines(t, b, id)
		for _, s := range c.ends {
			require.NoError(t, b.EndAttempt(ctx, id, 1, s, "X", noon), c.name)
		}
		a, err := b.Attempt(ctx, id, 1)
		require.NoError(t, err)
		require.Equal(t, c.want, a.State, c.name)
		require.Equal(t, c.lines, lines(t, b, id)-before, c.name)
	}
	id := b.pay(t, "ORDER0009", 5000)
	require.NoError(t, b.EndAttempt(ctx, id, 1, channel.Closed, "", noon))
	a, err := b.Attempt(ctx, id, 1)
	require.NoError(t, err)
	require.Equal(t, channel.Captured, a.State, "the patient was first")
	require.ErrorIs(t, b.EndAttempt(ctx, id, 1, channel.Open, "", noon), store.ErrTransition)
}

func TestWhatTheChannelAnsweredLateDoesNotReviveACharge(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	_, err := b.BeginAttempt(ctx, charge("ORDER0001", 1, payment.WeChat, 5000), payment.AwaitingPayment)
	require.NoError(t, err)
	require.NoError(t, b.EndAttempt(ctx, id, 1, channel.Closed, "", noon))
	require.NoError(t, b.SavePrepaid(ctx, id, 1, channel.Prepaid{Handle: "late", Report: channel.Report{State: channel.Open}}, noon))
	a, err := b.Attempt(ctx, id, 1)
	require.NoError(t, err)
	require.Equal(t, channel.Closed, a.State)
	require.Equal(t, "late", a.Charge.Handle, "kept, for a query")
}

func TestTheDeadlineIsThatOfTheChargeAsked(t *testing.T) {
	b := newBooks(t)
	id := b.open(t, "ORDER0001", 5000)
	c := charge("ORDER0001", 1, payment.WeChat, 5000)
	c.ExpiresAt = noon.Add(20 * time.Minute) // the time starts anew after a review
	_, err := b.BeginAttempt(t.Context(), c, payment.AwaitingPayment)
	require.NoError(t, err)
	v, err := b.Payment(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, c.ExpiresAt.Truncate(time.Microsecond), v.PayBy)
}
