package local

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
)

func TestSomebodyIsThereForEveryRoleAndTwoDecide(t *testing.T) {
	of := map[staff.Role]int{}
	for _, c := range colleagues() {
		a := staff.Account{Login: c.login, Name: c.name, Roles: c.roles, Hospitals: []string{staff.AllHospitals}}
		require.NoError(t, a.Check(), c.login)
		for _, r := range c.roles {
			if !c.here {
				of[r]++
			}
		}
	}
	for _, r := range staff.Roles() {
		require.NotZero(t, of[r], r)
	}
	require.Equal(t, 2, of[staff.Support], "some cases need two people")
	require.True(t, slices.ContainsFunc(colleagues(), func(c colleague) bool { return c.here }), "somebody sees one hospital alone")
	names := Logins()
	slices.Sort(names)
	require.Equal(t, names, slices.Compact(slices.Clone(names)))
}

func TestWhoIsNotKnownIsNamedAsSuch(t *testing.T) {
	_, err := (&Installation{}).Person(t.Context(), "mallory")
	require.ErrorContains(t, err, "mallory")
}
