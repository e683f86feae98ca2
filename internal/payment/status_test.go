package payment_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/payment"
)

// reach are the states that can follow, however many steps it takes.
func reach(from payment.Status) map[payment.Status]bool {
	seen := map[payment.Status]bool{}
	var visit func(payment.Status)
	visit = func(s payment.Status) {
		for _, next := range payment.Statuses() {
			if s != next && s.CanBecome(next) && !seen[next] {
				seen[next] = true
				visit(next)
			}
		}
	}
	visit(from)
	return seen
}

func TestEveryStateCanReachAnEnd(t *testing.T) {
	for _, s := range payment.Statuses() {
		if s.Ended() {
			continue
		}
		end := false
		for next := range reach(s) {
			end = end || next.Ended()
		}
		require.True(t, end, s)
	}
}

func TestEveryStateCanBeReached(t *testing.T) {
	all := reach(payment.Pending)
	for _, s := range payment.Statuses() {
		require.True(t, all[s] || s == payment.Pending, s)
	}
}

func TestMoneyThatIsInNeverVanishes(t *testing.T) {
	// Once paid, a payment ends registered or with the money going back.
	for _, s := range []payment.Status{payment.Paid, payment.Registered, payment.Completed} {
		for _, end := range []payment.Status{payment.Closed, payment.Rejected, payment.Refunded} {
			require.False(t, s.CanBecome(end), "%s ends as %s only by way of refunding", s, end)
		}
	}
	require.False(t, payment.Paid.CanBecome(payment.Completed), "not without the HIS")
	require.True(t, payment.Completed.CanBecome(payment.Refunding), "it can be refunded later")
}

func TestWhatHasEndedWithoutMoneyStaysSo(t *testing.T) {
	for _, s := range []payment.Status{payment.Closed, payment.Rejected, payment.Refunded} {
		for _, next := range payment.Statuses() {
			require.Equal(t, s == next, s.CanBecome(next), "%s to %s", s, next)
		}
	}
}

func TestARepeatedStepChangesNothing(t *testing.T) {
	for _, s := range payment.Statuses() {
		require.True(t, s.CanBecome(s))
		require.True(t, s.Valid())
	}
	require.False(t, payment.Status("lost").Valid())
	require.False(t, payment.Pending.CanBecome("lost"))
}

func TestATimeoutIsUnknownAndNoFailure(t *testing.T) {
	for _, tc := range []struct {
		err     error
		kind    payment.Kind
		code    string
		outcome payment.Outcome
	}{
		{&payment.Failure{Kind: payment.Final, Code: "NO"}, payment.Final, "NO", payment.Failed},
		{fmt.Errorf("send: %w", &payment.Failure{Kind: payment.Retryable}), payment.Retryable, "error", payment.Failed},
		{&payment.Failure{Kind: payment.Uncertain, Err: context.DeadlineExceeded}, payment.Uncertain, "timeout", payment.Unknown},
		{context.DeadlineExceeded, payment.Uncertain, "timeout", payment.Unknown},
		{errors.New("reset"), payment.Uncertain, "error", payment.Unknown},
	} {
		require.Equal(t, tc.kind, payment.KindOf(tc.err), "%v", tc.err)
		require.Equal(t, tc.code, payment.CodeOf(tc.err), "%v", tc.err)
		var f *payment.Failure
		if errors.As(tc.err, &f) {
			require.Equal(t, tc.outcome, f.Outcome())
		}
	}
	f := &payment.Failure{Kind: payment.Final, System: "wechat", Op: "close", Code: "NO", Message: "text", Err: context.Canceled}
	require.Equal(t, "wechat close: final NO: text: context canceled", f.Error())
	require.ErrorIs(t, f, context.Canceled)
}

func TestADecisionIsTakenOnlyOnTheOpenCase(t *testing.T) {
	open := &payment.Case{ID: "c-1", Reason: payment.ReviewClearingFailed, Allowed: payment.ReviewClearingFailed.Allowed(), OpenedAt: noon, Deadline: noon.Add(time.Hour)}
	good := payment.Decision{CaseID: "c-1", Verdict: payment.RetryClearing, Operator: "op-chen"}
	require.NoError(t, good.Check(open))
	require.NoError(t, good.CheckPerson(open))
	for _, tc := range []struct {
		name string
		c    *payment.Case
		harm func(*payment.Decision)
		code string
	}{
		{"no case is open", nil, func(*payment.Decision) {}, payment.CodeCaseClosed},
		{"another case", open, func(d *payment.Decision) { d.CaseID = "c-2" }, payment.CodeCaseUnknown},
		{"a decision of another kind of case", open, func(d *payment.Decision) { d.Verdict = payment.Approve }, payment.CodeDecision},
		{"nobody decided", open, func(d *payment.Decision) { d.Operator = " \t" }, payment.CodeOperator},
		{"somebody with too long a name", open, func(d *payment.Decision) { d.Operator = string(make([]byte, 65)) + "x" }, payment.CodeOperator},
		{"a settlement without its number", open, func(d *payment.Decision) { d.Verdict = payment.ConfirmSettled }, payment.CodeReference},
		{"in the patient's name", open, func(d *payment.Decision) { d.Operator = payment.ByPatient }, payment.CodeOperator},
		{"in the channel's name", open, func(d *payment.Decision) { d.Operator = payment.ByChannel }, payment.CodeOperator},
	} {
		d := good
		tc.harm(&d)
		require.True(t, payment.HasCode(d.CheckPerson(tc.c), tc.code), "%s: %v", tc.name, d.CheckPerson(tc.c))
	}
}

func TestEveryReasonCanBeDecidedAndEndsSomehow(t *testing.T) {
	for _, r := range []payment.Reason{payment.ReviewRisk, payment.ReviewClearingFailed, payment.ReviewClearingUnknown, payment.ReviewClearingOverdue,
		payment.ReviewSplitMismatch, payment.ReviewRefundFailed} {
		require.GreaterOrEqual(t, len(r.Allowed()), 2, r)
		if r != payment.ReviewRefundFailed {
			require.Contains(t, r.Allowed(), payment.Reject, "%s: a patient who withdraws ends the case", r)
		}
	}
	require.Subset(t, payment.ReviewClearingFailed.Allowed(), []payment.Verdict{payment.RetryClearing, payment.ConfirmSettled, payment.RefundAll, payment.Reject})
	require.Empty(t, payment.Reason("none").Allowed())
}

func TestAnyWalkThroughTheStatesStaysInThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := payment.Pending
		for range 30 {
			next := rapid.SampledFrom(payment.Statuses()).Draw(t, "next")
			if !s.CanBecome(next) {
				continue
			}
			if s.Ended() && s != payment.Completed {
				require.Equal(t, s, next)
			}
			s = next
			require.True(t, s.Valid())
		}
	})
}
