package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

type staffCommand struct {
	Add      staffAdd      `cmd:"" help:"Make an account. Its first password is made here and shown once, unless you give one."`
	List     staffList     `cmd:"" help:"List the accounts."`
	Password staffPassword `cmd:"" help:"Give an account a new password. Ends its sign-ins and lifts a lock."`
	Disable  staffDisable  `cmd:"" help:"Close an account and end its sign-ins. What it did stays in the log."`
	Enable   staffEnable   `cmd:"" help:"Open a closed account again."`
	End      staffEnd      `cmd:"" help:"End somebody's sign-ins, such as of a person who lost a role at the OIDC issuer."`
}

// accounts is what these commands ask of the books.
type accounts interface {
	AddStaff(ctx context.Context, a staff.Account, password, by string, at time.Time) error
	StaffAccounts(ctx context.Context) ([]staff.Account, error)
	SetStaffPassword(ctx context.Context, login, password, by string, at time.Time) error
	DisableStaff(ctx context.Context, login, by string, at time.Time) error
	EnableStaff(ctx context.Context, login, by string, at time.Time) error
	EndSessionsOf(ctx context.Context, subject, by string, at time.Time) (ended int, err error)
}

var _ accounts = (*store.Store)(nil)

// byFlags say in whose name the log has it.
type byFlags struct {
	By string `help:"Who does it, for the audit log; your name at this machine by default." env:"REGPAY_OPERATOR"`
}

func (f byFlags) actor() string {
	name := f.By
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	if name == "" {
		name = "unknown"
	}
	return "cli:" + name
}

// passwordFlags say where a password comes from. None is taken from the command
// line, which other users of the machine can see.
type passwordFlags struct {
	Stdin bool `help:"Read the password from standard input, one line, instead of making one."`
}

func (f passwordFlags) password(in io.Reader) (text string, made bool, err error) {
	if !f.Stdin {
		return staff.NewPassword(), true, nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), false, nil
}

type staffAdd struct {
	installationFlags
	byFlags
	passwordFlags
	Login     string   `arg:"" help:"What the person signs in with: lower-case letters, digits and . _ -"`
	Name      string   `help:"The person's name, as colleagues see it." required:""`
	Roles     []string `help:"What the person does: support, finance, auditor, admin." name:"role" required:"" enum:"support,finance,auditor,admin"`
	Hospitals []string `help:"Hospitals that it is for; * for all." name:"hospital" required:""`
}

func (c staffAdd) Run(ctx context.Context, top *command) error {
	known, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if err := c.check(known); err != nil {
		return coded{exitUsage, err}
	}
	books, err := installation.OpenBooks(ctx, known)
	if err != nil {
		return err
	}
	defer books.Close()
	return c.run(ctx, books, top.terminal(), time.Now())
}

// check finds hospitals that the installation does not have: an account for a
// mistyped one would see nothing.
func (c staffAdd) check(known *config.Config) error {
	for _, id := range c.Hospitals {
		if id != staff.AllHospitals && !slices.ContainsFunc(known.Hospitals, func(h config.Hospital) bool { return h.ID == id }) {
			return fmt.Errorf("--hospital %s: the configuration has no such hospital", id)
		}
	}
	return nil
}

func (c staffAdd) run(ctx context.Context, books accounts, t terminal, now time.Time) error {
	roles, err := staff.ParseRoles(c.Roles)
	if err != nil {
		return coded{exitUsage, err}
	}
	password, made, err := c.password(t.in)
	if err != nil {
		return err
	}
	a := staff.Account{Login: staff.NormalLogin(c.Login), Name: strings.TrimSpace(c.Name), Roles: roles, Hospitals: c.Hospitals}
	err = books.AddStaff(ctx, a, password, c.actor(), now)
	if errors.Is(err, store.ErrConflict) {
		return coded{exitConflict, fmt.Errorf("there is an account %s already", a.Login)}
	}
	if err != nil {
		return refusedAccount("make the account", err)
	}
	return showPassword(t, a.Login, password, made)
}

type staffPassword struct {
	installationFlags
	byFlags
	passwordFlags
	Login string `arg:"" help:"The account."`
}

func (c staffPassword) Run(ctx context.Context, top *command) error {
	books, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	return c.run(ctx, books, top.terminal(), time.Now())
}

func (c staffPassword) run(ctx context.Context, books accounts, t terminal, now time.Time) error {
	password, made, err := c.password(t.in)
	if err != nil {
		return err
	}
	login := staff.NormalLogin(c.Login)
	if err := books.SetStaffPassword(ctx, login, password, c.actor(), now); err != nil {
		return unknownAccount(login, "set the password", err)
	}
	return showPassword(t, login, password, made)
}

// showPassword shows a password that was made here; one that somebody gave is
// not shown again.
func showPassword(t terminal, login, password string, made bool) error {
	shown := map[string]string{"login": login}
	if made {
		shown["password"] = password
	}
	return t.show(shown, func(w io.Writer) {
		if !made {
			fmt.Fprintf(w, "%s can sign in with that password, and has to choose another one then.\n", login)
			return
		}
		fmt.Fprintln(w, password)
		fmt.Fprintf(os.Stderr, "This is the password of %s. It is shown once and kept nowhere: pass it on in private.\nAt the first sign-in another one has to be chosen.\n", login)
	})
}

type staffDisable struct {
	installationFlags
	byFlags
	Login string `arg:"" help:"The account."`
}

func (c staffDisable) Run(ctx context.Context, top *command) error {
	books, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	return c.run(ctx, books, top.terminal(), time.Now())
}

func (c staffDisable) run(ctx context.Context, books accounts, t terminal, now time.Time) error {
	login := staff.NormalLogin(c.Login)
	if err := books.DisableStaff(ctx, login, c.actor(), now); err != nil {
		return unknownAccount(login, "close the account", err)
	}
	return t.show(map[string]string{"disabled": login}, func(w io.Writer) {
		fmt.Fprintln(w, login, "is closed, and its sign-ins have ended.")
	})
}

type staffEnable struct {
	installationFlags
	byFlags
	Login string `arg:"" help:"The account."`
}

func (c staffEnable) Run(ctx context.Context, top *command) error {
	books, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	return c.run(ctx, books, top.terminal(), time.Now())
}

func (c staffEnable) run(ctx context.Context, books accounts, t terminal, now time.Time) error {
	login := staff.NormalLogin(c.Login)
	if err := books.EnableStaff(ctx, login, c.actor(), now); err != nil {
		return unknownAccount(login, "open the account", err)
	}
	return t.show(map[string]string{"enabled": login}, func(w io.Writer) {
		fmt.Fprintln(w, login, "is open again, with the password that it had.")
	})
}

type staffEnd struct {
	installationFlags
	byFlags
	Subject string `arg:"" help:"Who, as the audit log has it: local:<login> or oidc:<id>."`
}

func (c staffEnd) Run(ctx context.Context, top *command) error {
	books, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	return c.run(ctx, books, top.terminal(), time.Now())
}

func (c staffEnd) run(ctx context.Context, books accounts, t terminal, now time.Time) error {
	ended, err := books.EndSessionsOf(ctx, c.Subject, c.actor(), now)
	if err != nil {
		return fmt.Errorf("end the sign-ins: %w", err)
	}
	return t.show(map[string]any{"subject": c.Subject, "ended": ended}, func(w io.Writer) {
		fmt.Fprintf(w, "%d sign-ins of %s have ended.\n", ended, c.Subject)
	})
}

type staffList struct{ installationFlags }

// accountShown is an account for people and scripts.
type accountShown struct {
	Login       string       `json:"login"`
	Name        string       `json:"name"`
	Roles       []staff.Role `json:"roles"`
	Hospitals   []string     `json:"hospitals"`
	CreatedAt   time.Time    `json:"created_at"`
	DisabledAt  *time.Time   `json:"disabled_at,omitempty"`
	LockedUntil *time.Time   `json:"locked_until,omitempty"`
}

func (c staffList) Run(ctx context.Context, top *command) error {
	books, err := c.books(ctx)
	if err != nil {
		return err
	}
	defer books.Close()
	return c.run(ctx, books, top.terminal(), time.Now())
}

func (c staffList) run(ctx context.Context, books accounts, t terminal, now time.Time) error {
	found, err := books.StaffAccounts(ctx)
	if err != nil {
		return fmt.Errorf("list the accounts: %w", err)
	}
	all := make([]accountShown, len(found))
	for i, a := range found {
		all[i] = accountShown{Login: a.Login, Name: a.Name, Roles: a.Roles, Hospitals: a.Hospitals, CreatedAt: a.CreatedAt}
		if !a.DisabledAt.IsZero() {
			all[i].DisabledAt = &found[i].DisabledAt
		}
		if now.Before(a.LockedUntil) {
			all[i].LockedUntil = &found[i].LockedUntil
		}
	}
	return t.show(all, func(w io.Writer) {
		if len(all) == 0 {
			fmt.Fprintln(w, "There is none. Make one with: starter staff add")
			return
		}
		var out table
		out.add("login", "name", "roles", "hospitals", "state")
		for _, a := range all {
			out.add(a.Login, a.Name, roleWords(a.Roles), strings.Join(a.Hospitals, ","), a.state())
		}
		out.write(w, "")
	})
}

func (a accountShown) state() string {
	switch {
	case a.DisabledAt != nil:
		return "closed since " + clock(*a.DisabledAt)
	case a.LockedUntil != nil:
		return "locked until " + clock(*a.LockedUntil)
	}
	return "open"
}

func roleWords(roles []staff.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = string(r)
	}
	return strings.Join(words, ",")
}

func unknownAccount(login, doing string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return coded{exitNotFound, fmt.Errorf("there is no account %s", login)}
	}
	return refusedAccount(doing, err)
}

// refusedAccount tells what is wrong with what was typed as wrong usage.
func refusedAccount(doing string, err error) error {
	for _, rule := range []error{staff.ErrLogin, staff.ErrName, staff.ErrRole, staff.ErrScope, staff.ErrPassword} {
		if errors.Is(err, rule) {
			return coded{exitUsage, err}
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
