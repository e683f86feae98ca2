package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

var (
	li   = staff.Person{Subject: "local:li", Name: "李娜", Roles: []staff.Role{staff.Support}, Hospitals: []string{hospital}}
	wang = staff.Person{Subject: "local:wang", Name: "王强", Roles: []staff.Role{staff.Support}, Hospitals: []string{hospital}}
)

// openCase opens a payment with a case that waits, opened after noon by after.
func (b *books) openCase(t testing.TB, order string, reason payment.Reason, after time.Duration) (paymentID, caseID string) {
	t.Helper()
	id := b.open(t, order, 5000)
	c := caseOf(id, "C1", reason, after)
	require.NoError(t, b.OpenCase(t.Context(), id, c, payment.InReview, noon))
	return id, c.ID
}

// logged is how often a payment's log tells of an action.
func logged(t testing.TB, b *books, paymentID, action string) int {
	t.Helper()
	require.NoError(t, b.VerifyAudit(t.Context(), paymentID))
	return int(one[int64](t, b, "SELECT count(*) FROM audit WHERE subject = $1 AND action = $2", paymentID, action))
}

func TestAClaimKeepsOthersAwayUntilItRunsOut(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	begun := noon.Truncate(time.Microsecond)

	mine, err := b.ClaimCase(ctx, c, li, noon)
	require.NoError(t, err)
	require.Equal(t, store.Claim{By: li.Subject, Name: li.Name, At: begun, Until: begun.Add(store.ClaimLasts)}, mine)
	_, err = b.ClaimCase(ctx, c, wang, noon.Add(14*time.Minute))
	var claimed *store.ClaimedError
	require.ErrorAs(t, err, &claimed)
	require.ErrorIs(t, err, store.ErrClaimed)
	require.Equal(t, mine, claimed.Claim)
	require.NotContains(t, err.Error(), li.Name)
	require.ErrorIs(t, b.ReleaseCase(ctx, c, wang, noon), store.ErrClaimed)

	again, err := b.ClaimCase(ctx, c, li, noon.Add(10*time.Minute))
	require.NoError(t, err)
	require.Equal(t, store.Claim{By: li.Subject, Name: li.Name, At: begun, Until: begun.Add(25 * time.Minute)}, again)
	require.Equal(t, 1, logged(t, b, id, "case_claimed"), "one claim, however long")

	d, err := b.DeskCase(ctx, c, noon.Add(20*time.Minute))
	require.NoError(t, err)
	require.True(t, d.Claim.Of(li.Subject))
	require.False(t, d.Claim.Of(wang.Subject))
	d, err = b.DeskCase(ctx, c, begun.Add(25*time.Minute))
	require.NoError(t, err)
	require.Nil(t, d.Claim, "left alone, it frees itself")
	require.False(t, d.Claim.Of(li.Subject))

	theirs, err := b.ClaimCase(ctx, c, wang, begun.Add(25*time.Minute))
	require.NoError(t, err)
	require.Equal(t, wang.Subject, theirs.By)
	require.Equal(t, 2, logged(t, b, id, "case_claimed"))
}

func TestAReleasedCaseIsAnybodys(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	require.NoError(t, b.ReleaseCase(ctx, c, li, noon), "nobody's")
	_, err := b.ClaimCase(ctx, c, li, noon)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, b.ReleaseCase(ctx, c, li, noon))
	}
	require.Equal(t, 1, logged(t, b, id, "case_released"))
	_, err = b.ClaimCase(ctx, c, wang, noon)
	require.NoError(t, err)
	require.NoError(t, b.ReleaseCase(ctx, c, li, noon.Add(store.ClaimLasts)), "it has run out")
	for _, err := range []error{b.ReleaseCase(ctx, "no-such-case", li, noon), errOf(b.ClaimCase(ctx, "no-such-case", li, noon))} {
		require.ErrorIs(t, err, store.ErrNotFound)
	}
}

func errOf[T any](_ T, err error) error { return err }

// All of them wait for the payment before the first goes on, so that none can be
// done before another has begun.
func TestOnlyOneOfManyClaimsACase(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	held, err := b.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = held.ExecContext(ctx, "SELECT FROM payments WHERE id = $1 FOR UPDATE", id)
	require.NoError(t, err)
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		p := staff.Person{Subject: staff.LocalSubject(string(rune('a' + i))), Name: "n"}
		wg.Go(func() { _, errs[i] = b.ClaimCase(ctx, c, p, noon) })
	}
	const waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	require.Eventually(t, func() bool { return one[int64](t, b, waiting) == int64(len(errs)) }, 20*time.Second, 5*time.Millisecond)
	require.NoError(t, held.Rollback())
	wg.Wait()
	got := 0
	for _, err := range errs {
		if err == nil {
			got++
			continue
		}
		require.ErrorIs(t, err, store.ErrClaimed)
	}
	require.Equal(t, 1, got)
	require.Equal(t, 1, logged(t, b, id, "case_claimed"))
}

func TestWorkOnACaseProlongsItsClaim(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	begun := noon.Truncate(time.Microsecond)
	touch := func(p staff.Person, at time.Time) *store.Claim {
		claim, err := b.TouchClaim(ctx, c, p, at)
		require.NoError(t, err)
		return claim
	}
	require.Nil(t, touch(li, noon), "nobody's claim is not made by looking")
	_, err := b.ClaimCase(ctx, c, li, noon)
	require.NoError(t, err)
	require.Equal(t, begun.Add(15*time.Minute), touch(li, begun.Add(59*time.Second)).Until, "not every page writes")
	require.Equal(t, begun.Add(20*time.Minute), touch(li, begun.Add(5*time.Minute)).Until)
	require.Equal(t, begun.Add(20*time.Minute), touch(wang, begun.Add(10*time.Minute)).Until, "a colleague who looks in")
	require.Nil(t, touch(li, begun.Add(20*time.Minute)), "what has run out is not revived")
	require.Equal(t, 1, logged(t, b, id, "case_claimed"))

	_, err = b.TouchClaim(ctx, "no-such-case", li, noon)
	require.NoError(t, err)
}

func TestADecidedCaseIsNobodys(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	_, err := b.ClaimCase(ctx, c, li, noon)
	require.NoError(t, err)
	require.NoError(t, b.DecideCase(ctx, id, payment.Decision{CaseID: c, Verdict: payment.Approve, Operator: wang.Subject}, noon),
		"a claim is a courtesy: it stops nobody from deciding")
	_, err = b.ClaimCase(ctx, c, li, noon)
	require.True(t, payment.HasCode(err, payment.CodeCaseClosed), "got %v", err)
	require.NoError(t, b.ReleaseCase(ctx, c, wang, noon))
	claim, err := b.TouchClaim(ctx, c, li, noon.Add(5*time.Minute))
	require.NoError(t, err)
	require.Nil(t, claim)
	d, err := b.DeskCase(ctx, c, noon)
	require.NoError(t, err)
	require.Nil(t, d.Claim)
	require.Equal(t, wang.Subject, d.Decision.Operator)
	require.Zero(t, logged(t, b, id, "case_released"))
}

func TestAClaimIsNoChangeOfThePayment(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	before, err := b.Payment(ctx, id)
	require.NoError(t, err)
	n := lines(t, b, id)
	_, err = b.ClaimCase(ctx, c, li, noon.Add(time.Hour))
	require.NoError(t, err)
	after, err := b.Payment(ctx, id)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Equal(t, n, lines(t, b, id), "booking backends are not told who works on it")
	require.False(t, errors.Is(b.VerifyAudit(ctx, id), store.ErrNotFound))
}
