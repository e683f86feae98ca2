package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func sms(id, paymentID, phone, code string, at time.Time) store.Challenge {
	return store.Challenge{ID: id, PaymentID: paymentID, HospitalID: hospital, Kind: payment.BySMS, Phone: phone, Code: code,
		At: at, ExpiresAt: at.Add(5 * time.Minute)}
}

func TestACodePassesOnce(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "111111", noon)))
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "000000", noon), payment.CodeVerification))
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c9", "111111", noon), payment.CodeVerification))
	require.NoError(t, b.AnswerSMS(ctx, id, "c1", "111111", noon))
	n := lines(t, b, id)
	require.NoError(t, b.AnswerSMS(ctx, id, "c1", "111111", noon), "the repeat of a step whose answer was lost")
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "222222", noon), payment.CodeVerification))
	require.Equal(t, n, lines(t, b, id))
	c, err := b.Challenge(ctx, "c1")
	require.NoError(t, err)
	require.True(t, c.Passed)
	require.Equal(t, "13900000001", c.Phone)
	require.Empty(t, c.Code)

	other := b.open(t, "ORDER0002", 5000)
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, other, "c1", "111111", noon), payment.CodeVerification),
		"a code is good for its own payment alone")
	_, err = b.Challenge(ctx, "c9")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestACodeHasFiveTries(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "111111", noon)))
	for i := range 5 {
		require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", fmt.Sprint(i), noon), payment.CodeVerification))
	}
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "111111", noon), payment.CodeTooMany), "also with the right code")

	require.NoError(t, b.StartChallenge(ctx, sms("c2", id, "13900000001", "222222", noon.Add(2*time.Minute))))
	for range 5 {
		require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "222222", noon.Add(2*time.Minute)), payment.CodeVerification))
	}
	require.NoError(t, b.AnswerSMS(ctx, id, "c2", "222222", noon.Add(2*time.Minute)), "answers to another code are none to this one")
}

func TestACodeEndsWithItsTimeOrTheNextCode(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	c := sms("c1", id, "13900000001", "111111", noon)
	c.ExpiresAt = noon.Add(time.Hour)
	require.NoError(t, b.StartChallenge(ctx, c))
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "111111", noon.Add(10*time.Minute+time.Second)), payment.CodeVerification),
		"ten minutes at most, whatever was asked for")
	require.NoError(t, b.StartChallenge(ctx, sms("c2", id, "13900000001", "222222", noon.Add(2*time.Minute))))
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "111111", noon.Add(3*time.Minute)), payment.CodeVerification))
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "333333", noon)), "a repeat that comes late")
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "333333", noon.Add(3*time.Minute)), payment.CodeVerification))
	require.NoError(t, b.AnswerSMS(ctx, id, "c2", "222222", noon.Add(3*time.Minute)))
}

// A workflow task that was lost may have closed the payment before.
func TestAProofForAPaymentThatHasEndedIsRefused(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	s := steps{b.Store, "ORDER0001"}
	s.upTo(t, payment.Pending)
	require.NoError(t, b.StartChallenge(ctx, sms("c1", s.id(), "13900000001", "111111", noon)))
	require.NoError(t, b.StartChallenge(ctx, store.Challenge{ID: "f1", PaymentID: s.id(), HospitalID: hospital, Kind: payment.ByFace, VerifyID: "v", At: noon}))
	require.NoError(t, s.move(ctx, payment.Closed))
	n := lines(t, b, s.id())
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, s.id(), "c1", "111111", noon), payment.CodeState))
	require.True(t, payment.HasCode(b.PassFace(ctx, s.id(), "f1", noon), payment.CodeState))
	require.ErrorIs(t, b.AnswerSMS(ctx, "pay_none", "c1", "111111", noon), store.ErrNotFound)
	require.Equal(t, n, lines(t, b, s.id()))
}

func TestCodesOfANumberAreCountedOverAllPayments(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	ids := []string{b.open(t, "ORDER0001", 5000), b.open(t, "ORDER0002", 5000)}
	n := 0
	send := func(at time.Time) error {
		n++
		return b.StartChallenge(ctx, sms(fmt.Sprintf("c%d", n), ids[n%2], "13900000001", "111111", at))
	}
	at := noon
	for hour := range 2 { // five an hour, ten a day
		for range 5 {
			require.NoError(t, send(at))
			require.True(t, payment.HasCode(send(at.Add(59*time.Second)), payment.CodeTooMany), "one a minute")
			at = at.Add(2 * time.Minute)
		}
		require.True(t, payment.HasCode(send(at), payment.CodeTooMany), "five an hour")
		at = noon.Add(time.Duration(hour+1) * 2 * time.Hour)
	}
	require.True(t, payment.HasCode(send(at), payment.CodeTooMany), "ten a day")
	require.NoError(t, b.StartChallenge(ctx, sms("other", ids[0], "13900000002", "111111", at)), "another number")
	require.NoError(t, send(noon.Add(25*time.Hour)), "the next day")
}

func TestCodesAskedForAtOnceAreOne(t *testing.T) {
	b := newBooks(t)
	var ids []string
	for i := range 4 {
		ids = append(ids, b.open(t, fmt.Sprintf("ORDER%04d", i), 5000))
	}
	ids = append(ids, ids[0], ids[0], ids[0]) // also of one payment
	for round := range 25 {
		phone := fmt.Sprintf("139000010%02d", round)
		var wg sync.WaitGroup
		start := make(chan struct{})
		errs := make([]error, len(ids))
		for i, id := range ids {
			wg.Go(func() {
				<-start
				errs[i] = b.StartChallenge(t.Context(), sms(fmt.Sprint(id, i, round), id, phone, "111111", noon))
			})
		}
		close(start)
		wg.Wait()
		good := 0
		for _, err := range errs {
			if err == nil {
				good++
				continue
			}
			require.True(t, payment.HasCode(err, payment.CodeTooMany), "got %v", err)
		}
		require.Equal(t, 1, good)
	}
}

// Whoever locks both has to do so in one order, or two would wait for each other.
func TestAPaymentIsLockedBeforeTheNumber(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "111111", noon)))
	var phone string
	require.NoError(t, b.db.QueryRowContext(ctx, `SELECT phone_index FROM challenges`).Scan(&phone))
	number, err := b.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = number.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 2))`, phone)
	require.NoError(t, err)
	asked := make(chan error)
	go func() {
		asked <- b.StartChallenge(ctx, sms("c2", id, "13900000001", "111111", noon.Add(2*time.Minute)))
	}()
	require.Eventually(t, func() bool {
		waiting := false
		err := b.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waiting)
		return err == nil && waiting
	}, 10*time.Second, 5*time.Millisecond)
	_, err = b.db.ExecContext(ctx, `SELECT FROM payments FOR UPDATE NOWAIT`)
	require.ErrorContains(t, err, "could not obtain lock", "the payment is held meanwhile")
	require.NoError(t, number.Rollback())
	require.NoError(t, <-asked)
}

// Other processes may have started what this one takes for new.
func TestAChallengeOfAnotherProcessIsNotTakenForNew(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	other := openStore(t, b.dsn, b.keys)
	require.NoError(t, other.StartChallenge(ctx, sms("c1", id, "13900000001", "111111", noon)))
	n := lines(t, b, id)
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "111111", noon)), "a repeat")
	require.Equal(t, n, lines(t, b, id))
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "000000", noon), payment.CodeVerification))
	require.NoError(t, other.StartChallenge(ctx, sms("c2", id, "13900000002", "222222", noon)))
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "c1", "111111", noon), payment.CodeVerification), "it was replaced there")
	require.NoError(t, b.AnswerSMS(ctx, id, "c2", "222222", noon))
	b.requireRight(t, id)
}

func TestARepeatedStartTakesTheNewCodeAndIsNotCounted(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "111111", noon)))
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "111111", noon)))
	require.Equal(t, 2, lines(t, b, id))
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "222222", noon)))
	require.NoError(t, b.AnswerSMS(ctx, id, "c1", "222222", noon))
	require.NoError(t, b.StartChallenge(ctx, sms("c1", id, "13900000001", "333333", noon)), "passed: nothing changes")
	other := b.open(t, "ORDER0002", 5000)
	require.ErrorIs(t, b.StartChallenge(ctx, sms("c1", other, "13900000001", "1", noon.Add(time.Hour))), store.ErrConflict)
	unknown := sms("c3", id, "13900000001", "1", noon)
	unknown.Kind = "letter"
	require.True(t, payment.HasCode(b.StartChallenge(ctx, unknown), payment.CodeVerifyKind))
}

func TestAFaceCheckPassesOnceAndInTime(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id := b.open(t, "ORDER0001", 5000)
	face := store.Challenge{ID: "f1", PaymentID: id, HospitalID: hospital, Kind: payment.ByFace, VerifyID: "V1", OutSeqNo: "S1",
		At: noon, ExpiresAt: noon.Add(time.Hour)}
	require.NoError(t, b.StartChallenge(ctx, face))
	got, err := b.Challenge(ctx, "f1")
	require.NoError(t, err)
	require.Equal(t, "V1", got.VerifyID)
	require.Equal(t, "S1", got.OutSeqNo)
	require.True(t, payment.HasCode(b.PassFace(ctx, id, "f1", noon.Add(2*time.Hour)), payment.CodeVerification))
	require.True(t, payment.HasCode(b.AnswerSMS(ctx, id, "f1", "", noon), payment.CodeVerification), "not an SMS code")
	for range 2 {
		require.NoError(t, b.PassFace(ctx, id, "f1", noon.Add(time.Minute)))
	}
	require.Equal(t, 3, lines(t, b, id))
}

func TestAnOrderIsReadForAVerificationOnlyWhileOneIsWaitedFor(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	o := opening(request("ORDER0001", 1, 5000))
	o.First = payment.Verifying
	_, err := b.OpenPayment(ctx, o)
	require.NoError(t, err)
	r, err := b.OrderToVerify(ctx, o.PaymentID)
	require.NoError(t, err)
	require.Equal(t, o.Request.Order.Patient, r.Order.Patient)
	require.NoError(t, b.MoveTo(ctx, store.Move{PaymentID: o.PaymentID, To: payment.Closed, At: noon}))
	_, err = b.OrderToVerify(ctx, o.PaymentID)
	require.True(t, payment.HasCode(err, payment.CodeState), "%v", err)
}
