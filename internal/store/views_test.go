package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/store"
)

func TestAViewShowsWhatAReaderMaySee(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	_, err := b.BeginAttempt(ctx, charge("ORDER0001", 1, payment.WeChat, 5000), payment.AwaitingPayment)
	require.NoError(t, err)
	pay := payment.PayParams{"code_url": "weixin://wxpay/x"}
	require.NoError(t, b.SavePrepaid(ctx, id, 1, channel.Prepaid{Handle: "h", Pay: pay}, noon))

	v, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, "欧***", v.MaskedName)
	require.Equal(t, "139****0001", v.MaskedPhone)
	require.Equal(t, "心内科", v.Department)
	require.Equal(t, "https://booking.example/callback", v.CallbackURL)
	require.Equal(t, "payment/h-renmin/ORDER0001", v.WorkflowID)
	require.True(t, v.Amount.Equal(money.Fen(5000)))
	require.Zero(t, v.PaidAt)
	require.Equal(t, noon.Truncate(time.Microsecond), v.CreatedAt)
	require.Len(t, v.Tenders, 1)
	require.Equal(t, pay, v.Tenders[0].Pay)

	_, err = b.RecordCapture(ctx, capture("ORDER0001", 1, "wx-1", 5000, payment.Paid))
	require.NoError(t, err)
	_, err = b.ReserveRefund(ctx, refundOf(id, "part", 2000))
	require.NoError(t, err)
	v, err = b.Payment(ctx, id)
	require.NoError(t, err)
	require.Nil(t, v.Tenders[0].Pay, "nothing to pay any more")
	require.Equal(t, "wx-1", v.Tenders[0].ChannelNo)
	require.NotZero(t, v.PaidAt)
	require.True(t, v.Refunded.IsZero(), "of the payment: what is back")
	require.True(t, v.Tenders[0].Refunded.Equal(money.Fen(2000)), "of a tender: also what is on its way")

	for _, missing := range []func() error{
		func() error { _, err := b.Payment(ctx, "pay_x"); return err },
		func() error { _, err := b.Standing(ctx, payment.ID("h-xiehe", "ORDER0001")); return err },
		func() error { _, err := b.Timeline(ctx, "pay_x"); return err },
		func() error { _, err := b.Ref(ctx, "pay_x"); return err },
		func() error { _, err := b.Order(ctx, "pay_x"); return err },
		func() error { _, err := b.OrderToVerify(ctx, "pay_x"); return err },
		func() error { return b.VerifyAudit(ctx, "pay_x") },
	} {
		require.ErrorIs(t, missing(), store.ErrNotFound)
	}
}

func TestPaymentsAreListedNewestFirstPageByPage(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	var want []string
	for i := range 5 {
		o := opening(request(fmt.Sprintf("ORDER%04d", i), i, 5000))
		o.At = noon.Add(time.Duration(i/2) * time.Minute) // some of the same moment
		_, err := b.OpenPayment(ctx, o)
		require.NoError(t, err)
		want = append(want, o.PaymentID)
	}
	_, err := b.BeginAttempt(ctx, charge("ORDER0003", 1, payment.WeChat, 5000), payment.AwaitingPayment)
	require.NoError(t, err)
	_, err = b.BeginAttempt(ctx, charge("ORDER0003", 2, payment.WeChat, 5000), payment.AwaitingPayment)
	require.NoError(t, err)

	list := func(f store.Filter) []store.View {
		all, err := b.Payments(ctx, f)
		require.NoError(t, err)
		return all
	}
	var got []string
	f := store.Filter{Hospitals: []string{hospital}, Limit: 2}
	for page := list(f); len(page) > 0 && len(got) < 2*len(want); page = list(f) {
		for _, v := range page {
			got = append(got, v.ID)
		}
		last := page[len(page)-1]
		f.Before, f.BeforeID = last.CreatedAt, last.ID
	}
	require.ElementsMatch(t, want, got)
	require.Equal(t, want[4], got[0])

	awaiting := list(store.Filter{Hospitals: []string{store.AllHospitals}, Status: payment.AwaitingPayment})
	require.Len(t, awaiting, 1)
	require.Len(t, awaiting[0].Tenders, 2)
	require.Len(t, list(store.Filter{Hospitals: []string{hospital}, OrderNo: "ORDER0002"}), 1)
	require.Empty(t, list(store.Filter{Hospitals: []string{"h-xiehe"}, OrderNo: "ORDER0002"}))
	require.Empty(t, list(store.Filter{}), "a forgotten scope shows nothing")
}

func TestTheTimelineTellsTheStory(t *testing.T) {
	b := newBooks(t)
	id := b.complete(t, "ORDER0001", 5000)
	all, err := b.Timeline(t.Context(), id)
	require.NoError(t, err)
	var actions, statuses []string
	for _, h := range all {
		actions = append(actions, h.Action)
		statuses = append(statuses, h.Detail["status"])
	}
	require.Equal(t, []string{"opened", "attempt", "captured", "registered", "completed"}, actions)
	require.Equal(t, []string{"pending", "awaiting_payment", "paid", "registered", "completed"}, statuses)
}

func TestNoPersonalDataIsReadableInTheDatabase(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.complete(t, "ORDER0001", 5000)
	require.NoError(t, b.chooseInsurance(t, "ORDER0002"))
	require.NoError(t, b.OpenCase(ctx, id, caseOf(id, "R01-C1", payment.ReviewRefundFailed, 0), "", noon))
	require.NoError(t, b.DecideCase(ctx, id, payment.Decision{CaseID: id + "-R01-C1", Verdict: payment.RetryRefund,
		Operator: "op-li", Note: "欧阳测试来电"}, noon))
	require.NoError(t, b.StartChallenge(ctx, store.Challenge{ID: "ch-1", PaymentID: id, Kind: payment.BySMS,
		Phone: "13900000001", Code: "135790", At: noon}))
	require.NoError(t, b.StartChallenge(ctx, store.Challenge{ID: "ch-2", PaymentID: id, Kind: payment.ByFace,
		VerifyID: "VERIFY-SECRET", At: noon, ExpiresAt: noon.Add(time.Hour)}))
	_, err := b.KeepWebhook(ctx, store.Webhook{Channel: payment.WeChat, HospitalID: hospital, EventID: "e", Header: []byte("{}"),
		Body: []byte("欧阳测试 openid-of-nobody"), ReceivedAt: noon})
	require.NoError(t, err)
	require.NoError(t, b.Block(ctx, hospital, idCard(1), "fraud", "op-li", noon))

	secrets := []string{"欧阳测试", idCard(1), "13900000001", "openid-of-nobody", "AUTH-SECRET", "135790", "VERIFY-SECRET"}
	rows, err := b.db.QueryContext(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	require.NoError(t, err)
	var tables []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(t, rows.Err())
	require.Greater(t, len(tables), 10)
	for _, table := range tables {
		dump := one[string](t, b, `SELECT coalesce(string_agg(x::text, ' '), '') FROM `+table+` x`)
		for _, secret := range secrets {
			require.NotContains(t, dump, secret, table)
			require.NotContains(t, dump, fmt.Sprintf("%x", secret), table) // as bytea prints it
		}
	}
}

// chooseInsurance opens a payment and gives it a choice with a secret.
func (b *books) chooseInsurance(t *testing.T, order string) error {
	id := b.open(t, order, 5000)
	return b.ChooseMethod(t.Context(), id, payment.Choice{Method: payment.ByInsurance, PayAuthNo: "AUTH-SECRET"}, noon)
}

func TestRotatedKeysReadOldRowsAndFindThem(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	index := []byte("an index key that stays")
	old := map[string][]byte{"k1": []byte("0123456789abcdef"), "k2": []byte("fedcba9876543210")}
	rotated, err := privacy.NewKeyring("k2", old, privacy.WithIndexKey(index))
	require.NoError(t, err)
	s := openStore(t, b.dsn, rotated)
	r, err := s.Order(ctx, id)
	require.NoError(t, err)
	require.Equal(t, idCard(1), r.Order.Patient.IDNumber)

	lost, err := privacy.NewKeyring("k2", map[string][]byte{"k2": old["k2"]})
	require.NoError(t, err)
	_, err = openStore(t, b.dsn, lost).Order(ctx, id)
	require.ErrorIs(t, err, privacy.ErrKey)
	require.NotContains(t, err.Error(), "欧阳")
}

func TestErrorsHoldNoPersonalData(t *testing.T) {
	b := newBooks(t)
	b.open(t, "ORDER0001", 5000)
	_, err := b.OpenPayment(t.Context(), opening(request("ORDER0001", 2, 5000)))
	require.Error(t, err)
	text, jsonErr := json.Marshal(err.Error())
	require.NoError(t, jsonErr)
	for _, secret := range []string{"欧阳", idCard(1), idCard(2), "1390000"} {
		require.False(t, strings.Contains(string(text), secret))
	}
}
