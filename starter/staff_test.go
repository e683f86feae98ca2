package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// people keeps accounts as the books do.
type people struct {
	all       []staff.Account
	passwords map[string]string
	by        []string
}

func (p *people) find(login string) *staff.Account {
	for i := range p.all {
		if p.all[i].Login == login {
			return &p.all[i]
		}
	}
	return nil
}

func (p *people) AddStaff(_ context.Context, a staff.Account, password, by string, _ time.Time) error {
	if err := a.Check(); err != nil {
		return err
	}
	if p.find(a.Login) != nil {
		return store.ErrConflict
	}
	return p.keep(a, password, by)
}

func (p *people) keep(a staff.Account, password, by string) error {
	if err := staff.CheckPassword(a.Login, password); err != nil {
		return err
	}
	if p.find(a.Login) == nil {
		p.all = append(p.all, a)
	}
	p.passwords[a.Login] = password
	p.by = append(p.by, by)
	return nil
}

func (p *people) StaffAccounts(context.Context) ([]staff.Account, error) { return p.all, nil }

func (p *people) SetStaffPassword(_ context.Context, login, password, by string, _ time.Time) error {
	a := p.find(login)
	if a == nil {
		return store.ErrNotFound
	}
	return p.keep(*a, password, by)
}

func (p *people) DisableStaff(_ context.Context, login, _ string, at time.Time) error {
	a := p.find(login)
	if a == nil {
		return store.ErrNotFound
	}
	a.DisabledAt = at
	return nil
}

func (p *people) EnableStaff(_ context.Context, login, _ string, _ time.Time) error {
	a := p.find(login)
	if a == nil {
		return store.ErrNotFound
	}
	a.DisabledAt = time.Time{}
	return nil
}

func (p *people) EndSessionsOf(_ context.Context, subject, by string, _ time.Time) (int, error) {
	p.by = append(p.by, by+" ends "+subject)
	return 2, nil
}

func clerk(login string) staffAdd {
	return staffAdd{byFlags: byFlags{By: "chen"}, Login: login, Name: " 李娜 ", Roles: []string{"support"}, Hospitals: []string{"ren-he"}}
}

func TestAnAccountIsMadeWithAPasswordThatIsShownOnce(t *testing.T) {
	p := &people{passwords: map[string]string{}}
	var out bytes.Buffer
	now := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	require.NoError(t, clerk(" Li ").run(t.Context(), p, terminal{out: &out}, now))
	require.Equal(t, []staff.Account{{Login: "li", Name: "李娜", Roles: []staff.Role{staff.Support}, Hospitals: []string{"ren-he"}}}, p.all)
	require.Equal(t, p.passwords["li"]+"\n", out.String())
	require.Equal(t, []string{"cli:chen"}, p.by)

	err := clerk("li").run(t.Context(), p, terminal{out: &out}, now)
	require.Equal(t, exitConflict, exitCode(err))

	out.Reset()
	require.NoError(t, clerk("wu").run(t.Context(), p, terminal{out: &out, json: true}, now))
	var shown map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &shown))
	require.Equal(t, map[string]string{"login": "wu", "password": p.passwords["wu"]}, shown)
}

func TestAPasswordCanBeGivenAndIsNotShownThen(t *testing.T) {
	p := &people{passwords: map[string]string{}}
	var out bytes.Buffer
	c := clerk("li")
	c.Stdin = true
	require.NoError(t, c.run(t.Context(), p, terminal{out: &out, in: strings.NewReader(" with spaces, and long \r\nmore\n")}, time.Now()))
	require.Equal(t, " with spaces, and long ", p.passwords["li"])
	require.NotContains(t, out.String(), "spaces")

	weak := staffPassword{Login: "li", passwordFlags: passwordFlags{Stdin: true}}
	err := weak.run(t.Context(), p, terminal{out: &out, in: strings.NewReader("short\n")}, time.Now())
	require.ErrorIs(t, err, staff.ErrPassword)
	require.Equal(t, exitUsage, exitCode(err))
	require.Equal(t, " with spaces, and long ", p.passwords["li"])

	require.NoError(t, staffPassword{Login: "LI"}.run(t.Context(), p, terminal{out: &out}, time.Now()))
	require.Contains(t, out.String(), p.passwords["li"])
}

func TestAnAccountOfAHospitalThatIsNotThereIsRefused(t *testing.T) {
	known := &config.Config{Hospitals: []config.Hospital{{ID: "ren-he"}}}
	require.NoError(t, clerk("li").check(known))
	require.NoError(t, staffAdd{Hospitals: []string{"*"}}.check(known))
	require.ErrorContains(t, staffAdd{Hospitals: []string{"ren-he", "renhe"}}.check(known), "--hospital renhe")
}

func TestAccountsAreListedWithWhatTheyAre(t *testing.T) {
	now := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	p := &people{passwords: map[string]string{}, all: []staff.Account{
		{Login: "li", Name: "李娜", Roles: []staff.Role{staff.Support, staff.Finance}, Hospitals: []string{"ren-he", "an-kang"}},
		{Login: "wu", Name: "吴迪", Roles: []staff.Role{staff.Auditor}, Hospitals: []string{"*"}, LockedUntil: now.Add(time.Minute)},
		{Login: "xu", Name: "徐静", Roles: []staff.Role{staff.Admin}, Hospitals: []string{"*"}, LockedUntil: now},
	}}
	var out bytes.Buffer
	require.NoError(t, staffDisable{Login: "li"}.run(t.Context(), p, terminal{out: &bytes.Buffer{}}, now))
	require.NoError(t, staffList{}.run(t.Context(), p, terminal{out: &out}, now))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 4)
	require.Regexp(t, `^li +李娜 +support,finance +ren-he,an-kang +closed since `, lines[1])
	require.Regexp(t, `^wu .* locked until `, lines[2])
	require.Regexp(t, `^xu .* open$`, lines[3])

	require.NoError(t, staffEnable{Login: "li"}.run(t.Context(), p, terminal{out: &bytes.Buffer{}}, now))
	require.True(t, p.all[0].DisabledAt.IsZero())

	out.Reset()
	require.NoError(t, staffList{}.run(t.Context(), &people{}, terminal{out: &out}, now))
	require.Contains(t, out.String(), "starter staff add")
}

func TestSignInsOfAnybodyCanBeEnded(t *testing.T) {
	p := &people{}
	var out bytes.Buffer
	require.NoError(t, staffEnd{byFlags: byFlags{By: "chen"}, Subject: "oidc:u-1"}.run(t.Context(), p, terminal{out: &out}, time.Now()))
	require.Equal(t, []string{"cli:chen ends oidc:u-1"}, p.by)
	require.Equal(t, "2 sign-ins of oidc:u-1 have ended.\n", out.String())
}

func TestAnAccountThatIsNotThereIsNamed(t *testing.T) {
	p := &people{passwords: map[string]string{}}
	for _, err := range []error{
		staffDisable{Login: "li"}.run(t.Context(), p, terminal{out: &bytes.Buffer{}}, time.Now()),
		staffEnable{Login: "li"}.run(t.Context(), p, terminal{out: &bytes.Buffer{}}, time.Now()),
		staffPassword{Login: "li"}.run(t.Context(), p, terminal{out: &bytes.Buffer{}}, time.Now()),
	} {
		require.ErrorContains(t, err, "there is no account li")
		require.Equal(t, exitNotFound, exitCode(err))
	}
}

func TestTheStaffCommandsAreRead(t *testing.T) {
	read := func(args ...string) (c command, err error) {
		parser, err := kong.New(&c, kong.Vars{"version": "test"})
		require.NoError(t, err)
		_, err = parser.Parse(args)
		return c, err
	}
	c, err := read("staff", "add", "li", "--name", "李娜", "--role", "support,finance", "--hospital", "ren-he", "--hospital", "an-kang", "--stdin")
	require.NoError(t, err)
	require.Equal(t, []string{"support", "finance"}, c.Staff.Add.Roles)
	require.Equal(t, []string{"ren-he", "an-kang"}, c.Staff.Add.Hospitals)
	require.True(t, c.Staff.Add.Stdin)
	for _, wrong := range [][]string{
		{"staff", "add", "li", "--name", "x", "--hospital", "a"},
		{"staff", "add", "li", "--name", "x", "--hospital", "a", "--role", "root"},
		{"staff", "disable"},
	} {
		_, err := read(wrong...)
		require.Error(t, err, "%q", wrong)
	}
}
