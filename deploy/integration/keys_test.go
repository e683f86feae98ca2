package integration

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// key makes an API key and its client.
func (w *world) key(t *testing.T, name string, staff bool, hospitals ...string) (*local.API, string) {
	t.Helper()
	secret, err := w.in.NewKey(t.Context(), name, hospitals, staff)
	require.NoError(t, err)
	return local.NewAPI(w.in.APIBase, secret), secret
}

// TestAKeyIsGoodForItsHospitalsAlone: another hospital's payment is not there.
func TestAKeyIsGoodForItsHospitalsAlone(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	mine, _ := w.key(t, "mine", false, renmin)
	theirs, _ := w.key(t, "theirs", false, xiehe)

	_, err := mine.Payment(t.Context(), v.id(), false)
	require.NoError(t, err)
	ctx, id := t.Context(), v.id()
	for what, call := range map[string]func() error{
		"read":     func() error { _, err := theirs.Payment(ctx, id, false); return err },
		"refresh":  func() error { _, err := theirs.Payment(ctx, id, true); return err },
		"timeline": func() error { _, err := theirs.Timeline(ctx, id); return err },
		"voucher":  func() error { _, err := theirs.Voucher(ctx, id); return err },
		"picture":  func() error { _, err := theirs.VoucherPicture(ctx, id, "png"); return err },
		"refunds":  func() error { _, err := theirs.Refunds(ctx, id); return err },
		"cancel":   func() error { _, err := theirs.Cancel(ctx, id, wire.Cancel{}); return err },
		"method":   func() error { _, err := theirs.ChangeMethod(ctx, id, unionpayApp(v.person)); return err },
		"verify":   func() error { _, err := theirs.Verify(ctx, id, wire.Verification{Kind: payment.BySMS}); return err },
		"refund":   func() error { _, err := theirs.Refund(ctx, id, wire.RefundOrder{Key: "k", AmountFen: 1}); return err },
	} {
		err := call()
		assert.Equal(t, payment.CodeNotFound, code(err), what)
		assert.Equal(t, http.StatusNotFound, status(err), what)
	}
	staff, _ := w.key(t, "their-staff", true, xiehe)
	_, err = staff.Decide(ctx, id, wire.Decision{CaseID: id + "-C1", Decision: payment.Reject, Operator: operator})
	assert.Equal(t, payment.CodeNotFound, code(err))

	_, _, err = theirs.Start(ctx, w.arrange(t, renmin, wechatNative).start)
	assert.Equal(t, payment.CodeHospital, code(err))
	_, _, err = theirs.Start(ctx, v.start)
	assert.Equal(t, payment.CodeHospital, code(err), "not even whether the order exists is told")

	lists := func(a *local.API) bool {
		page, err := a.Payments(ctx, url.Values{"order_no": {v.order()}})
		require.NoError(t, err)
		return slices.ContainsFunc(page.Items, func(p wire.Payment) bool { return p.PaymentID == id })
	}
	assert.True(t, lists(mine))
	assert.False(t, lists(theirs))
	assert.Equal(t, payment.AwaitingPayment, v.look().Status, "nothing of all this changed it")
}

// TestARevokedKeyOpensNothing: also one that is in use, within the API's short
// memory of keys.
func TestARevokedKeyOpensNothing(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	var made struct{ ID, Key string }
	w.prints(t, "", nil, &made, "key", "create", "to-be-revoked", "--hospital", renmin)
	client := local.NewAPI(w.in.APIBase, made.Key)
	_, err := client.Payment(t.Context(), v.id(), false)
	require.NoError(t, err)
	var all []struct{ ID, Name string }
	w.prints(t, "", nil, &all, "key", "list")
	assert.Contains(t, all, struct{ ID, Name string }{made.ID, "to-be-revoked"})

	exit, _, errs := w.starter(t, "", nil, "key", "revoke", made.ID)
	require.Equal(t, done, exit, errs)
	w.eventually(t, "it is refused", func() bool {
		_, err := client.Payment(t.Context(), v.id(), false)
		return code(err) == api.CodeUnauthorized
	})
	exit, _, _ = w.starter(t, "", nil, "key", "revoke", "key_nobodys")
	assert.Equal(t, notFound, exit)
}

// TestOnlyAKeyOpensTheAPI.
func TestOnlyAKeyOpensTheAPI(t *testing.T) {
	w := hold(t)
	for name, key := range map[string]string{"none": "", "unknown": "rp_" + "a2345672345672345672345672345672345672345672345672", "no key": "Bearer"} {
		for _, path := range []string{"/v1/payments", "/v1/payments/" + payment.ID(renmin, "T1"), "/v1/reviews"} {
			reply, _ := w.request(t, http.MethodGet, w.in.APIBase+path, key, nil)
			assert.Equal(t, http.StatusUnauthorized, reply.StatusCode, "%s %s", name, path)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"} {
		reply, _ := w.request(t, http.MethodGet, w.in.APIBase+path, "", nil)
		assert.Equal(t, http.StatusOK, reply.StatusCode, path)
	}
}
