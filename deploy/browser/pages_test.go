package browser

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/axe.min.js
var axe string

// TestEveryPageFitsItsWindowAndEverybodyCanUseIt opens every page in both
// languages: nothing is wider than the narrowest window, a case prints on one
// sheet, and axe finds no violation of WCAG 2.2 AA, by day and by night.
func TestEveryPageFitsItsWindowAndEverybodyCanUseIt(t *testing.T) {
	t.Parallel()
	w := place
	for _, s := range w.pages(t) {
		for _, language := range []string{zh, en} {
			t.Run(s.name+"/"+language, func(t *testing.T) {
				t.Parallel()
				d := w.shown(t, s, language)
				d.pictures(s.name + "." + language)
				if s.paper {
					assert.Equal(t, 1, d.sheets(s.name+"."+language), "sheets of A4")
				}
				for _, width := range []int64{wide, narrow, least} {
					d.sized(width, tall)
					assert.Empty(t, d.tooWide(), "at %d pixels", width)
				}
				d.unfold()
				assert.Empty(t, d.tooWide(), "unfolded, at %d pixels", least)
				assert.Empty(t, d.violations(), "found by axe")
			})
		}
	}
}

// shown opens a page as somebody has it in front of them.
func (w *world) shown(t *testing.T, s shown, language string) *desk {
	t.Helper()
	var d *desk
	if s.login == "" {
		d = w.newDesk(t, language)
	} else {
		d = w.deskIn(t, s.login, language)
	}
	// axe has to be put into the page, which the policy rightly forbids.
	d.run(page.SetBypassCSP(true))
	want := s.want
	if want == 0 {
		want = 200
	}
	require.Equal(t, want, d.open(s.path))
	require.True(t, d.yes(`document.documentElement.lang === `+quoted(language)))
	if s.then != nil {
		s.then(d)
	}
	return d
}

// tooWide lists what sticks out of the window at its right.
func (d *desk) tooWide() (out []string) {
	d.t.Helper()
	d.js(`(() => {
		const width = document.documentElement.clientWidth;
		if (document.scrollingElement.scrollWidth <= width) return [];
		return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > width + 1).slice(-5)
			.map(e => e.tagName + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().right) + ' ' + e.textContent.trim().slice(0, 40));
	})()`, &out)
	return out
}

// unfold opens whatever is folded up, all of it at once.
func (d *desk) unfold() {
	d.t.Helper()
	d.js(`document.querySelectorAll('details').forEach(e => { e.removeAttribute('name'); e.open = true; })`, nil)
}

var sheet = regexp.MustCompile(`/Type\s*/Page\b`)

// sheets counts the sheets of A4 that printing takes.
func (d *desk) sheets(name string) int {
	d.t.Helper()
	var pdf []byte
	d.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		const a4wide, a4high = 210 / 25.4, 297 / 25.4 // inches
		pdf, _, err = page.PrintToPDF().WithPaperWidth(a4wide).WithPaperHeight(a4high).WithPreferCSSPageSize(true).Do(ctx)
		return err
	}))
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		keep(d.t, dir, name+".pdf", pdf)
	}
	return len(sheet.FindAll(pdf, -1))
}

// violation is a rule that axe found broken.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string   `json:"html"`
		Target  []string `json:"target"`
		Failure string   `json:"failureSummary"`
	} `json:"nodes"`
}

// violations are what axe finds, with light colours and with dark ones.
func (d *desk) violations() (all []string) {
	d.t.Helper()
	d.js(axe+";0", nil)
	for _, scheme := range []string{"light", "dark"} {
		d.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
		var found []violation
		d.js(`axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag',
			values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}}).then(r => r.violations.map(v => ({id: v.id, help: v.help,
			nodes: v.nodes.map(n => ({html: n.html.slice(0, 300), target: n.target.map(String), failureSummary: n.failureSummary}))})))`, &found)
		for _, v := range found {
			for _, n := range v.Nodes {
				all = append(all, fmt.Sprintf("%s, %s: %s: %v %s\n%s\n", scheme, v.ID, v.Help, n.Target, n.HTML, n.Failure))
			}
		}
	}
	return all
}

// pictures writes what the page looks like where SCREENSHOTS says.
func (d *desk) pictures(name string) {
	d.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	for width, title := range map[int64]string{wide: "wide", narrow: "narrow"} {
		d.sized(width, tall)
		var png []byte
		d.run(chromedp.FullScreenshot(&png, 100))
		keep(d.t, dir, name+"."+title+".png", png)
	}
}

func keep(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
}

// TestTheMeasureOfAPageCanFail shows each check something that it has to find.
func TestTheMeasureOfAPageCanFail(t *testing.T) {
	t.Parallel()
	d := place.newDesk(t, zh)
	d.run(page.SetBypassCSP(true))
	d.opens("/signin")
	d.sized(least, tall)
	require.Empty(t, d.tooWide())
	require.Equal(t, 1, d.sheets("measure"))
	require.Empty(t, d.violations())
	d.js(`(() => { const e = document.createElement('div'); e.style.cssText = 'width:500px;height:4000px;'; document.querySelector('main').append(e); })()`, nil)
	require.NotEmpty(t, d.tooWide())
	require.Greater(t, d.sheets("measure-long"), 1)
	d.js(`(() => { const e = document.createElement('input'); document.querySelector('main').append(e); })()`, nil)
	require.Contains(t, strings.Join(d.violations(), ""), "light, label")
	require.Contains(t, strings.Join(d.violations(), ""), "dark, label")
}
