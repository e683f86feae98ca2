package staff_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
)

func TestRolesAreReadOnceEachInTheirOrder(t *testing.T) {
	got, err := staff.ParseRoles([]string{"admin", " Support ", "admin"})
	require.NoError(t, err)
	require.Equal(t, []staff.Role{staff.Support, staff.Admin}, got)
	for _, words := range [][]string{nil, {""}, {"support", "root"}} {
		_, err := staff.ParseRoles(words)
		require.ErrorIs(t, err, staff.ErrRole, "%q", words)
	}
}

func TestAnAccountIsChecked(t *testing.T) {
	good := staff.Account{Login: "li.na-2", Name: "李娜", Roles: []staff.Role{staff.Support}, Hospitals: []string{"h-renmin"}}
	require.NoError(t, good.Check())
	for name, c := range map[string]struct {
		change func(*staff.Account)
		want   error
	}{
		"no login":               {func(a *staff.Account) { a.Login = "" }, staff.ErrLogin},
		"a login of one letter":  {func(a *staff.Account) { a.Login = "l" }, staff.ErrLogin},
		"an upper-case login":    {func(a *staff.Account) { a.Login = "Li" }, staff.ErrLogin},
		"a login with a line":    {func(a *staff.Account) { a.Login = "li\n" }, staff.ErrLogin},
		"a login too long":       {func(a *staff.Account) { a.Login = strings.Repeat("l", 33) }, staff.ErrLogin},
		"no name":                {func(a *staff.Account) { a.Name = "" }, staff.ErrName},
		"a name of a space":      {func(a *staff.Account) { a.Name = " " }, staff.ErrName},
		"a name with a tab":      {func(a *staff.Account) { a.Name = "李\t娜" }, staff.ErrName},
		"a name too long":        {func(a *staff.Account) { a.Name = strings.Repeat("李", 61) }, staff.ErrName},
		"no role":                {func(a *staff.Account) { a.Roles = nil }, staff.ErrRole},
		"a role that is none":    {func(a *staff.Account) { a.Roles = []staff.Role{"root"} }, staff.ErrRole},
		"no hospital":            {func(a *staff.Account) { a.Hospitals = nil }, staff.ErrScope},
		"a hospital that is not": {func(a *staff.Account) { a.Hospitals = []string{"H 1"} }, staff.ErrScope},
	} {
		a := good
		c.change(&a)
		require.ErrorIs(t, a.Check(), c.want, name)
	}
	err := staff.Account{}.Check()
	for _, want := range []error{staff.ErrLogin, staff.ErrName, staff.ErrRole, staff.ErrScope} {
		require.ErrorIs(t, err, want, "all that is wrong is told at once")
	}
}

func TestASubjectNeverIsAnOperatorThatIsNobody(t *testing.T) {
	for _, nobody := range []string{payment.ByPatient, payment.ByChannel, payment.ByHIS} {
		require.False(t, payment.ByNobody(staff.LocalSubject(nobody)))
		require.False(t, payment.ByNobody(staff.OIDCSubject(nobody)))
	}
}

func TestSubjectsOfTheIdentityProviderAreShortAndApart(t *testing.T) {
	require.Equal(t, "oidc:li.na@example.org", staff.OIDCSubject("li.na@example.org"))
	for name, is := range map[string]bool{staff.LocalSubject("li"): true, staff.OIDCSubject("李"): true, " LOCAL:Li": true, "li": false, "localhost": false, "": false} {
		require.Equal(t, is, staff.IsSubject(name), name)
	}
	require.Equal(t, "local:li", staff.Account{Login: staff.NormalLogin(" LI ")}.Subject())
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringN(0, -1, 255).Draw(t, "a"), rapid.StringN(0, -1, 255).Draw(t, "b")
		x, y := staff.OIDCSubject(a), staff.OIDCSubject(b)
		require.LessOrEqual(t, len(x), 64)
		require.Equal(t, a == b, strings.EqualFold(x, y))
		require.False(t, strings.ContainsAny(x, " \n\x00"))
	})
	require.NotEqual(t, strings.ToLower(staff.OIDCSubject("AbC")), strings.ToLower(staff.OIDCSubject("abc")))
}

func TestAPersonHasCopiesOfTheAccountsLists(t *testing.T) {
	a := staff.Account{Login: "li", Roles: []staff.Role{staff.Support}, Hospitals: []string{"h-renmin"}}
	p := a.Person()
	p.Roles[0], p.Hospitals[0] = staff.Admin, staff.AllHospitals
	require.Equal(t, staff.Support, a.Roles[0])
	require.Equal(t, "h-renmin", a.Hospitals[0])
	require.True(t, a.Person().Has(staff.Support))
}
