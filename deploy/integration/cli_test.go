package integration

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// Exit codes of the command line, as its help tells them.
const (
	done        = 0
	failed      = 1
	wrongUsage  = 2
	notFound    = 3
	conflict    = 4
	unreachable = 5
)

// starter runs the command line as a script does: the key comes by the
// environment, a request by standard input.
func (w *world) starter(t *testing.T, key string, stdin []byte, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := w.in.Starter(t.Context(), key, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// prints runs a command that is to succeed and reads the JSON that it prints.
func (w *world) prints(t *testing.T, key string, stdin []byte, into any, args ...string) {
	t.Helper()
	code, out, errs := w.starter(t, key, stdin, append(args, "--json")...)
	require.Zero(t, code, errs)
	require.NoError(t, json.Unmarshal([]byte(out), into), out)
}

// TestTheCommandLinePaysShowsAndRefunds, with exit codes that a script goes by.
func TestTheCommandLinePaysShowsAndRefunds(t *testing.T) {
	w := hold(t)
	v := w.arrange(t, renmin, wechatNative)
	request, err := json.Marshal(v.start)
	require.NoError(t, err)
	fails := func(want int, word string, stdin []byte, args ...string) {
		t.Helper()
		code, out, errs := w.starter(t, w.in.APIKey, stdin, args...)
		assert.Equal(t, want, code, "%v: %s", args, errs)
		assert.Contains(t, errs, word, args)
		assert.Empty(t, out, args)
	}
	fails(notFound, "no payment", nil, "show", v.order())
	fails(wrongUsage, "read the request", []byte("{"), "pay")
	w.prints(t, w.in.APIKey, request, &v.answer, "pay")
	require.Equal(t, v.id(), v.answer.PaymentID)
	var again wire.Answer
	w.prints(t, w.in.APIKey, request, &again, "pay", "-")
	assert.Equal(t, v.answer, again, "the same request is the same payment")
	fails(conflict, payment.CodeOrderConflict, bytes.ReplaceAll(request, []byte(`_seconds":600`), []byte(`_seconds":601`)), "pay")
	fails(failed, payment.CodeIDNumber, bytes.ReplaceAll(request, []byte(v.person.IDNumber), []byte("110101199003071235")), "pay")
	fails(conflict, payment.CodeState, nil, "refund", v.id(), "1.00")

	v.pay()
	v.until(payment.Completed)
	var shown struct {
		wire.Payment
		Timeline []wire.Event  `json:"timeline"`
		Refunds  []wire.Refund `json:"refunds"`
	}
	w.prints(t, w.in.APIKey, nil, &shown, "show", v.order(), "--timeline", "--refunds")
	assert.Equal(t, v.look(), shown.Payment)
	assert.Len(t, shown.Timeline, len(v.happened()))
	code, out, _ := w.starter(t, w.in.APIKey, nil, "show", v.id())
	assert.Equal(t, done, code)
	assert.Contains(t, out, "¥50.00")
	noTrace(t, "what show prints", v.person, []byte(out))

	var parts wire.Refunds
	w.prints(t, w.in.APIKey, nil, &parts, "refund", v.order(), "12.00", "--key", "cli-1")
	require.Len(t, parts.Items, 1)
	assert.Equal(t, int64(1200), parts.Items[0].AmountFen)
	fails(conflict, payment.CodeRefundExceeds, nil, "refund", v.id(), "38.01")
	fails(wrongUsage, "--all", nil, "refund", v.id())
	fails(wrongUsage, "", nil, "refund", v.id(), "0.001")
	w.prints(t, w.in.APIKey, nil, &parts, "refund", v.id(), "--all")
	assert.Equal(t, scenario.Fee, v.until(payment.Refunded).RefundedFen)
	fails(conflict, "nothing is left", nil, "refund", v.id(), "--all")
	fails(unreachable, "cannot be reached", nil, "show", v.id(), "--server", "http://127.0.0.1:1")
	assert.Len(t, v.refunds(payment.WeChat), 2)
}

// TestTheCommandLineDecidesCases: for staff alone, and each case once.
func TestTheCommandLineDecidesCases(t *testing.T) {
	w := hold(t)
	v := w.refusedByInsurance(t)
	var open wire.Reviews
	w.prints(t, w.in.StaffKey, nil, &open, "review", "list", "--hospital", renmin)
	c := v.look().Case.CaseID
	found := 0
	for _, r := range open.Items {
		if r.CaseID == c {
			found++
		}
		assert.Equal(t, renmin, r.HospitalID)
	}
	require.Equal(t, 1, found)
	decide := func(key, caseID, verdict string) (int, string) {
		code, _, errs := w.starter(t, key, nil, "review", "decide", caseID, verdict, "--operator", operator)
		return code, errs
	}
	code, errs := decide(w.in.APIKey, c, "refund")
	assert.Equal(t, failed, code, "a booking backend's key: %s", errs)
	code, errs = decide(w.in.StaffKey, c, "approve")
	assert.Equal(t, failed, code, "not for this case: %s", errs)
	code, errs = decide(w.in.StaffKey, v.id()+"-C9", "refund")
	assert.Equal(t, notFound, code, "no such case: %s", errs)
	code, _ = decide(w.in.StaffKey, c, "perhaps")
	assert.Equal(t, wrongUsage, code)
	code, errs = decide(w.in.StaffKey, c, "refund")
	assert.Equal(t, done, code, errs)
	v.until(payment.Refunded)
	code, errs = decide(w.in.StaffKey, c, "refund")
	assert.Equal(t, conflict, code, "decided already: %s", errs)
	assert.Contains(t, errs, payment.CodeCaseClosed)
}
