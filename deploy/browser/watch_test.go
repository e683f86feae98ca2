package browser

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// watch notes what must never happen in a browser at the console, whatever the
// test is about.
type watch struct {
	ctx  context.Context
	home string // scheme and host of the installation

	mu     sync.Mutex
	also   string // another origin that may be asked
	faults []string
}

// watchOver watches a page from now on.
func watchOver(ctx context.Context, home string) *watch {
	w := &watch{ctx: ctx, home: home}
	chromedp.ListenTarget(ctx, w.see)
	return w
}

func (w *watch) enable() chromedp.Action {
	return chromedp.Tasks{log.Enable(), page.Enable()}
}

func (w *watch) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// allow lets one more origin be asked.
func (w *watch) allow(origin string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.also = origin
}

// ours says whether an origin may be asked.
func (w *watch) ours(origin string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return origin == w.home || origin == w.also
}

// all are the faults so far.
func (w *watch) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.faults)
}

// forgive forgets what was seen, for the test of the watch itself.
func (w *watch) forgive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

func (w *watch) see(event any) {
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		if e.Type != page.DialogTypeBeforeunload {
			w.note("a dialog opened: %s", e.Message)
		}
		// The page stands still until somebody answers, and so would this
		// listener if it waited for that.
		target := chromedp.FromContext(w.ctx).Target
		go func() { _ = page.HandleJavaScriptDialog(true).Do(cdp.WithExecutor(w.ctx, target)) }()
	case *runtime.EventExceptionThrown:
		w.note("a script failed: %s", e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		if e.Entry.Source == log.SourceSecurity || strings.Contains(e.Entry.Text, "Content Security Policy") {
			w.note("the policy was violated: %s", e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Scheme != "data" && u.Scheme != "blob" && !w.ours(u.Scheme+"://"+u.Host) && e.Request.URL != "about:blank" {
			w.note("something was asked of %s", e.Request.URL)
		}
	}
}
