package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/regpay/regpay/deploy/chaos/check"
	"github.com/regpay/regpay/deploy/local"
)

// traces finds the patients of a run in texts: one pass, whatever their number.
type traces map[string][]trace // by their first bytes

type trace struct{ what, text string }

const traceHead = 4 // bytes; every trace is longer

func tracesOf(all []registration) traces {
	t := traces{}
	for _, r := range all {
		for what, text := range r.Person.Traces() {
			if len(text) >= traceHead {
				t[text[:traceHead]] = append(t[text[:traceHead]], trace{what, text})
			}
		}
	}
	return t
}

// in lists what is found in a text, each kind once.
func (t traces) in(text string) []string {
	found := map[string]bool{}
	var all []string
	for i := 0; i+traceHead <= len(text); i++ {
		for _, tr := range t[text[i:i+traceHead]] {
			if !found[tr.what] && strings.HasPrefix(text[i:], tr.text) {
				found[tr.what] = true
				all = append(all, tr.what)
			}
		}
	}
	return all
}

// leaks looks for the patients wherever they must not be: the logs of every
// process of regpay's and under it, the metrics, and all that Temporal keeps.
// The sandbox's own log is the counterparties' and may know them.
func (r *run) leaks(ctx context.Context) ([]check.Leak, error) {
	t := tracesOf(r.plan.Payments)
	var all []check.Leak
	look := func(where, text string) {
		for _, what := range t.in(text) {
			all = append(all, check.Leak{Where: where, What: what})
		}
	}
	logs, err := filepath.Glob(filepath.Join(filepath.Dir(r.in.Stack.Log("sandbox")), "*.log"))
	if err != nil {
		return nil, err
	}
	for _, path := range logs {
		if filepath.Base(path) == "sandbox.log" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("look into a log: %w", err)
		}
		look(filepath.Base(path), string(text))
	}
	e := r.in.Stack.Endpoints()
	for _, address := range append([]string{e.API}, prefixed("http://", e.Workers)...) {
		text, err := local.Metrics(ctx, address)
		if err != nil {
			return nil, err
		}
		look(address+"/metrics", text)
	}
	err = r.leaksOfTemporal(ctx, look)
	return all, err
}

// leaksOfTemporal looks at every workflow: its id, search attributes, memo and
// summaries, and its whole history.
func (r *run) leaksOfTemporal(ctx context.Context, look func(where, text string)) error {
	var next []byte
	for {
		page, err := r.engine.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 200, NextPageToken: next})
		if err != nil {
			return fmt.Errorf("list workflows: %w", err)
		}
		for _, w := range page.GetExecutions() {
			text, err := proto.Marshal(w)
			if err != nil {
				return err
			}
			look("the list of workflows", string(text))
			if err := r.leaksOfHistory(ctx, w.GetExecution().GetWorkflowId(), look); err != nil {
				return err
			}
		}
		if next = page.GetNextPageToken(); len(next) == 0 {
			return nil
		}
	}
}

func (r *run) leaksOfHistory(ctx context.Context, id string, look func(where, text string)) error {
	all := r.engine.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		e, err := all.Next()
		if err != nil {
			return fmt.Errorf("read the history of %s: %w", id, err)
		}
		text, err := proto.Marshal(e)
		if err != nil {
			return err
		}
		look("the history of "+id, string(text))
	}
	return nil
}

func prefixed(prefix string, all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = prefix + s
	}
	return out
}

// notices reads the sandbox's log for what regpay has acknowledged: the genuine
// ones, and the forged.
func notices(path string) (thanked, believed []check.Notice, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the sandbox's log: %w", err)
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		n := check.Notice{Channel: field(line, "counterparty"), ID: field(line, "id"), Kind: field(line, "kind")}
		switch {
		case strings.Contains(line, `msg="notification acknowledged"`):
			// WeChat Pay alone gives its notifications an identity.
			if n.Channel == "wechat" {
				thanked = append(thanked, n)
			}
		case strings.Contains(line, `msg="a forged notification was acknowledged"`):
			believed = append(believed, n)
		}
		if errors.Is(err, io.EOF) {
			return thanked, believed, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the sandbox's log: %w", err)
		}
	}
}

// field reads a value of a line of key=value pairs.
func field(line, name string) string {
	_, rest, ok := strings.Cut(line, " "+name+"=")
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(strings.TrimRight(rest, "\n"), " ")
	return strings.Trim(value, `"`)
}
