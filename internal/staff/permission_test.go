package staff_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/staff"
)

func person(hospitals []string, roles ...staff.Role) staff.Person {
	return staff.Person{Subject: "local:li", Name: "李工", Roles: roles, Hospitals: hospitals}
}

// table is the table of permissions once more, by action, so that a slip in one
// of the two shows.
var table = map[staff.Action][]staff.Role{
	staff.SeeQueue:          {staff.Support, staff.Finance, staff.Auditor},
	staff.ClaimCase:         {staff.Support},
	staff.SeeCase:           {staff.Support, staff.Finance, staff.Auditor},
	staff.Decide:            {staff.Support},
	staff.Reveal:            {staff.Support, staff.Auditor},
	staff.FindPayment:       {staff.Support, staff.Finance, staff.Auditor},
	staff.SeePayment:        {staff.Support, staff.Finance, staff.Auditor},
	staff.SeeVoucher:        {staff.Support},
	staff.Cancel:            {staff.Support},
	staff.Refund:            {staff.Support, staff.Finance},
	staff.SeeRefunds:        {staff.Support, staff.Finance, staff.Auditor},
	staff.SeeOverview:       {staff.Finance, staff.Auditor, staff.Admin},
	staff.SeeLog:            {staff.Auditor},
	staff.SeeMaintenance:    {staff.Support, staff.Finance, staff.Auditor, staff.Admin},
	staff.ManageMaintenance: {staff.Admin},
	staff.SeeStaff:          {staff.Auditor, staff.Admin},
	staff.ManageStaff:       {staff.Admin},
}

func TestARoleMayWhatTheTableSaysAndNothingElse(t *testing.T) {
	require.Len(t, table, len(staff.Actions()))
	for _, a := range staff.Actions() {
		for _, r := range staff.Roles() {
			want := slices.Contains(table[a], r)
			p := person([]string{"h-renmin"}, r)
			require.Equal(t, want, staff.May(p, a), "%s %s", r, a)
			require.Equal(t, want, staff.Can(p, a, "h-renmin"), "%s %s", r, a)
			require.False(t, staff.Can(p, a, "h-xiehe"), "%s %s at another hospital", r, a)
			require.False(t, staff.Can(p, a, ""), "%s %s nowhere", r, a)
		}
	}
}

func TestAnAuditorChangesNothing(t *testing.T) {
	for _, a := range []staff.Action{staff.ClaimCase, staff.Decide, staff.Cancel, staff.Refund, staff.ManageMaintenance, staff.ManageStaff} {
		require.False(t, staff.May(person([]string{"*"}, staff.Auditor), a), a)
	}
}

func TestSeveralRolesAddUp(t *testing.T) {
	p := person([]string{"h-renmin"}, staff.Finance, staff.Admin)
	require.True(t, staff.May(p, staff.Refund))
	require.True(t, staff.May(p, staff.ManageStaff))
	require.False(t, staff.May(p, staff.Decide))
	require.False(t, staff.May(person([]string{"*"}), staff.SeeQueue), "nobody without a role may anything")
	require.False(t, staff.May(person([]string{"*"}, "owner"), staff.SeeQueue))
}

func TestAllHospitalsAreEveryOneButNone(t *testing.T) {
	p := person([]string{staff.AllHospitals}, staff.Support)
	require.True(t, staff.Can(p, staff.Decide, "h-xiehe"))
	require.False(t, staff.Can(p, staff.Decide, ""))
	require.False(t, person(nil, staff.Support).Oversees("h-xiehe"))
}

func TestAnAdministratorManagesTheirOwnHospitalsAndNotThemselves(t *testing.T) {
	admin := person([]string{"h-renmin", "h-xiehe"}, staff.Admin)
	account := func(login string, hospitals ...string) staff.Account {
		return staff.Account{Login: login, Hospitals: hospitals}
	}
	require.True(t, staff.CanManage(admin, account("wang", "h-xiehe")))
	require.False(t, staff.CanManage(admin, account("wang", "h-xiehe", "h-zhongyi")), "a hospital of somebody else's")
	require.False(t, staff.CanManage(admin, account("wang", staff.AllHospitals)), "more than they have")
	require.False(t, staff.CanManage(admin, account("wang")), "of no hospital")
	require.False(t, staff.CanManage(admin, account("li", "h-xiehe")), "themselves")
	require.False(t, staff.CanManage(person([]string{"*"}, staff.Support, staff.Auditor), account("wang", "h-xiehe")))
	require.True(t, staff.CanManage(person([]string{"*"}, staff.Admin), account("wang", staff.AllHospitals)))
}
