package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/console"
	"github.com/regpay/regpay/internal/staff"
)

// Person is somebody who works at the console of an installation, with an
// account of its own.
type Person struct {
	staff.Person
	Login, Password string
	// PasswordFile holds the password for people; it goes with the installation.
	PasswordFile string
}

// colleague is somebody that every installation can have. here is set for who
// works at its first hospital alone.
type colleague struct {
	login, name string
	roles       []staff.Role
	here        bool
}

// colleagues are the people of an installation: two who decide cases, since some
// need both, one of each other role, and one who sees a single hospital.
func colleagues() []colleague {
	return []colleague{
		{login: "li", name: "李静", roles: []staff.Role{staff.Support}},
		{login: "wang", name: "王磊", roles: []staff.Role{staff.Support}},
		{login: "zhou", name: "周敏", roles: []staff.Role{staff.Support}, here: true},
		{login: "chen", name: "陈芳", roles: []staff.Role{staff.Finance}},
		{login: "zhao", name: "赵宁", roles: []staff.Role{staff.Auditor}},
		{login: "sun", name: "孙伟", roles: []staff.Role{staff.Admin}},
	}
}

// Logins are those of the people that [Installation.Person] knows: li and wang
// decide cases, zhou does so at the first hospital alone, chen is of finance,
// zhao an auditor and sun the admin.
func Logins() []string {
	var all []string
	for _, c := range colleagues() {
		all = append(all, c.login)
	}
	return all
}

// Console is the address of the staff's pages.
func (in *Installation) Console() string { return in.APIBase + console.Base }

// Person finds somebody of [Logins]. The account is made when it is first asked
// for, as `starter staff add` would: a password takes a tenth of a second, which
// whoever needs no staff does not wait for.
func (in *Installation) Person(ctx context.Context, login string) (Person, error) {
	i := slices.IndexFunc(colleagues(), func(c colleague) bool { return c.login == login })
	if i < 0 {
		return Person{}, fmt.Errorf("nobody here is called %s, but %s", login, strings.Join(Logins(), ", "))
	}
	in.hiring.Lock()
	defer in.hiring.Unlock()
	if p, known := in.people[login]; known {
		return p, nil
	}
	c := colleagues()[i]
	hospitals := []string{staff.AllHospitals}
	if c.here {
		all := in.Hospitals()
		if len(all) == 0 {
			return Person{}, errors.New("the installation has no hospital")
		}
		hospitals = all[:1]
	}
	p, err := in.Hire(ctx, staff.Account{Login: c.login, Name: c.name, Roles: c.roles, Hospitals: hospitals})
	if err != nil {
		return p, err
	}
	if in.people == nil {
		in.people = map[string]Person{}
	}
	in.people[login] = p
	return p, nil
}

// Hire makes an account with a password of its own, which is kept beside the
// installation's other secrets.
func (in *Installation) Hire(ctx context.Context, a staff.Account) (Person, error) {
	books, err := in.Books(ctx)
	if err != nil {
		return Person{}, fmt.Errorf("make the account of %s: %w", a.Login, err)
	}
	a.OwnPassword = true // nobody has to choose another one for an installation that is thrown away
	p := Person{Person: a.Person(), Login: a.Login, Password: staff.NewPassword()}
	if err := books.AddStaff(ctx, a, p.Password, "local", time.Now()); err != nil {
		return Person{}, fmt.Errorf("make the account of %s: %w", a.Login, err)
	}
	p.PasswordFile, err = in.secrets.write("password."+a.Login, p.Password)
	return p, err
}

// Hospitals are the installation's, in order.
func (in *Installation) Hospitals() []string { return slices.Clone(in.hospitals) }
