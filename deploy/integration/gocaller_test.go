package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/client"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

// trusted is a Temporal client with the installation's keys, as a booking
// backend in Go makes it from package workflows.
func (w *world) trusted(t *testing.T) client.Client {
	t.Helper()
	c, err := config.Load(w.in.ConfigPath)
	require.NoError(t, err)
	keys := map[string][]byte{}
	for _, k := range c.Encryption.Keys {
		keys[k.ID], err = c.Key(k.File)
		require.NoError(t, err)
	}
	e := w.in.Stack.Endpoints()
	options, err := workflows.Encrypted(client.Options{HostPort: e.Temporal, Namespace: e.Namespace, Logger: silent{}}, c.Encryption.Active, keys)
	require.NoError(t, err)
	temporal, err := client.Dial(options)
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	return temporal
}

// TestAGoCallerStartsAPaymentByTheWorkflow, without the HTTP API, and meets the
// same payment there; an operator reads its state in Temporal.
func TestAGoCallerStartsAPaymentByTheWorkflow(t *testing.T) {
	w := hold(t)
	temporal := w.trusted(t)
	v := w.arrange(t, xiehe, wechatNative)
	request := v.start.Request()
	first, err := workflows.Begin(t.Context(), temporal, request)
	require.NoError(t, err)
	assert.Equal(t, request.Digest(), first.Digest)
	again, err := workflows.Begin(t.Context(), temporal, request)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	other := request
	other.Window = 20 * time.Minute
	again, err = workflows.Begin(t.Context(), temporal, other)
	require.NoError(t, err)
	assert.NotEqual(t, other.Digest(), again.Digest, "the order was started by another request")

	answer, replayed, err := w.in.API.Start(t.Context(), v.start)
	require.NoError(t, err)
	assert.True(t, replayed)
	v.answer = answer
	id := workflows.PaymentWorkflowID(xiehe, v.order())
	value, err := temporal.QueryWorkflow(t.Context(), id, "", "__temporal_workflow_metadata")
	require.NoError(t, err)
	var shown sdkpb.WorkflowMetadata
	require.NoError(t, value.Get(&shown))
	for _, want := range []string{"awaiting_payment", "50.00", "wechat", "the patient pays, until"} {
		assert.Contains(t, shown.GetCurrentDetails(), want)
	}
	noTrace(t, "what an operator reads", v.person, []byte(shown.GetCurrentDetails()))

	v.pay()
	var result workflows.Result
	require.NoError(t, temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))
	assert.Equal(t, payment.Completed, result.Status)
	p := v.look()
	assert.Equal(t, p.Voucher.Code, result.Voucher)
	assert.Equal(t, p.AppointmentID, result.AppointmentID)
	v.isRegisteredOnce(p)
	w.keepsSecrets(t, v)
	assert.Len(t, v.charges(payment.WeChat), 1)
}
