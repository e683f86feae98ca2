package wechat_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel/wechat"
	"github.com/regpay/regpay/internal/payment"
)

const listCall = "GET /v3/certificates"

// byCertificates is a client in certificate mode whose clock the test moves.
func byCertificates(t *testing.T, p *peer) (*wechat.Client, *atomic.Int64) {
	var ahead atomic.Int64
	cfg := config(t, p)
	cfg.PublicKeyID, cfg.PublicKeyPEM = "", nil
	cfg.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	c, err := wechat.New(t.Context(), cfg)
	require.NoError(t, err)
	require.Empty(t, p.called(), "a start sends nothing")
	return c, &ahead
}

func list(entries ...string) answer {
	body := `{"data":[`
	for i, e := range entries {
		if i > 0 {
			body += ","
		}
		body += e
	}
	return answer{status: 200, body: body + "]}", unsigned: true}
}

func count(calls []string, call string) (n int) {
	for _, c := range calls {
		if c == call {
			n++
		}
	}
	return n
}

func TestCertificatesAreDownloadedOnceByTheFirstCalls(t *testing.T) {
	serial, listed := certificate(t, keys().wechat, 0x1F01, time.Now().Add(time.Hour))
	a := ok(transaction("SUCCESS"))
	a.serial = serial
	p := newPeer(t).on(listCall, list(listed)).on(queryCall, a)
	c, _ := byCertificates(t, p)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := c.Query(t.Context(), charge())
			require.NoError(t, err)
		})
	}
	wg.Wait()
	require.Equal(t, 1, count(p.called(), listCall))
	require.Equal(t, 8, count(p.called(), queryCall))

	n := paid()
	n.serial, n.at = serial, time.Now()
	_, err := c.ParseNotification(t.Context(), n.make(t))
	require.NoError(t, err, "notifications are verified by the same certificates")
}

func TestNothingIsSentWhoseReplyCouldNotBeVerified(t *testing.T) {
	serial, expired := certificate(t, keys().wechat, 0x1F01, time.Now().Add(-time.Minute))
	for name, a := range map[string]answer{
		"WeChat Pay is down":      {status: 503, body: "down"},
		"it refuses":              refused(401, "SIGN_ERROR"),
		"the list is empty":       list(),
		"the list has holes":      list(`{"serial_no":"1F01"}`),
		"sealed with another key": list(`{"serial_no":"1F01","encrypt_certificate":{"nonce":"abcdefabcdef","associated_data":"","ciphertext":"AAAA"}}`),
		"a nonce of another size": list(`{"serial_no":"1F01","encrypt_certificate":{"nonce":"abc","associated_data":"","ciphertext":"AAAA"}}`),
		"expired":                 list(expired),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t).on(listCall, a)
			c, _ := byCertificates(t, p)
			_, err := c.Prepay(t.Context(), charge())
			require.Equal(t, payment.Retryable, kindOf(t, err), err)
			require.Equal(t, []string{listCall}, p.called())
			n := paid()
			n.at, n.serial = time.Now(), serial
			_, err = c.ParseNotification(t.Context(), n.make(t))
			require.Equal(t, payment.Retryable, kindOf(t, err), "to be repeated, neither believed nor refused")
			require.Equal(t, 500, c.Acknowledge(err).Status)
		})
	}
}

func TestANewCertificateIsFoundAndAStrangerCannotMakeUsLookAllTheTime(t *testing.T) {
	first, firstListed := certificate(t, keys().wechat, 0x1F01, time.Now().Add(100*time.Hour))
	second, secondListed := certificate(t, keys().stranger, 0x1F02, time.Now().Add(100*time.Hour))
	byFirst, bySecond := ok(transaction("NOTPAY")), ok(transaction("NOTPAY"))
	byFirst.serial, bySecond.serial, bySecond.signer = first, second, keys().stranger
	p := newPeer(t).on(listCall, list(firstListed), list(firstListed, secondListed)).on(queryCall, byFirst, bySecond)
	c, ahead := byCertificates(t, p)
	_, err := c.Query(t.Context(), charge())
	require.NoError(t, err)

	_, err = c.Query(t.Context(), charge())
	require.Equal(t, payment.Uncertain, kindOf(t, err), "too soon to look again")
	require.Equal(t, 1, count(p.called(), listCall))

	ahead.Store(int64(2 * time.Minute))
	_, err = c.Query(t.Context(), charge())
	require.NoError(t, err)
	require.Equal(t, 2, count(p.called(), listCall))
}

func TestOldCertificatesServeWhileNewOnesCannotBeHad(t *testing.T) {
	serial, listed := certificate(t, keys().wechat, 0x1F01, time.Now().Add(100*time.Hour))
	a := ok(transaction("NOTPAY"))
	a.serial = serial
	p := newPeer(t).on(listCall, list(listed), answer{status: 503}).on(queryCall, a)
	c, ahead := byCertificates(t, p)
	for _, hours := range []time.Duration{0, 5, 11, 11} {
		ahead.Store(int64(hours * time.Hour))
		_, err := c.Query(t.Context(), charge())
		require.NoError(t, err)
	}
	require.Equal(t, 2, count(p.called(), listCall), "looked for after ten hours, and then not at every call")
}

func TestAWaitForCertificatesCanBeCancelled(t *testing.T) {
	p := newPeer(t).on(listCall, answer{cut: true})
	c, _ := byCertificates(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Query(ctx, charge())
	require.Equal(t, payment.Retryable, kindOf(t, err))
}

func TestConfigNamesEverythingThatIsWrong(t *testing.T) {
	p := newPeer(t)
	for name, tc := range map[string]struct {
		spoil func(*wechat.Config)
		says  string
	}{
		"no merchant":                 {func(c *wechat.Config) { c.MchID = "" }, "merchant id"},
		"a short key":                 {func(c *wechat.Config) { c.APIv3Key = "short" }, "APIv3 key"},
		"no merchant key":             {func(c *wechat.Config) { c.MerchantKeyPEM = []byte("x") }, "merchant key"},
		"a public key without id":     {func(c *wechat.Config) { c.PublicKeyID = "" }, "belong together"},
		"a public key that is none":   {func(c *wechat.Config) { c.PublicKeyPEM = []byte("x") }, "public key"},
		"a base URL with a path":      {func(c *wechat.Config) { c.BaseURL += "/gateway" }, "base URL"},
		"a notify URL with a query":   {func(c *wechat.Config) { c.NotifyURL += "?a=b" }, "notify URL"},
		"plain http in production":    {func(c *wechat.Config) { c.BaseURL = "" }, "https"},
		"a notify URL without a host": {func(c *wechat.Config) { c.NotifyURL = "/v1" }, "notify URL"},
	} {
		cfg := config(t, p)
		tc.spoil(&cfg)
		_, err := wechat.New(t.Context(), cfg)
		require.ErrorContains(t, err, tc.says, name)
		require.NotContains(t, err.Error(), apiKey)
	}
}
