package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/regpay/regpay/internal/inbound"
	"github.com/regpay/regpay/internal/staff"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// view is what every template is made of.
type view struct {
	Lang       Language
	Person     staff.Person
	SignedIn   bool
	Local      bool // signed in with a password of this installation
	CSRF       string
	Base       string
	Path       string // of this page, for the switch of the language
	Nav        []navLink
	Flash      []flash
	Now        time.Time
	RequestID  string
	TemporalUI bool
	Data       any
}

// navLink is a link of the menu.
type navLink struct {
	Href, Key string
	Current   bool
}

// view makes what all pages have in common.
func (p *page) view(data any) view {
	v := view{Lang: p.lang, Person: p.person, SignedIn: p.signedIn(), CSRF: p.csrf(), Base: base, Path: base, Now: p.now,
		RequestID: inbound.RequestID(p.ctx()), TemporalUI: p.server.workflows != "", Data: data}
	if p.r.Method == http.MethodGet {
		v.Path = p.r.URL.RequestURI()
	}
	v.Local = p.local()
	for _, rt := range p.server.menu {
		if v.SignedIn && !p.session.MustChange && p.somewhere(rt.action) {
			here := p.r.URL.Path == base+rt.path || strings.HasPrefix(p.r.URL.Path, base+rt.path+"/")
			v.Nav = append(v.Nav, navLink{Href: base + rt.path, Key: rt.nav, Current: here})
		}
	}
	return v
}

// render answers with a page.
func (p *page) render(name string, data any) error {
	return p.renderStatus(http.StatusOK, name, data)
}

// renderStatus answers with a page and a status of its own, such as a form with
// its mistakes.
func (p *page) renderStatus(status int, name string, data any) error {
	v := p.view(data)
	v.Flash = p.server.takeFlash(p.w, p.r, p.bound(), p.lang)
	return p.execute(status, name, "layout", v)
}

// fragment answers with a part of a page alone.
func (p *page) fragment(name, block string, data any) error {
	return p.execute(http.StatusOK, name, block, p.view(data))
}

// execute makes the whole answer before any of it is sent, so that one which
// cannot be made is no half page.
func (p *page) execute(status int, name, block string, v view) error {
	t := p.server.layouts[p.lang][name]
	if t == nil {
		return fmt.Errorf("there is no template %s", name)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, block, v); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	h := p.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.lang))
	h.Add("Vary", "Accept-Language, Cookie, HX-Request")
	p.w.WriteHeader(status)
	_, _ = p.w.Write(out.Bytes()) // the browser may be gone: nothing to do about it
	return nil
}

// readTemplates reads every page once for each language, with layout.html and
// the parts that pages share, whose names begin with an underscore.
func (s *server) readTemplates() map[Language]map[string]*template.Template {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) == 0 {
		panic("console: there are no templates")
	}
	all := map[Language]map[string]*template.Template{}
	for _, l := range languages() {
		all[l] = map[string]*template.Template{}
		funcs := s.templateFuncs(l)
		for _, f := range files {
			name := path.Base(f)
			if name == "layout.html" || strings.HasPrefix(name, "_") {
				continue
			}
			t := template.New(name).Funcs(funcs).Funcs(s.ownFuncs(l))
			patterns := []string{"templates/layout.html", f}
			if parts, _ := fs.Glob(templateFiles, "templates/_*.html"); len(parts) > 0 {
				patterns = append(patterns, "templates/_*.html")
			}
			all[l][name] = template.Must(t.ParseFS(templateFiles, patterns...))
		}
	}
	return all
}

// ownFuncs are the functions of templates that are not of one page's matter.
func (s *server) ownFuncs(l Language) template.FuncMap {
	return template.FuncMap{
		"t":            func(key string, args ...any) string { return say(l, key, args...) },
		"asset":        s.assetURL,
		"workflowlink": s.workflowLink,
		"hospital":     func(id string) string { return s.hospitalName(l, id) },
		"csrf": func(v view) template.HTML {
			// The token's characters are letters, digits, - and _ alone.
			return template.HTML(`<input type="hidden" name="` + fieldToken + `" value="` + v.CSRF + `">`)
		},
	}
}

// asset is an embedded file that pages load.
type asset struct {
	body    []byte
	kind    string
	version string
}

// readAssets reads the files that a browser may have; others are there for
// people.
func readAssets() map[string]asset {
	kinds := map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
	}
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		panic("console: there are no assets: " + err.Error())
	}
	all := map[string]asset{}
	for _, e := range entries {
		kind := kinds[path.Ext(e.Name())]
		if kind == "" || e.IsDir() {
			continue
		}
		body, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic("console: " + err.Error())
		}
		sum := sha256.Sum256(body)
		all[e.Name()] = asset{body: body, kind: kind, version: hex.EncodeToString(sum[:6])}
	}
	return all
}

// assetURL is a file's address, which changes with its content.
func (s *server) assetURL(name string) string {
	return base + pathAssets + name + "?v=" + s.assets[name].version
}

func (s *server) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.assets[chi.URLParam(r, "name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	if r.URL.Query().Get("v") == a.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(a.body) // the browser may be gone
}
