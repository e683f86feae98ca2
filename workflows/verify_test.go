package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/internal/identity"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func TestAWrongProofIsRefusedAndARightOneAfterItCounts(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	wrong := w.at(time.Second, workflows.UpdateVerify, wrongCode)
	right := w.at(10*time.Second, workflows.UpdateVerify, rightCode)
	w.paysAt(30*time.Second, payment.Insurance, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.CodeVerification, wrong.problem(t))
	require.Equal(t, payment.Clearing, right.answered(t).Status)
	require.Contains(t, w.timeline(), "proof refused")
	require.Empty(t, w.seen.waited(), "a wrong code is no trouble of a system")
}

func TestOnlyTheFaceServiceItselfCanPassAFaceCheck(t *testing.T) {
	for _, result := range []identity.FaceResult{identity.FaceMismatch, identity.FacePending, identity.FaceCancelled} {
		w := newWorld(t, by(payment.ByInsurance))
		w.face.result = result
		proof := w.at(time.Second, workflows.UpdateVerify, rightFace)
		w.ends(payment.Closed, "not_verified")
		require.Equal(t, payment.CodeVerification, proof.problem(t), result)
		require.False(t, w.books.passed)
	}
}

func TestAChallengeThatIsNotThereIsRefusedAtOnce(t *testing.T) {
	for _, proof := range []payment.Proof{
		{Kind: payment.ByFace, Challenge: "face-of-somebody"},
		{Kind: payment.BySMS, Challenge: "sms-of-somebody", Code: "123456"},
		{Kind: payment.ByFace, Challenge: "sms-1"},
		{Kind: payment.BySMS, Challenge: "face-1"},
		{Kind: "fingerprint", Challenge: "sms-1"},
	} {
		w := newWorld(t, by(payment.ByInsurance))
		l := w.at(time.Second, workflows.UpdateVerify, proof)
		w.ends(payment.Closed, "not_verified")
		require.Contains(t, []string{payment.CodeVerification, payment.CodeVerifyKind}, l.problem(t))
		require.Less(t, l.reply.at.Sub(noon), 2*time.Second, "%+v", proof)
	}
}

func TestNobodyProvesWhoTheyAreAndThePaymentCloses(t *testing.T) {
	w := newWorld(t, by(payment.ByMixed))
	begun := w.begins()
	w.ends(payment.Closed, "not_verified")
	require.Equal(t, payment.Verifying, begun.answered(t).Status)
	require.Empty(t, w.asked("wechat"))
	require.Empty(t, w.asked("insurance"), "the insurance is not asked for a patient who is not known (mandatory verification)")
	require.Equal(t, []string{"payment.closed"}, w.backend.heard())
}

// Where no codes arrive, an operator sees many payments wait for a proof.
func TestAProofThatTakesLongIsShown(t *testing.T) {
	const always = 15 * time.Minute
	for name, tc := range map[string]struct {
		method payment.Method
		window time.Duration
		proof  time.Duration // none when zero
		shown  []string
	}{
		"in time":                 {payment.ByMixed, always, 119 * time.Second, []string{"completed"}},
		"late":                    {payment.ByMixed, always, 121 * time.Second, []string{"verifying", "awaiting_payment", "completed"}},
		"late, insurance alone":   {payment.ByInsurance, always, 121 * time.Second, []string{"verifying", "completed"}},
		"never":                   {payment.ByMixed, always, 0, []string{"verifying", "closed"}},
		"never, with little time": {payment.ByMixed, time.Minute, 0, []string{"closed"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := by(tc.method)
			r.Window = tc.window
			w := newWorld(t, r)
			if tc.proof == 0 {
				w.ends(payment.Closed, "not_verified")
				require.Equal(t, tc.shown, w.seen.shown)
				return
			}
			w.provesAndPays(tc.proof, 1)
			w.ends(payment.Completed, "")
			require.Equal(t, tc.shown, w.seen.shown)
		})
	}
	shown := []string{"awaiting_payment", "completed"}
	t.Run("a start that has shown it, as starts used to", func(t *testing.T) {
		w := newWorld(t, by(payment.ByMixed))
		w.seen.attrs = temporal.NewSearchAttributes(workflows.PaymentStatus.ValueSet("verifying"))
		w.provesAndPays(30*time.Second, 1)
		w.ends(payment.Completed, "")
		require.Equal(t, shown, w.seen.shown)
		require.Contains(t, w.seen.timers, always, "and the first alarm is for the end of the patient's time")
	})
	t.Run("a change of method", func(t *testing.T) {
		w := newWorld(t, by(payment.ByWeChat))
		w.at(time.Second, workflows.UpdateChangeMethod, choice(payment.ByMixed))
		w.provesAndPays(30*time.Second, 2)
		w.ends(payment.Completed, "")
		require.Equal(t, append([]string{"verifying"}, shown...), w.seen.shown)
	})
}

// provesAndPays has the patient of an insured payment do all there is to do.
func (w *world) provesAndPays(at time.Duration, attempt int) {
	w.at(at, workflows.UpdateVerify, rightCode)
	if w.request.Choice.Method != payment.ByInsurance {
		w.paysAt(at+time.Second, payment.WeChat, attempt)
		attempt++
	}
	w.paysAt(at+2*time.Second, payment.Insurance, attempt)
}

func TestAProofIsOnlyTakenWhileOneIsAskedFor(t *testing.T) {
	w := newWorld(t, by(payment.ByWeChat))
	early := w.at(time.Second, workflows.UpdateVerify, rightCode)
	w.paysAt(2*time.Second, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.CodeState, early.problem(t))
	require.False(t, early.accepted)
}

func TestTwoProofsAtOnceBothGetAnAnswer(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	first := w.at(time.Second, workflows.UpdateVerify, rightCode)
	second := w.at(time.Second, workflows.UpdateVerify, rightCode)
	var answered bool
	w.after(5*time.Second, func() { answered = first.done && second.done })
	later := w.at(10*time.Second, workflows.UpdateBegin)
	w.paysAt(30*time.Second, payment.Insurance, 1)
	w.ends(payment.Completed, "")
	require.True(t, answered, "both were answered while the insurance clears")
	require.Equal(t, payment.Clearing, first.answered(t).Status)
	require.Equal(t, payment.Clearing, second.answered(t).Status)
	require.Less(t, later.reply.at.Sub(noon), 11*time.Second, "whoever asks meanwhile is answered too")
}

func TestAProofStillOnItsWayDoesNotHideAChangedPayment(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	// The proof's check needs patience; the patient gives up on it meanwhile.
	w.books.trouble["AnswerSMS"] = []error{outage("books", "answer"), outage("books", "answer"), outage("books", "answer")}
	proof := w.at(time.Second, workflows.UpdateVerify, rightCode)
	change := w.at(2*time.Second, workflows.UpdateChangeMethod, choice(payment.ByWeChat))
	again := w.at(time.Minute, workflows.UpdateBegin)
	w.paysAt(5*time.Minute, payment.WeChat, 1)
	w.ends(payment.Completed, "")
	require.Equal(t, payment.AwaitingPayment, change.answered(t).Status)
	require.NoError(t, proof.err)
	require.Less(t, again.reply.at.Sub(noon), 2*time.Minute)
	require.Contains(t, w.seen.waited(), workflows.QueueIdentity+" Check")
}

func TestAFaceServiceInTroubleIsAskedAgainForTwoMinutes(t *testing.T) {
	w := newWorld(t, by(payment.ByInsurance))
	w.face.err = outage("face", "result")
	l := w.at(time.Second, workflows.UpdateVerify, rightFace)
	w.ends(payment.Closed, "not_verified")
	require.Error(t, l.err)
	require.LessOrEqual(t, l.reply.at.Sub(noon), 3*time.Minute)
	require.Contains(t, w.seen.waited(), workflows.QueueIdentity+" Check")
	require.Greater(t, len(w.asked("face")), 5)
}
