package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

const chosen = "four words of my own"

// mustChange says whether a session that begins now is good for that alone.
func mustChange(t *testing.T, b *books, p staff.Person) bool {
	t.Helper()
	token, s, err := b.StartSession(t.Context(), store.NewSession{Person: p, Via: store.ViaLocal}, noon)
	require.NoError(t, err)
	for _, find := range []func() (store.Session, error){
		func() (store.Session, error) { return b.Session(t.Context(), token, noon) },
		func() (store.Session, error) { return b.PeekSession(t.Context(), token, noon) },
	} {
		got, err := find()
		require.NoError(t, err)
		require.Equal(t, s.MustChange, got.MustChange)
	}
	return s.MustChange
}

func TestAPasswordThatOthersHaveSeenIsForChoosingAnotherOne(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	li := b.clerk(t, "li")
	require.True(t, mustChange(t, b, li), "the first one")
	token, _, err := b.StartSession(ctx, store.NewSession{Person: li, Via: store.ViaLocal}, noon)
	require.NoError(t, err)

	require.NoError(t, b.ChangePassword(ctx, "li", password, chosen, "10.0.0.7", noon))
	_, err = b.Session(ctx, token, noon)
	require.ErrorIs(t, err, store.ErrNotFound, "sessions of the old password are over")
	_, err = b.SignIn(ctx, "li", password, "10.0.0.7", noon)
	require.ErrorIs(t, err, store.ErrSignIn)
	_, err = b.SignIn(ctx, "li", chosen, "10.0.0.7", noon)
	require.NoError(t, err)
	require.False(t, mustChange(t, b, li))
	require.Equal(t, "local:li 10.0.0.7", one[string](t, b,
		"SELECT actor || ' ' || (detail->>'address') FROM audit WHERE subject = 'staff' AND action = 'staff_password_changed'"))
	a, err := b.StaffAccount(ctx, "li")
	require.NoError(t, err)
	require.True(t, a.OwnPassword)

	require.NoError(t, b.SetStaffPassword(ctx, "li", password, "local:root", noon.Add(time.Hour)))
	require.True(t, mustChange(t, b, li), "an administrator knows it")

	kept := account("kept", staff.Support)
	kept.OwnPassword = true
	require.NoError(t, b.AddStaff(ctx, kept, password, "local:root", noon))
	require.False(t, mustChange(t, b, kept.Person()))
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectStaff))
}

func TestAPasswordIsChangedByWhoKnowsTheOldOne(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	b.clerk(t, "li")
	require.ErrorIs(t, b.ChangePassword(ctx, "li", password, "short", "", noon), staff.ErrPassword)
	require.ErrorIs(t, b.ChangePassword(ctx, "li", password, password, "", noon), store.ErrSamePassword)
	require.ErrorIs(t, b.ChangePassword(ctx, "nobody", password, chosen, "", noon), store.ErrSignIn)
	for i := range staff.MaxWrong {
		err := b.ChangePassword(ctx, "li", "wrong password", chosen, "", noon)
		require.ErrorIs(t, err, map[bool]error{false: store.ErrSignIn, true: store.ErrLocked}[i == staff.MaxWrong-1])
	}
	require.ErrorIs(t, b.ChangePassword(ctx, "li", password, chosen, "", noon), store.ErrLocked, "guesses lock here too")
	require.NoError(t, b.DisableStaff(ctx, "li", "local:root", noon))
	require.ErrorIs(t, b.ChangePassword(ctx, "li", password, chosen, "", noon.Add(staff.FirstLock)), store.ErrSignIn)
	require.Zero(t, told(t, b, "staff_password_changed"))
}

func TestStaffHaveNames(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	b.clerk(t, "li")
	require.NoError(t, b.DisableStaff(ctx, "li", "local:root", noon))
	renamed := colleague
	for _, name := range []string{"王强", "王小强"} {
		renamed.Name = name
		_, _, err := b.StartSession(ctx, store.NewSession{Person: renamed, Via: store.ViaOIDC}, noon)
		require.NoError(t, err)
	}
	// Sessions are forgotten after a month, and decisions are not.
	_, err := b.db.ExecContext(ctx, "DELETE FROM console_sessions")
	require.NoError(t, err)
	names, err := b.NamesOf(ctx, []string{"local:li", colleague.Subject, "oidc:nobody", "local:nobody", "cli:root"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"local:li": "李娜", colleague.Subject: "王小强"}, names)
}

// Where from is in every record of what is asked for at the console.
func TestTheLogSaysFromWhere(t *testing.T) {
	b := newBooks(t)
	ctx := store.WithAddress(t.Context(), "10.1.2.3")
	_, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	_, err := b.ClaimCase(ctx, c, li, noon)
	require.NoError(t, err)
	require.NoError(t, b.ReleaseCase(ctx, c, li, noon))
	w, _, err := b.AnnounceWindow(ctx, "k1", payment.Window{HospitalID: hospital, System: payment.SystemHIS, Until: noon.Add(time.Hour), AnnouncedBy: "local:sun"}, noon)
	require.NoError(t, err)
	_, err = b.EndWindow(ctx, w.ID, "local:sun", noon)
	require.NoError(t, err)
	both := []staff.Role{staff.Support, staff.Finance}
	require.NoError(t, b.AddStaff(ctx, account("wu", staff.Support), password, "local:sun", noon))
	require.NoError(t, b.ChangeStaff(ctx, "wu", both, []string{hospital}, "local:sun", noon))
	require.NoError(t, b.SetStaffPassword(ctx, "wu", chosen, "local:sun", noon))
	require.NoError(t, b.DisableStaff(ctx, "wu", "local:sun", noon))
	require.NoError(t, b.EnableStaff(ctx, "wu", "local:sun", noon))
	token, _, err := b.StartSession(ctx, store.NewSession{Person: colleague, Via: store.ViaOIDC, Address: "10.1.2.3"}, noon)
	require.NoError(t, err)
	require.NoError(t, b.EndSession(ctx, token, noon))
	told := one[string](t, b, "SELECT string_agg(action, ' ' ORDER BY action) FROM audit WHERE detail->>'address' = '10.1.2.3'")
	require.Equal(t, "case_claimed case_released maintenance_announced maintenance_ended signed_in signed_out "+
		"staff_added staff_changed staff_disabled staff_enabled staff_password_set", told)

	_, err = b.ClaimCase(t.Context(), c, li, noon)
	require.NoError(t, err)
	require.EqualValues(t, 1, one[int64](t, b, "SELECT count(*) FROM audit WHERE action = 'case_claimed' AND NOT detail ? 'address'"), "what comes from nowhere says so")
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectStaff))
}
