package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

var colleague = staff.Person{Subject: "oidc:wang", Name: "王强", Roles: []staff.Role{staff.Support}, Hospitals: []string{hospital, "h-xiehe"}}

func start(t *testing.T, b *books, n store.NewSession) (string, store.Session) {
	t.Helper()
	if n.Via == "" {
		n.Person, n.Via, n.Address = colleague, store.ViaOIDC, "10.0.0.7"
	}
	token, s, err := b.StartSession(t.Context(), n, noon)
	require.NoError(t, err)
	return token, s
}

func TestASessionIsFoundByItsTokenAlone(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	token, s := start(t, b, store.NewSession{})
	other, _ := start(t, b, store.NewSession{})
	require.NotEqual(t, token, other)
	require.Len(t, token, 43)
	require.Equal(t, colleague, s.Person)
	require.Len(t, s.CSRF, 32)

	got, err := b.Session(ctx, token, noon)
	require.NoError(t, err)
	require.Equal(t, s, got)
	for _, wrong := range []string{"", "x", token + "A", token[1:], strings.ToLower(token), token[:42] + "\n"} {
		_, err := b.Session(ctx, wrong, noon)
		require.ErrorIs(t, err, store.ErrNotFound, "%q", wrong)
	}
	require.NotContains(t, one[string](t, b, "SELECT string_agg(s::text, ' ') FROM console_sessions s"), token)
	require.Equal(t, 2, told(t, b, "signed_in"))
	require.Equal(t, "10.0.0.7", one[string](t, b, "SELECT detail->>'address' FROM audit WHERE subject = 'staff' LIMIT 1"))
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectStaff))
}

func TestASessionSlidesAndEnds(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	begun := noon.Truncate(time.Microsecond)
	token, _ := start(t, b, store.NewSession{})

	at := noon
	for at.Before(noon.Add(store.SessionLasts - 29*time.Minute)) {
		at = at.Add(29 * time.Minute)
		s, err := b.Session(ctx, token, at)
		require.NoError(t, err, at)
		require.Equal(t, begun.Add(store.SessionLasts), s.ExpiresAt)
		require.False(t, s.IdleAt.After(s.ExpiresAt))
	}
	_, err := b.Session(ctx, token, begun.Add(store.SessionLasts))
	require.ErrorIs(t, err, store.ErrNotFound, "however busy it was")

	idle, _ := start(t, b, store.NewSession{})
	_, err = b.Session(ctx, idle, begun.Add(store.SessionIdle))
	require.ErrorIs(t, err, store.ErrNotFound, "nothing was asked for half an hour")
	_, err = b.Session(ctx, idle, begun.Add(store.SessionIdle-time.Microsecond))
	require.NoError(t, err)

	short, s := start(t, b, store.NewSession{Person: colleague, Via: store.ViaOIDC, Lasts: time.Minute})
	require.Equal(t, s.ExpiresAt, s.IdleAt)
	_, err = b.Session(ctx, short, noon.Add(time.Minute))
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestASessionIsWrittenOnceAMinute(t *testing.T) {
	b := newBooks(t)
	token, _ := start(t, b, store.NewSession{})
	seen := func(at time.Time) time.Time {
		_, err := b.Session(t.Context(), token, at)
		require.NoError(t, err)
		return one[time.Time](t, b, "SELECT seen_at FROM console_sessions").UTC()
	}
	begun := noon.Truncate(time.Microsecond)
	require.Equal(t, begun, seen(begun.Add(59*time.Second)))
	require.Equal(t, begun.Add(time.Minute), seen(begun.Add(time.Minute)))
	require.Equal(t, begun.Add(time.Minute), seen(begun), "a clock behind takes nothing back")
}

func TestEndingSessions(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	first, _ := start(t, b, store.NewSession{})
	second, _ := start(t, b, store.NewSession{})
	third, _ := start(t, b, store.NewSession{})
	for range 2 {
		require.NoError(t, b.EndSession(ctx, first, noon))
	}
	require.NoError(t, b.EndSession(ctx, "no token", noon))
	require.Equal(t, 1, told(t, b, "signed_out"))
	_, err := b.Session(ctx, first, noon)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = b.Session(ctx, second, noon)
	require.NoError(t, err)

	n, err := b.EndSessionsOf(ctx, colleague.Subject, "local:root", noon)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = b.Session(ctx, third, noon)
	require.ErrorIs(t, err, store.ErrNotFound)
	n, err = b.EndSessionsOf(ctx, colleague.Subject, "local:root", noon)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, 1, told(t, b, "sessions_ended"))
	require.NoError(t, b.VerifyAudit(ctx, store.SubjectStaff))
}

func TestASessionOfALocalAccountHasWhatTheAccountHasNow(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	li := b.clerk(t, "li")
	require.NoError(t, b.ChangeStaff(ctx, "li", []staff.Role{staff.Finance}, []string{"h-xiehe"}, "local:root", noon))
	_, s, err := b.StartSession(ctx, store.NewSession{Person: li, Via: store.ViaLocal}, noon)
	require.NoError(t, err)
	require.Equal(t, []staff.Role{staff.Finance}, s.Person.Roles)
	require.Equal(t, []string{"h-xiehe"}, s.Person.Hospitals)

	require.NoError(t, b.DisableStaff(ctx, "li", "local:root", noon))
	for _, p := range []staff.Person{li, colleague, {}} {
		_, _, err = b.StartSession(ctx, store.NewSession{Person: p, Via: store.ViaLocal}, noon)
		require.ErrorIs(t, err, store.ErrSignIn, p.Subject)
	}
}

func TestOldSessionsAreForgotten(t *testing.T) {
	b := newBooks(t)
	start(t, b, store.NewSession{})
	_, _, err := b.StartSession(t.Context(), store.NewSession{Person: colleague, Via: store.ViaOIDC}, noon.Add(31*24*time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 1, one[int64](t, b, "SELECT count(*) FROM console_sessions"))
}
