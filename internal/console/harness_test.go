package console

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"html/template"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// clockwork is the time of a test.
type clockwork struct {
	mu sync.Mutex
	at time.Time
}

func (c *clockwork) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clockwork) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// signInMemory keeps accounts and sessions as the books do; what pages ask of
// the books is the matter of whoever tests pages.
type signInMemory struct {
	Books
	mu       sync.Mutex
	accounts map[string]*fakeAccount
	sessions map[string]*store.Session
	began    []store.NewSession
	asked    []store.Asking
	refuse   error // of what is asked
	down     error
}

type fakeAccount struct {
	person   staff.Person
	password string
	tries    staff.Tries
	seen     bool // the password, by others
}

func (m *signInMemory) SignIn(_ context.Context, login, password, _ string, at time.Time) (staff.Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.accounts[login]
	if a == nil {
		return staff.Person{}, store.ErrSignIn
	}
	if until, locked := a.tries.Locked(at); locked {
		return staff.Person{}, &store.LockedError{Until: until}
	}
	if a.password != password {
		a.tries = a.tries.AfterWrong(at)
		return staff.Person{}, store.ErrSignIn
	}
	a.tries = staff.Tries{}
	return a.person, nil
}

func (m *signInMemory) StartSession(_ context.Context, n store.NewSession, at time.Time) (string, store.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	secret := make([]byte, 64)
	_, _ = rand.Read(secret)
	token := base64.RawURLEncoding.EncodeToString(secret[:32])
	s := store.Session{Person: n.Person, Via: n.Via, CreatedAt: at, SeenAt: at, IdleAt: at.Add(store.SessionIdle), ExpiresAt: at.Add(n.Lasts), CSRF: secret[32:]}
	for _, a := range m.accounts {
		s.MustChange = s.MustChange || a.seen && n.Via == store.ViaLocal && a.person.Subject == n.Person.Subject
	}
	m.sessions[token] = &s
	m.began = append(m.began, n)
	return token, s, nil
}

func (m *signInMemory) find(token string, at time.Time, slide bool) (store.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return store.Session{}, m.down
	}
	s := m.sessions[token]
	if s == nil || !at.Before(s.IdleAt) || !at.Before(s.ExpiresAt) {
		return store.Session{}, store.ErrNotFound
	}
	if slide {
		s.SeenAt, s.IdleAt = at, at.Add(store.SessionIdle)
	}
	return *s, nil
}

func (m *signInMemory) Session(_ context.Context, token string, at time.Time) (store.Session, error) {
	return m.find(token, at, true)
}

func (m *signInMemory) PeekSession(_ context.Context, token string, at time.Time) (store.Session, error) {
	return m.find(token, at, false)
}

func (m *signInMemory) EndSession(_ context.Context, token string, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, token)
	return nil
}

func (m *signInMemory) ChangePassword(ctx context.Context, login, old, password, address string, at time.Time) error {
	if err := staff.CheckPassword(login, password); err != nil {
		return err
	}
	if old == password {
		return store.ErrSamePassword
	}
	if _, err := m.SignIn(ctx, login, old, address, at); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accounts[login].password, m.accounts[login].seen = password, false
	maps.DeleteFunc(m.sessions, func(_ string, s *store.Session) bool { return s.Person.Subject == staff.LocalSubject(login) })
	return nil
}

func (m *signInMemory) AskLogged(_ context.Context, a store.Asking, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	m.asked = append(m.asked, a)
	return nil
}

func (m *signInMemory) ended(token string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[token] == nil
}

// noEngine is for tests that reach no workflow.
type noEngine struct{ Engine }

const (
	renHe  = "ren-he"
	anKang = "an-kang"
)

// li works at one hospital's desk.
func li() staff.Person {
	return staff.Person{Subject: staff.LocalSubject("li"), Name: "李娜", Roles: []staff.Role{staff.Support}, Hospitals: []string{renHe}}
}

func anAdmin() staff.Person {
	return staff.Person{Subject: staff.LocalSubject("zhao"), Name: "赵敏", Roles: []staff.Role{staff.Admin}, Hospitals: []string{staff.AllHospitals}}
}

// site is a console under test, with a few pages of the test's own.
type site struct {
	*httptest.Server
	t     *testing.T
	books *signInMemory
	clock *clockwork
	done  []string // what the probe's forms changed
}

// newSite serves the console. A test of https only says so in Options.Origin:
// the server itself speaks http.
func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	s := &site{t: t, clock: &clockwork{at: time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC)}, books: &signInMemory{
		accounts: map[string]*fakeAccount{"li": {person: li(), password: "a long enough one"}, "zhao": {person: anAdmin(), password: "another long one"}},
		sessions: map[string]*store.Session{},
	}}
	var handler http.Handler
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.Close)
	o := Options{Engine: noEngine{}, Books: s.books, Origin: s.URL, CookieKey: []byte(strings.Repeat("k", 32)), Local: true, Now: s.clock.now, quick: true,
		Hospitals: []Hospital{{ID: renHe, Name: map[string]string{"zh-CN": "仁和医院", "en": "Ren He Hospital"}}, {ID: anKang}}}
	for _, f := range change {
		f(&o)
	}
	handler = build(o, s.probes)
	return s
}

// probes are pages with each kind of permission.
func (s *site) probes(c *server) []route {
	show := func(p *page) error { return p.render("problem.html", problemData{Title: "probe", Text: p.person.Name}) }
	return []route{
		{method: http.MethodGet, path: "/desk", action: staff.SeeQueue, nav: "nav_desk", handle: show},
		{method: http.MethodGet, path: "/people", action: staff.SeeStaff, nav: "nav_people", handle: show},
		{method: http.MethodGet, path: "/things/{hospital}", action: staff.SeeCase, handle: func(p *page) error {
			if err := p.require(staff.SeeCase, p.param("hospital")); err != nil {
				return err
			}
			return show(p)
		}},
		{method: http.MethodPost, path: "/things/{hospital}", action: staff.SeeCase, handle: func(p *page) error {
			if err := p.require(staff.Decide, p.param("hospital")); err != nil {
				return err
			}
			s.done = append(s.done, p.param("hospital"))
			return p.redirect("/desk", good("probe <b>%s %d", p.form("note"), 7))
		}},
		{method: http.MethodGet, path: "/rule", handle: func(*page) error {
			return payment.Problem{Code: payment.CodeState, Text: "secret text"}
		}},
		{method: http.MethodGet, path: "/lost", handle: func(*page) error { return io.ErrUnexpectedEOF }},
		{method: http.MethodGet, path: "/panic", handle: func(*page) error { panic("secret text") }},
		{method: http.MethodGet, path: "/where", handle: func(p *page) error {
			return p.render("problem.html", problemData{Title: "where", Text: p.from()})
		}},
	}
}

// browser keeps cookies and follows no redirects.
type browser struct {
	*http.Client
	s *site
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &browser{s: s, Client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (a answer) to() string { return a.Header.Get("Location") }

func (a answer) set(name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (b *browser) do(r *http.Request) answer {
	b.s.t.Helper()
	res, err := b.Do(r)
	require.NoError(b.s.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.s.t, err)
	return answer{Response: res, body: string(body)}
}

func (b *browser) get(path string, headers ...string) answer {
	b.s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.s.URL+path, nil)
	require.NoError(b.s.t, err)
	r.Header.Set("Accept-Language", "en")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

// post sends a form as the browser does from a page of the console; a header
// with an empty value is left out.
func (b *browser) post(path string, form url.Values, headers ...string) answer {
	b.s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.s.URL+path, strings.NewReader(form.Encode()))
	require.NoError(b.s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("Origin", b.s.URL)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	return b.do(r)
}

func (b *browser) signIn(login, password string) answer {
	b.s.t.Helper()
	return b.post("/console/signin", url.Values{"login": {login}, "password": {password}})
}

// signedIn is a browser of somebody who signed in.
func (s *site) signedIn(login string) *browser {
	s.t.Helper()
	b := s.browser()
	res := b.signIn(login, s.books.accounts[login].password)
	require.Equal(s.t, http.StatusSeeOther, res.StatusCode, res.body)
	return b
}

func (b *browser) cookie(name string) string {
	at, err := url.Parse(b.s.URL)
	require.NoError(b.s.t, err)
	for _, c := range b.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) plant(name, value string) {
	at, err := url.Parse(b.s.URL)
	require.NoError(b.s.t, err)
	b.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

var field = regexp.MustCompile(`name="csrf" value="([\w-]+)"`)

// csrf is the token that the session's pages carry.
func (b *browser) csrf() string {
	b.s.t.Helper()
	found := field.FindStringSubmatch(b.get("/console/rule").body)
	require.NotNil(b.s.t, found)
	return found[1]
}

// worded is an English text as it stands in a page.
func worded(key string, args ...any) string {
	return template.HTMLEscapeString(say(English, key, args...))
}

// fixedSession finds one session, whenever it is asked.
type fixedSession struct {
	*signInMemory
	s store.Session
}

func (f fixedSession) Session(context.Context, string, time.Time) (store.Session, error) {
	return f.s, nil
}
