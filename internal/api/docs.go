package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsPage string

// docs serves the description for people: one page, made once, that loads
// nothing from anywhere, so that it works in a hospital's closed network.
func docs(spec *huma.OpenAPI) http.HandlerFunc {
	page := template.Must(template.New("docs").Parse(docsPage))
	var b bytes.Buffer
	if err := page.Execute(&b, docsOf(spec)); err != nil {
		panic("api: the documentation cannot be written: " + err.Error())
	}
	body := b.Bytes()
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(body) // the reader may be gone: nothing to do about it
	}
}

type docsData struct {
	Title, Version, About string
	Operations            []docsOperation
	Problems              []docsProblem
}

type docsOperation struct {
	ID, Method, Path, Summary, About string
	Key                              bool
	Params, Body                     []docsMember
	Answers                          []docsAnswer
}

type docsAnswer struct {
	Status, About string
	Types         []string
	Members       []docsMember
}

type docsMember struct {
	Name, Type, About string
	Required          bool
}

type docsProblem struct {
	Code   string
	Status int
	En, Zh string
}

func docsOf(spec *huma.OpenAPI) docsData {
	d := docsData{Title: spec.Info.Title, Version: spec.Info.Version, About: spec.Info.Description}
	paths := make([]string, 0, len(spec.Paths))
	for p := range spec.Paths {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		item := spec.Paths[p]
		for _, op := range []*huma.Operation{item.Post, item.Get} {
			if op != nil {
				d.Operations = append(d.Operations, operationDocs(spec, op))
			}
		}
	}
	for code, k := range kinds() {
		d.Problems = append(d.Problems, docsProblem{Code: code, Status: k.status, En: k.en.detail, Zh: k.zh.detail})
	}
	slices.SortFunc(d.Problems, func(a, b docsProblem) int {
		if a.Status != b.Status {
			return a.Status - b.Status
		}
		return strings.Compare(a.Code, b.Code)
	})
	return d
}

func operationDocs(spec *huma.OpenAPI, op *huma.Operation) docsOperation {
	d := docsOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary,
		About: op.Description, Key: len(op.Security) > 0}
	for _, p := range op.Parameters {
		about := p.Description
		if len(p.Schema.Enum) > 0 {
			about = strings.TrimSpace(about + " " + oneOf(p.Schema.Enum))
		}
		d.Params = append(d.Params, docsMember{Name: p.Name, Type: p.In + ", " + typeOf(spec, p.Schema), About: about, Required: p.Required})
	}
	if op.RequestBody != nil {
		if m := op.RequestBody.Content["application/json"]; m != nil {
			d.Body = membersOf(spec, m.Schema, "", 0)
		}
	}
	for status, r := range op.Responses {
		if status == "default" {
			continue // problems have a chapter of their own
		}
		a := docsAnswer{Status: status, About: r.Description}
		for ct, m := range r.Content {
			a.Types = append(a.Types, ct)
			if ct == "application/json" {
				a.Members = membersOf(spec, m.Schema, "", 0)
			}
		}
		slices.Sort(a.Types)
		d.Answers = append(d.Answers, a)
	}
	slices.SortFunc(d.Answers, func(a, b docsAnswer) int { return strings.Compare(a.Status, b.Status) })
	return d
}

// membersOf lists an object's members with those of the objects in it, by
// their path.
func membersOf(spec *huma.OpenAPI, s *huma.Schema, prefix string, depth int) []docsMember {
	s = resolved(spec, s)
	if s == nil || depth > 5 {
		return nil
	}
	names := make([]string, 0, len(s.Properties))
	for n := range s.Properties {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if ra, rb := slices.Contains(s.Required, a), slices.Contains(s.Required, b); ra != rb {
			if ra {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	var all []docsMember
	for _, n := range names {
		p := s.Properties[n]
		about := p.Description
		if r := resolved(spec, p); r != nil {
			if about == "" {
				about = r.Description
			}
			if len(r.Enum) > 0 {
				about = strings.TrimSpace(about + " " + oneOf(r.Enum))
			}
		}
		all = append(all, docsMember{Name: prefix + n, Type: typeOf(spec, p), About: about, Required: slices.Contains(s.Required, n)})
		if r := resolved(spec, p); r != nil && r.Type == huma.TypeArray {
			all = append(all, membersOf(spec, r.Items, prefix+n+"[].", depth+1)...)
		} else {
			all = append(all, membersOf(spec, p, prefix+n+".", depth+1)...)
		}
	}
	return all
}

func resolved(spec *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return spec.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func typeOf(spec *huma.OpenAPI, s *huma.Schema) string {
	s = resolved(spec, s)
	switch {
	case s == nil:
		return ""
	case s.Type == huma.TypeArray:
		return "list of " + typeOf(spec, s.Items)
	case s.Format == "date-time":
		return "time"
	}
	return s.Type
}

func oneOf(enum []any) string {
	words := make([]string, len(enum))
	for i, v := range enum {
		words[i] = fmt.Sprint(v)
	}
	return "One of " + strings.Join(words, ", ") + "."
}

// describeWebhook documents the channels' address, which takes raw bytes and
// so is not one of huma's operations.
func describeWebhook(spec *huma.OpenAPI) {
	param := func(name, about string) *huma.Param {
		return &huma.Param{Name: name, In: "path", Required: true, Description: about, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	spec.AddOperation(&huma.Operation{
		OperationID: "channel-notification", Method: http.MethodPost, Path: "/v1/webhooks/{channel}/{hospital}",
		Summary: "Take a channel's notification",
		Description: "For the channels alone: WeChat Pay, UnionPay and the insurance platform send here what became of a charge or a refund, " +
			"signed in their own way, and are answered in their own way.",
		Parameters: []*huma.Param{param("channel", "wechat, unionpay or insurance"), param("hospital", "The hospital's id")},
		Responses:  map[string]*huma.Response{"default": {Description: "What the channel's protocol asks for"}},
	})
}
