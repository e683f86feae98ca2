package docs_test

import (
	"bytes"
	"encoding/json"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/workflows"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(t, err)
	return string(text)
}

func readmes() []string { return []string{"README.md", "README.zh-CN.md"} }

// blocks are the fenced blocks of a language, in order.
func blocks(text, language string) []string {
	var all []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)\n```").FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// example is the JSON block below <!-- name -->.
func example(t *testing.T, text, name string) string {
	t.Helper()
	m := regexp.MustCompile("(?s)<!-- " + name + " -->\n```json\n(.*?)\n```").FindStringSubmatch(text)
	require.NotNil(t, m, name)
	return m[1]
}

// strictly reads JSON into v; members that v does not have are an error.
func strictly(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(v))
}

func TestExamplesHaveTheAPIsShapes(t *testing.T) {
	for _, name := range readmes() {
		text := read(t, name)
		var start wire.Start
		strictly(t, example(t, text, "Start"), &start)
		dayBefore := time.Date(2027, 1, 5, 2, 0, 0, 0, time.UTC)
		require.NoError(t, start.Request().Check(dayBefore), "the request is one that the rules take")

		id := payment.ID(start.Order.HospitalID, start.Order.OrderNo)
		var answer wire.Answer
		strictly(t, example(t, text, "Answer"), &answer)
		require.Equal(t, id, answer.PaymentID)
		require.Equal(t, payment.MerchantNo(start.Order.OrderNo, 1), answer.Tender.MerchantNo)

		var problem wire.Problem
		strictly(t, example(t, text, "Problem"), &problem)
		require.Equal(t, payment.CodeOrderConflict, problem.Code)

		var paid wire.Payment
		strictly(t, example(t, text, "Payment"), &paid)
		require.Equal(t, id, paid.PaymentID)
		require.True(t, paid.Status.Valid())

		var decision wire.Decision
		strictly(t, example(t, text, "Decision"), &decision)
		requireDecision(t, decision.Domain())
		var signal payment.Decision
		strictly(t, example(t, text, "Signal"), &signal)
		requireDecision(t, signal)
		require.Contains(t, text, "`"+workflows.SignalManualReview+"`")
	}
}

// requireDecision holds a decision against the case that it names.
func requireDecision(t *testing.T, d payment.Decision) {
	t.Helper()
	require.NoError(t, d.Check(&payment.Case{ID: d.CaseID, Allowed: payment.ReviewClearingFailed.Allowed()}))
}

func TestTheCallbackHasItsShape(t *testing.T) {
	var c activities.Callback
	strictly(t, blocks(read(t, "docs/payments.md"), "json")[0], &c)
	require.Equal(t, "payment."+string(c.Data.Status), c.Type)
}

func TestTheDrawnLifeIsTheDomains(t *testing.T) {
	arrow := regexp.MustCompile(`(?m)^\s+(\S+) --> (\w+|\[\*\])`)
	for _, name := range readmes() {
		drawn := map[payment.Status]bool{}
		for _, m := range arrow.FindAllStringSubmatch(blocks(read(t, name), "mermaid")[0], -1) {
			from, to := payment.Status(m[1]), payment.Status(m[2])
			switch {
			case m[2] == "[*]":
				require.True(t, from.Ended(), "%s: %s is no end", name, from)
			case m[1] == "[*]":
				require.Equal(t, payment.Pending, to, name)
			default:
				require.True(t, from.Valid() && to.Valid() && from != to && from.CanBecome(to), "%s: %s --> %s", name, from, to)
			}
			drawn[from], drawn[to] = true, true
		}
		for _, s := range payment.Statuses() {
			require.True(t, drawn[s] || s == payment.Suspended, "%s does not draw %s", name, s)
		}
	}
}

func TestEveryReasonAndDecisionIsExplained(t *testing.T) {
	reasons := []payment.Reason{payment.ReviewRisk, payment.ReviewClearingFailed, payment.ReviewClearingUnknown,
		payment.ReviewClearingOverdue, payment.ReviewSplitMismatch, payment.ReviewRefundFailed, payment.ReviewHISDelayed}
	for _, name := range append(readmes(), "docs/payments.md") {
		text := read(t, name)
		for _, r := range reasons {
			require.Contains(t, text, "`"+string(r)+"`", name)
			for _, v := range r.Allowed() {
				require.Contains(t, text, "`"+string(v)+"`", name)
			}
		}
	}
	states := read(t, "docs/payments.md")
	for _, s := range payment.Statuses() {
		require.Contains(t, states, "`"+string(s)+"`")
	}
}

func TestQueuesAndSearchAttributesAreNamed(t *testing.T) {
	operations, architecture := read(t, "docs/operations.md"), read(t, "docs/architecture.md")
	for _, queue := range append(workflows.Queues(), workflows.QueuePayments) {
		require.Contains(t, operations, "`"+queue+"`")
	}
	for name := range workflows.SearchAttributes() {
		require.Contains(t, architecture, "`"+name+"`")
	}
}

func TestTheConfigurationExampleHasKnownKeys(t *testing.T) {
	for _, name := range readmes() {
		d := yaml.NewDecoder(strings.NewReader(blocks(read(t, name), "yaml")[0]))
		d.KnownFields(true)
		require.NoError(t, d.Decode(&config.Config{}), name)
	}
}

func TestBothLanguagesShowTheSame(t *testing.T) {
	en, zh := read(t, "README.md"), read(t, "README.zh-CN.md")
	for _, language := range []string{"json", "go", "yaml"} {
		require.Equal(t, blocks(en, language), blocks(zh, language))
	}
	comment := regexp.MustCompile(`(?m)\s*# .*$`)
	for i, block := range blocks(en, "sh") {
		require.Equal(t, comment.ReplaceAllString(block, ""), comment.ReplaceAllString(blocks(zh, "sh")[i], ""))
	}
	require.Len(t, blocks(zh, "sh"), len(blocks(en, "sh")))
	heading := regexp.MustCompile(`(?m)^(#+) `)
	require.Equal(t, heading.FindAllString(en, -1), heading.FindAllString(zh, -1), "headings")
	item := regexp.MustCompile(`(?m)^- `)
	require.Len(t, item.FindAllString(zh, -1), len(item.FindAllString(en, -1)), "list items")
}

func TestGoExamplesAreFormatted(t *testing.T) {
	for _, block := range blocks(read(t, "README.md"), "go") {
		formatted, err := format.Source([]byte(block))
		require.NoError(t, err)
		require.Equal(t, string(bytes.TrimSpace(formatted)), block)
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	pages = append(pages, "../README.md", "../README.zh-CN.md", "../CHANGELOG.md", "../THIRD_PARTY.md", "../deploy/compose/README.md")
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
			require.NoError(t, err, "%s: %s", page, m[1])
		}
	}
}

// The list of what is compiled in is the compiler's.
func TestEveryModuleInTheProgramsIsNamed(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}| `{{.Path}}` | {{.Version}} |{{end}}{{end}}",
		"./workers", "./starter", "./deploy/sandbox", "./deploy/compose/onboard", "./deploy/compose/probe")
	list.Dir = ".."
	out, err := list.Output()
	require.NoError(t, err)
	want := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		want[strings.TrimSpace(line)] = true
	}
	require.Greater(t, len(want), 20)
	text := read(t, "THIRD_PARTY.md")
	for line := range want {
		require.True(t, strings.Contains(text, line), "%s is not in THIRD_PARTY.md", line)
	}
	require.Len(t, regexp.MustCompile("(?m)^\\| `").FindAllString(text, -1), len(want), "and nothing else")
}
