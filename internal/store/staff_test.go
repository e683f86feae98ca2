package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

const password = "long enough 1"

func account(login string, roles ...staff.Role) staff.Account {
	return staff.Account{Login: login, Name: "李娜", Roles: roles, Hospitals: []string{hospital}}
}

// clerk makes a local account and returns its person.
func (b *books) clerk(t testing.TB, login string, roles ...staff.Role) staff.Person {
	t.Helper()
	if len(roles) == 0 {
		roles = []staff.Role{staff.Support}
	}
	a := account(login, roles...)
	require.NoError(t, b.AddStaff(t.Context(), a, password, "local:root", noon))
	return a.Person()
}

// told is how often the log of accounts and sign-ins tells of an action.
func told(t testing.TB, b *books, action string) int {
	t.Helper()
	return int(one[int64](t, b, "SELECT count(*) FROM audit WHERE subject = $1 AND action = $2", store.SubjectStaff, action))
}

func TestAnAccountIsMadeOnceAndItsPasswordIsNotKept(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	a := account("li.na", staff.Support, staff.Finance)
	require.NoError(t, b.AddStaff(ctx, a, password, "local:root", noon))
	require.ErrorIs(t, b.AddStaff(ctx, a, password, "local:root", noon), store.ErrConflict)

	got, err := b.StaffAccount(ctx, "li.na")
	require.NoError(t, err)
	a.CreatedAt, a.PasswordSetAt = noon.Truncate(time.Microsecond), noon.Truncate(time.Microsecond)
	require.Equal(t, a, got)
	_, err = b.StaffAccount(ctx, "nobody")
	require.ErrorIs(t, err, store.ErrNotFound)
	b.clerk(t, "bo")
	all, err := b.StaffAccounts(ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "bo", all[0].Login)

	for name, c := range map[string]struct {
		change   func(*staff.Account)
		password string
		want     error
	}{
		"a bad login":    {func(a *staff.Account) { a.Login = "Li Na" }, password, staff.ErrLogin},
		"no role":        {func(a *staff.Account) { a.Roles = nil }, password, staff.ErrRole},
		"no hospital":    {func(a *staff.Account) { a.Hospitals = nil }, password, staff.ErrScope},
		"a bad password": {func(*staff.Account) {}, "short", staff.ErrPassword},
	} {
		bad := account("new", staff.Support)
		c.change(&bad)
		require.ErrorIs(t, b.AddStaff(ctx, bad, c.password, "local:root", noon), c.want, name)
	}
	require.NotContains(t, one[string](t, b, "SELECT string_agg(s::text, ' ') FROM staff_accounts s"), password)
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectStaff))
	require.Equal(t, 2, told(t, b, "staff_added"))
}

func TestSigningIn(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	li := b.clerk(t, "li")
	got, err := b.SignIn(ctx, " LI ", password, "10.0.0.1", noon)
	require.NoError(t, err)
	require.Equal(t, li, got)

	for name, c := range map[string]struct{ login, password string }{
		"a wrong password":  {"li", "wrong password"},
		"no password":       {"li", ""},
		"an endless one":    {"li", string(make([]byte, 1<<20))},
		"an unknown login":  {"wang", password},
		"no login":          {"", password},
		"a login with zero": {"li\x01", password},
	} {
		_, err := b.SignIn(ctx, c.login, c.password, "10.0.0.1", noon)
		require.ErrorIs(t, err, store.ErrSignIn, name)
	}
	require.Equal(t, 3, told(t, b, "sign_in_refused"), "logins that do not exist are not logged: they can be anything")

	require.NoError(t, b.DisableStaff(ctx, "li", "local:root", noon))
	_, err = b.SignIn(ctx, "li", password, "10.0.0.1", noon)
	require.ErrorIs(t, err, store.ErrSignIn)
	require.NoError(t, b.EnableStaff(ctx, "li", "local:root", noon))
	_, err = b.SignIn(ctx, "li", password, "10.0.0.1", noon)
	require.NoError(t, err)
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectStaff))
}

func TestFiveWrongPasswordsLockTheAccount(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	b.clerk(t, "li")
	for i := range staff.MaxWrong {
		_, err := b.SignIn(ctx, "li", "wrong password", "10.0.0.1", noon.Add(time.Duration(i)*time.Second))
		require.ErrorIs(t, err, map[bool]error{false: store.ErrSignIn, true: store.ErrLocked}[i == staff.MaxWrong-1], "%d", i)
	}
	at := noon.Add(time.Minute)
	_, err := b.SignIn(ctx, "li", password, "10.0.0.1", at)
	var locked *store.LockedError
	require.ErrorAs(t, err, &locked, "the right password as well")
	require.Equal(t, noon.Add(4*time.Second+staff.FirstLock).Truncate(time.Microsecond), locked.Until)
	a, err := b.StaffAccount(ctx, "li")
	require.NoError(t, err)
	require.Equal(t, locked.Until, a.LockedUntil)
	require.Equal(t, 1, told(t, b, "account_locked"))
	refused := told(t, b, "sign_in_refused")
	_, err = b.SignIn(ctx, "li", "wrong password", "10.0.0.2", at)
	require.ErrorIs(t, err, store.ErrLocked)
	require.Equal(t, staff.MaxWrong, refused, "the first try while it is locked is told")
	require.Equal(t, refused, told(t, b, "sign_in_refused"), "and no other: a log can be filled")

	_, err = b.SignIn(ctx, "li", password, "10.0.0.1", locked.Until)
	require.NoError(t, err)
	a, err = b.StaffAccount(ctx, "li")
	require.NoError(t, err)
	require.Zero(t, a.LockedUntil)

	for range staff.MaxWrong {
		_, err = b.SignIn(ctx, "li", "wrong password", "10.0.0.1", locked.Until)
	}
	require.ErrorIs(t, err, store.ErrLocked)
	refused = told(t, b, "sign_in_refused")
	_, err = b.SignIn(ctx, "li", password, "10.0.0.1", locked.Until)
	require.ErrorIs(t, err, store.ErrLocked)
	require.Equal(t, refused+1, told(t, b, "sign_in_refused"), "each lock has one")
	require.NoError(t, b.SetStaffPassword(ctx, "li", "another long one", "local:root", at))
	_, err = b.SignIn(ctx, "li", "another long one", "10.0.0.1", locked.Until)
	require.NoError(t, err, "a new password lifts the lock")
	_, err = b.SignIn(ctx, "li", password, "10.0.0.1", locked.Until)
	require.ErrorIs(t, err, store.ErrSignIn)
}

// Guesses that come at once are counted before they are tried.
func TestNoMoreThanFivePasswordsAreTriedHoweverManyComeAtOnce(t *testing.T) {
	b := newBooks(t)
	b.clerk(t, "li")
	errs := make([]error, 12)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = b.SignIn(t.Context(), "li", "wrong password", "10.0.0.1", noon) })
	}
	wg.Wait()
	wrong, locked := 0, 0
	for _, err := range errs {
		switch {
		case errors.Is(err, store.ErrSignIn):
			wrong++
		case errors.Is(err, store.ErrLocked):
			locked++
		}
	}
	require.Equal(t, staff.MaxWrong-1, wrong, "the fifth is told of the lock")
	require.Equal(t, len(errs)-wrong, locked)
	require.Equal(t, staff.MaxWrong+1, told(t, b, "sign_in_refused")+told(t, b, "account_locked"), "and one try while it was locked")
}

func TestSigningInWaitsNoLongerThanItsCaller(t *testing.T) {
	b := newBooks(t)
	b.clerk(t, "li")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.SignIn(ctx, "li", password, "10.0.0.1", noon)
	require.ErrorIs(t, err, context.Canceled)
}

func TestChangesOfAnAccountAreLoggedOnceAndEndItsSessions(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	both := []staff.Role{staff.Support, staff.Auditor}
	for name, change := range map[string]func(login string) error{
		"staff_changed":  func(l string) error { return b.ChangeStaff(ctx, l, both, []string{"*"}, "local:root", noon) },
		"staff_disabled": func(l string) error { return b.DisableStaff(ctx, l, "local:root", noon) },
	} {
		login := "of." + name[6:]
		p := b.clerk(t, login)
		token, _, err := b.StartSession(ctx, store.NewSession{Person: p, Via: store.ViaLocal}, noon)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, change(login), name)
		}
		require.Equal(t, 1, told(t, b, name))
		_, err = b.Session(ctx, token, noon)
		require.ErrorIs(t, err, store.ErrNotFound, name)
		require.ErrorIs(t, change("nobody"), store.ErrNotFound, name)
	}
	a, err := b.StaffAccount(ctx, "of.changed")
	require.NoError(t, err)
	require.Equal(t, both, a.Roles)
	require.Equal(t, []string{"*"}, a.Hospitals)
	require.ErrorIs(t, b.ChangeStaff(ctx, "of.changed", nil, nil, "local:root", noon), staff.ErrRole)
	require.ErrorIs(t, b.SetStaffPassword(ctx, "nobody", password, "local:root", noon), store.ErrNotFound)
	require.ErrorIs(t, b.SetStaffPassword(ctx, "of.changed", "short", "local:root", noon), staff.ErrPassword)
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectStaff))
}

func TestARefusalTakesAsLongWhateverItIsFor(t *testing.T) {
	b := newBooks(t)
	b.clerk(t, "li")
	b.clerk(t, "gone")
	for range staff.MaxWrong {
		_, err := b.SignIn(t.Context(), "li", "wrong password", "10.0.0.1", noon)
		require.Error(t, err)
	}
	require.NoError(t, b.DisableStaff(t.Context(), "gone", "local:root", noon))
	release := b.HoldPasswords()
	defer release()
	for _, login := range []string{"li", "gone", "nobody", "no login at all"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := b.SignIn(ctx, login, password, "10.0.0.1", noon)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded, "%s is answered before its password was hashed", login)
	}
}
