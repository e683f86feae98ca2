package console

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// staffData is the list of accounts.
type staffData struct {
	MayManage bool
	Rows      []staffRow
	Form      rightsForm
	Wrong     []string
	Password  *newPassword
}

// newPassword is shown once, on the answer to the form that made it.
type newPassword struct{ Login, Password string }

type staffRow struct {
	Login, Name      string
	Roles            []staff.Role
	Hospitals        []string
	Disabled, Locked bool
	LockedUntil      time.Time
	Mine, MayManage  bool
}

// rightsForm is what an account can be given.
type rightsForm struct {
	Login, Name      string
	Roles, Hospitals []option
}

// memberData is the page on which one account is changed.
type memberData struct {
	Login, Name string
	Disabled    bool
	Form        rightsForm
	Wrong       []string
}

func (s *server) staffList(p *page) error {
	d, err := s.staffData(p, p.rights("", "", nil, nil))
	if err != nil {
		return err
	}
	return p.render("staff.html", d)
}

// staffData lists the accounts that work for a hospital of the person's.
func (s *server) staffData(p *page, f rightsForm) (staffData, error) {
	all, err := s.books.StaffAccounts(p.ctx())
	if err != nil {
		return staffData{}, err
	}
	d := staffData{MayManage: staff.May(p.person, staff.ManageStaff), Form: f}
	for _, a := range all {
		if !slices.ContainsFunc(a.Hospitals, p.oversees) {
			continue
		}
		d.Rows = append(d.Rows, staffRow{Login: a.Login, Name: a.Name, Roles: a.Roles, Hospitals: a.Hospitals,
			Disabled: !a.DisabledAt.IsZero(), Locked: a.LockedUntil.After(p.now), LockedUntil: a.LockedUntil,
			Mine: a.Subject() == p.person.Subject, MayManage: staff.CanManage(p.person, a)})
	}
	return d, nil
}

// oversees says whether a hospital, or all of them, is the person's.
func (p *page) oversees(hospital string) bool {
	if hospital == staff.AllHospitals {
		return slices.Contains(p.person.Hospitals, staff.AllHospitals)
	}
	return p.person.Oversees(hospital)
}

// rights are the roles and hospitals that the person can give to others.
func (p *page) rights(login, name string, roles []staff.Role, hospitals []string) rightsForm {
	f := rightsForm{Login: login, Name: name}
	for _, r := range staff.Roles() {
		f.Roles = append(f.Roles, option{string(r), sayCode(p.lang, "role", string(r)), slices.Contains(roles, r)})
	}
	if p.oversees(staff.AllHospitals) {
		f.Hospitals = append(f.Hospitals, option{staff.AllHospitals, say(p.lang, "staff_all_hospitals"), slices.Contains(hospitals, staff.AllHospitals)})
	}
	f.Hospitals = append(f.Hospitals, p.hospitalOptions(hospitals...)...)
	return f
}

// rightsSent reads roles and hospitals from a form. Unknown roles are left in,
// for the check to refuse.
func (p *page) rightsSent() (roles []staff.Role, hospitals []string) {
	for _, r := range p.forms("role") {
		roles = append(roles, staff.Role(r))
	}
	return roles, p.forms("hospital")
}

// staffWrong lists the words for what is wrong with an account.
func staffWrong(l Language, err error) []string {
	var out []string
	for _, rule := range []struct {
		err error
		key string
	}{{staff.ErrLogin, "wrong_login"}, {staff.ErrName, "wrong_name"}, {staff.ErrRole, "wrong_role"}, {staff.ErrScope, "wrong_scope"},
		{store.ErrConflict, "wrong_login_taken"}} {
		if errors.Is(err, rule.err) {
			out = append(out, say(l, rule.key))
		}
	}
	return out
}

// addStaff makes an account and shows its first password, once.
func (s *server) addStaff(p *page) error {
	roles, hospitals := p.rightsSent()
	a := staff.Account{Login: staff.NormalLogin(p.form("login")), Name: p.form("name"), Roles: roles, Hospitals: hospitals}
	err := a.Check()
	if err == nil && !staff.CanManage(p.person, a) {
		err = staff.ErrScope
	}
	password := staff.NewPassword()
	if err == nil {
		err = s.books.AddStaff(p.ctx(), a, password, p.person.Subject, p.now)
	}
	if wrong := staffWrong(p.lang, err); len(wrong) > 0 {
		d, err := s.staffData(p, p.rights(cut(a.Login, 32), cut(a.Name, 60), roles, hospitals))
		if err != nil {
			return err
		}
		d.Wrong = wrong
		return p.renderStatus(http.StatusUnprocessableEntity, "staff.html", d)
	}
	if err != nil {
		return err
	}
	return s.showPassword(p, a.Login, password)
}

func (s *server) showPassword(p *page, login, password string) error {
	d, err := s.staffData(p, p.rights("", "", nil, nil))
	if err != nil {
		return err
	}
	d.Password = &newPassword{login, password}
	return p.render("staff.html", d)
}

// member finds the account of the address, for somebody who may change it.
// Accounts of other hospitals do not exist.
func (s *server) member(p *page) (staff.Account, error) {
	login := p.param("login")
	if !staff.IsLogin(login) {
		return staff.Account{}, p.notFound()
	}
	a, err := s.books.StaffAccount(p.ctx(), login)
	if err != nil {
		return a, err
	}
	switch {
	case !slices.ContainsFunc(a.Hospitals, p.oversees):
		return a, p.notFound()
	case !staff.CanManage(p.person, a):
		return a, p.forbidden()
	}
	return a, nil
}

func (s *server) staffMember(p *page) error {
	a, err := s.member(p)
	if err != nil {
		return err
	}
	return p.render("staffmember.html", memberOf(p, a))
}

func memberOf(p *page, a staff.Account) memberData {
	return memberData{Login: a.Login, Name: a.Name, Disabled: !a.DisabledAt.IsZero(), Form: p.rights(a.Login, a.Name, a.Roles, a.Hospitals)}
}

// changeStaff gives an account other roles and hospitals.
func (s *server) changeStaff(p *page) error {
	a, err := s.member(p)
	if err != nil {
		return err
	}
	a.Roles, a.Hospitals = p.rightsSent()
	if err = staff.CheckScope(a.Roles, a.Hospitals); err == nil && !staff.CanManage(p.person, a) {
		err = staff.ErrScope
	}
	if err == nil {
		err = s.books.ChangeStaff(p.ctx(), a.Login, a.Roles, a.Hospitals, p.person.Subject, p.now)
	}
	if wrong := staffWrong(p.lang, err); len(wrong) > 0 {
		d := memberOf(p, a)
		d.Wrong = wrong
		return p.renderStatus(http.StatusUnprocessableEntity, "staffmember.html", d)
	}
	if err != nil {
		return err
	}
	return p.redirect("/staff", good("flash_staff_changed", a.Name))
}

// renewPassword makes a new password for an account and shows it, once.
func (s *server) renewPassword(p *page) error {
	a, err := s.member(p)
	if err != nil {
		return err
	}
	password := staff.NewPassword()
	if err := s.books.SetStaffPassword(p.ctx(), a.Login, password, p.person.Subject, p.now); err != nil {
		return err
	}
	return s.showPassword(p, a.Login, password)
}

func (s *server) disableStaff(p *page) error {
	a, err := s.member(p)
	if err != nil {
		return err
	}
	if err := s.books.DisableStaff(p.ctx(), a.Login, p.person.Subject, p.now); err != nil {
		return err
	}
	return p.redirect("/staff", good("flash_staff_disabled", a.Name))
}

func (s *server) enableStaff(p *page) error {
	a, err := s.member(p)
	if err != nil {
		return err
	}
	if err := s.books.EnableStaff(p.ctx(), a.Login, p.person.Subject, p.now); err != nil {
		return err
	}
	return p.redirect("/staff", good("flash_staff_enabled", a.Name))
}
