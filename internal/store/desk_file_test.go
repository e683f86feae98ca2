package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestACaseFileHasAllThatIsKnownAndThePatientMasked(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	row, err := b.ReserveRefund(ctx, refundOf(id, "k", 2000))
	require.NoError(t, err)
	_, err = b.RefundSent(ctx, id, row.N, noon.Add(time.Hour))
	require.NoError(t, err)
	_, err = b.RecordRefund(ctx, id, row.N, channel.RefundReport{RefundNo: row.Refund.No, State: channel.RefundProcessing}, "workflow", noon.Add(2*time.Hour))
	require.NoError(t, err)
	_, err = b.RecordRefund(ctx, id, row.N, succeeded(row), "workflow", noon.Add(3*time.Hour))
	require.NoError(t, err)
	second, err := b.ReserveRefund(ctx, refundOf(id, "k2", 500))
	require.NoError(t, err)
	require.NoError(t, b.RecordOfflineRefund(ctx, id, second.N, li.Subject, "RCPT-1", noon.Add(3*time.Hour)))
	old, open := caseOf(id, "R01-C1", payment.ReviewRefundFailed, time.Hour), caseOf(id, "R02-C1", payment.ReviewRefundFailed, 2*time.Hour)
	for _, c := range []payment.Case{old, open} {
		require.NoError(t, b.OpenCase(ctx, id, c, "", noon))
	}
	require.NoError(t, b.DecideCase(ctx, id, payment.Decision{CaseID: old.ID, Verdict: payment.RetryRefund, Operator: wang.Subject, Note: "再试"}, noon))
	_, err = b.ClaimCase(ctx, open.ID, li, noon)
	require.NoError(t, err)
	for _, w := range []store.Webhook{{EventID: "EV-1", Outcome: "accepted"}, {EventID: "EV-2", Outcome: "unknown_key"}} {
		w.Channel, w.HospitalID, w.PaymentID, w.ReceivedAt = payment.WeChat, hospital, id, noon
		_, err = b.KeepWebhook(ctx, w)
		require.NoError(t, err)
	}

	f, err := b.CaseFile(ctx, open.ID, noon)
	require.NoError(t, err)
	require.Equal(t, open.ID, f.Case.ID)
	require.True(t, f.Case.Claim.Of(li.Subject))
	require.Equal(t, id, f.Payment.ID)
	require.Equal(t, store.MaskedPatient{Name: "欧***", IDType: payment.IDCard, IDNumber: "999***********" + idCard(1)[14:], Phone: "139****0001"}, f.Patient)
	require.Equal(t, "心内科", f.Slot.Department)
	require.Len(t, f.Fees, 1)
	require.Equal(t, payment.ByWeChat, f.Choice.Method)

	require.Len(t, f.Cases, 2)
	require.Equal(t, "再试", f.Cases[0].Decision.Note)
	require.Equal(t, f.Case, f.Cases[1])

	require.Len(t, f.Attempts, 1)
	a := f.Attempts[0]
	require.Equal(t, channel.Captured, a.State)
	require.Equal(t, payment.MerchantNo("ORDER0001", 1), a.MerchantNo)
	require.Equal(t, f.Patient, a.Sent.Payer)
	require.Equal(t, "预约挂号", a.Sent.Description)
	require.Equal(t, noon.Add(15*time.Minute), a.Sent.ExpiresAt)
	require.False(t, a.Sent.Authorised)
	require.Equal(t, money.Fen(2500), a.Refunded)
	require.Len(t, a.Captures, 1)
	require.Equal(t, "wx-ORDER0001", a.Captures[0].ChannelNo)
	require.Equal(t, money.Fen(5000), a.Captures[0].Report.Captured)

	require.Len(t, f.Refunds, 2)
	require.Equal(t, channel.RefundSucceeded, f.Refunds[0].State)
	require.Equal(t, payment.WeChat, f.Refunds[0].Channel)
	require.Equal(t, noon.Add(2*time.Hour).Truncate(time.Microsecond), f.Refunds[0].AcceptedAt)
	require.False(t, f.Refunds[0].Offline)
	require.True(t, f.Refunds[1].Offline)

	require.Equal(t, []store.TenderBooks{{Attempt: 1, Channel: payment.WeChat, Captured: money.Fen(5000), Returned: money.Fen(2000),
		ReturnedOnSite: money.Fen(500), Held: money.Fen(2500), Fee: money.Fen(18)}}, f.Books)
	require.Len(t, f.Notices, 2)
	require.Equal(t, "unknown_key", f.Notices[1].Outcome)
	require.Equal(t, "case_claimed", f.Timeline[len(f.Timeline)-1].Action)
	require.Equal(t, "opened", f.Timeline[0].Action)

	p := request("ORDER0001", 1, 5000).Order.Patient
	text := fmt.Sprintf("%+v", f)
	for _, secret := range []string{p.Name, p.IDNumber, p.Phone, p.OpenID} {
		require.NotContains(t, text, secret)
	}
	for _, unknown := range []string{"no-such-case", "", "\x00"} {
		_, err = b.CaseFile(ctx, unknown, noon)
		require.ErrorIs(t, err, store.ErrNotFound, "%q", unknown)
		_, err = b.PaymentFile(ctx, unknown, noon)
		require.ErrorIs(t, err, store.ErrNotFound, "%q", unknown)
	}
}

func TestAFileOfAnInsurancePaymentHidesItsAuthorisation(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	self, ins := charge("ORDER0001", 1, payment.WeChat, 2000), charge("ORDER0001", 2, payment.Insurance, 3000)
	ins.PayAuthNo, ins.ECToken, ins.Payer.PsnNo, ins.Payer.City = "AUTH-OF-NOBODY", "TOKEN-OF-NOBODY", "31000099999999", "310000"
	for _, c := range []channel.Charge{self, ins} {
		_, err := b.BeginAttempt(ctx, c, payment.AwaitingPayment)
		require.NoError(t, err)
		r := capture("ORDER0001", c.Attempt, fmt.Sprint("no-", c.Attempt), c.Amount.Minor(), "")
		_, err = b.RecordCapture(ctx, r)
		require.NoError(t, err)
	}
	f, err := b.PaymentFile(ctx, id, noon)
	require.NoError(t, err)
	require.Len(t, f.Attempts, 2)
	require.True(t, f.Attempts[1].Sent.Authorised)
	require.Equal(t, "310*******9999", f.Attempts[1].Sent.PsnNo)
	text := fmt.Sprintf("%+v", f)
	for _, secret := range []string{"AUTH-OF-NOBODY", "TOKEN-OF-NOBODY", "31000099999999"} {
		require.NotContains(t, text, secret)
	}
	require.Len(t, f.Books, 2)
	require.Equal(t, money.Fen(2000), f.Books[0].Held)
	require.Equal(t, money.Fen(3000), f.Books[1].Held)
}

func TestEarlierTroubleOfThePatientIsFound(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	open := func(order string, patient int, h string, after time.Duration, reasons ...payment.Reason) string {
		r := request(order, patient, 5000)
		r.Order.HospitalID = h
		o := opening(r)
		o.At = noon.Add(after)
		_, err := b.OpenPayment(ctx, o)
		require.NoError(t, err)
		for i, reason := range reasons {
			c := caseOf(o.PaymentID, fmt.Sprint("C", i+1), reason, after+time.Duration(i)*time.Minute)
			require.NoError(t, b.OpenCase(ctx, o.PaymentID, c, payment.InReview, noon))
			if i == 0 {
				require.NoError(t, b.DecideCase(ctx, o.PaymentID, payment.Decision{CaseID: c.ID, Verdict: payment.Reject, Operator: wang.Subject}, noon.Add(after)))
			}
		}
		return o.PaymentID
	}
	first := open("ORDER0001", 1, hospital, 0, payment.ReviewRisk, payment.ReviewClearingFailed)
	open("ORDER0002", 1, hospital, time.Hour)
	third := open("ORDER0003", 1, hospital, 2*time.Hour, payment.ReviewRisk)
	open("ORDER0004", 2, hospital, 0, payment.ReviewRisk)
	open("ORDER0005", 1, "h-xiehe", 0, payment.ReviewRisk)
	own := open("ORDER0006", 1, hospital, 3*time.Hour, payment.ReviewRisk)
	open("ORDER0007", 1, hospital, 4*time.Hour, payment.ReviewRisk)

	got, err := b.EarlierOf(ctx, own)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, third, got[0].PaymentID)
	require.Equal(t, first, got[1].PaymentID)
	require.Equal(t, "ORDER0001", got[1].OrderNo)
	require.Equal(t, money.Fen(5000), got[1].Amount)
	require.Len(t, got[1].Cases, 2)
	begun := noon.Truncate(time.Microsecond)
	require.Equal(t, store.EarlierCase{ID: first + "-C1", Reason: payment.ReviewRisk, OpenedAt: begun, DecidedAt: begun,
		Verdict: payment.Reject, Operator: wang.Subject}, got[1].Cases[0])
	require.Zero(t, got[1].Cases[1].DecidedAt)

	none, err := b.EarlierOf(ctx, first)
	require.NoError(t, err)
	require.Empty(t, none)
	none, err = b.EarlierOf(ctx, "pay_unknown")
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestAPageTellsTheNewestOfALongLog(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	before, err := b.PaymentFile(ctx, id, noon)
	require.NoError(t, err)
	for range store.MostHappenings / 2 {
		_, err := b.ClaimCase(ctx, c, li, noon)
		require.NoError(t, err)
		require.NoError(t, b.ReleaseCase(ctx, c, li, noon))
	}
	f, err := b.PaymentFile(ctx, id, noon)
	require.NoError(t, err)
	require.NotEmpty(t, before.Timeline)
	require.Len(t, f.Timeline, store.MostHappenings)
	require.Equal(t, "case_claimed", f.Timeline[0].Action, "the oldest is left out")
	require.Equal(t, "case_released", f.Timeline[len(f.Timeline)-1].Action, "oldest first")
}
