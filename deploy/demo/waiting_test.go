package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/payment"
	roles "github.com/regpay/regpay/internal/staff"
)

func theWaiting(t *testing.T) []registration {
	t.Helper()
	all, err := readWaiting()
	require.NoError(t, err)
	return all
}

func TestARowThatEndsIsNoneThatWaits(t *testing.T) {
	good := line(t, map[string]string{"expected": "in_review"})
	_, err := readRegistrations(strings.NewReader(good))
	require.ErrorContains(t, err, "expected", "a day has to end")
	waits := func(s payment.Status) bool { return s == payment.InReview }
	all, err := readLines(strings.NewReader(good), waits, "ends")
	require.NoError(t, err)
	require.Equal(t, []payment.Status{payment.InReview}, all[0].Expected)
	_, err = readLines(strings.NewReader(line(t, nil)), waits, "ends")
	require.ErrorContains(t, err, "ends")
}

// A second code so soon would be refused: they are counted by phone.
func TestWhoWaitsWasSentNoCodeInTheDay(t *testing.T) {
	sent := map[string]bool{}
	for _, r := range theFile(t) {
		sent[r.Patient.Phone] = sent[r.Patient.Phone] || r.Verify != ""
	}
	again := false
	for _, r := range theWaiting(t) {
		_, known := sent[r.Patient.Phone]
		again = again || known
		require.False(t, sent[r.Patient.Phone], r.No)
	}
	require.True(t, again, "somebody had a case before, which is shown with the new one")
}

func TestWhatIsPrintedIsEnoughToSignInAndToDecide(t *testing.T) {
	li := local.Person{Login: "li", Password: "one-password", Person: roles.Person{Subject: "local:li", Name: "李静",
		Roles: []roles.Role{roles.Support}, Hospitals: []string{roles.AllHospitals}}}
	zhou := local.Person{Login: "zhou", Password: "other-password", Person: roles.Person{Roles: []roles.Role{roles.Support}, Hospitals: []string{"h-one"}}}
	k := desk{Address: "http://127.0.0.1:1/console", People: []local.Person{li, zhou}, Cases: []waiting{
		{Order: "ORDER1", Reason: payment.ReviewClearingFailed, Fen: 38_000, SecondPerson: true, ProposedBy: "li"},
		{Order: "ORDER2", Reason: payment.ReviewRefundFailed, Fen: 6_000, ClaimedBy: "wang"},
	}}
	var out bytes.Buffer
	k.print(&out)
	for _, words := range []string{"http://127.0.0.1:1/console", "ORDER1  clearing_failed  380.00 yuan  two people decide, proposed by li",
		"ORDER2  refund_failed    60.00 yuan   in the hands of wang", "li    one-password    support, every hospital", "zhou  other-password  support, h-one"} {
		require.Contains(t, out.String(), words)
	}
	out.Reset()
	desk{}.print(&out)
	require.Empty(t, out.String(), "nothing is left when the stack is not")
}

// TestWhatIsLeftWaitsForSomebodyWhoCanSignIn plays what KEEP=1 adds.
func TestWhatIsLeftWaitsForSomebodyWhoCanSignIn(t *testing.T) {
	var out bytes.Buffer
	in, err := start(t.Context(), options{}, theWaiting(t), &out)
	require.NoError(t, err, out.String())
	defer func() { require.NoError(t, in.Stop(context.WithoutCancel(t.Context()))) }()
	left, err := leaveWork(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, left.Cases, len(theWaiting(t)))

	reasons, proposed := map[payment.Reason]bool{}, 0
	reviews, err := in.Staff.Reviews(t.Context(), "", "")
	require.NoError(t, err)
	require.Len(t, reviews.Items, len(left.Cases), "all of them are open")
	for _, r := range reviews.Items {
		reasons[r.Reason] = true
		if r.Proposal != nil {
			proposed++
			require.Greater(t, r.AmountFen, int64(twoPeopleAbove))
			require.Equal(t, "local:li", r.Proposal.Operator)
			require.NotEmpty(t, r.Proposal.Note)
		}
	}
	require.Equal(t, 1, proposed)
	for _, reason := range []payment.Reason{payment.ReviewRisk, payment.ReviewClearingFailed, payment.ReviewClearingUnknown, payment.ReviewRefundFailed} {
		require.True(t, reasons[reason], reason)
	}
	for _, p := range left.People {
		b, err := signIn(t.Context(), in, p)
		require.NoError(t, err)
		first, err := b.ask(t.Context(), http.MethodGet, "/", nil)
		require.NoError(t, err, p.Login)
		require.Regexp(t, token, first, "%s is signed in, and has forms", p.Login)
		require.NotContains(t, first, `name="again"`, "%s need not change the password that was printed", p.Login)
	}
}
