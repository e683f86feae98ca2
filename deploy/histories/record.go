package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.uber.org/zap"

	"github.com/regpay/regpay/deploy/integration/scenario"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/telemetry"
)

// record plays all lives and returns the files of their histories, by name.
func record(ctx context.Context, in *local.Installation, all []life, progress io.Writer) (files map[string][]byte, err error) {
	codec, err := codecOf(in)
	if err != nil {
		return nil, err
	}
	e := in.Stack.Endpoints()
	temporal, err := client.Dial(client.Options{HostPort: e.Temporal, Namespace: e.Namespace, Logger: telemetry.TemporalLogger(zap.NewNop())})
	if err != nil {
		return nil, err
	}
	defer temporal.Close()
	b, err := newBackend()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	s := stage{in: in, temporal: temporal, backend: b}

	files = map[string][]byte{}
	var mu sync.Mutex
	one := func(l life) error {
		got, err := s.keep(ctx, l, codec)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			return fmt.Errorf("the life %q: %w", l.name, err)
		}
		maps.Copy(files, got)
		fmt.Fprintf(progress, "recorded %s\n", l.name)
		return nil
	}
	return files, inTurn(all, one)
}

// inTurn runs the lives of one turn at the same time, one turn after the other.
func inTurn(all []life, one func(life) error) error {
	turns := map[int][]life{}
	last := 0
	for _, l := range all {
		turns[l.turn] = append(turns[l.turn], l)
		last = max(last, l.turn)
	}
	for turn := 1; turn <= last; turn++ {
		if err := together(turns[turn], one); err != nil {
			return err
		}
	}
	return together(turns[0], one)
}

func together(all []life, one func(life) error) error {
	errs := make([]error, len(all))
	var running sync.WaitGroup
	for i, l := range all {
		running.Go(func() { errs[i] = one(l) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// codecOf reads the keys of an installation.
func codecOf(in *local.Installation) (converter.PayloadCodec, error) {
	c, err := config.Load(in.ConfigPath)
	if err != nil {
		return nil, err
	}
	keys := map[string][]byte{}
	for _, k := range c.Encryption.Keys {
		if keys[k.ID], err = c.Key(k.File); err != nil {
			return nil, fmt.Errorf("encryption key %s: %w", k.ID, err)
		}
	}
	ring, err := privacy.NewKeyring(c.Encryption.Active, keys)
	if err != nil {
		return nil, err
	}
	return privacy.NewCodec(ring), nil
}

// keep plays a life and returns the files of all its workflows.
func (s stage) keep(ctx context.Context, l life, codec converter.PayloadCodec) (map[string][]byte, error) {
	if err := s.play(ctx, l); err != nil {
		return nil, err
	}
	ids, err := s.workflowsOf(ctx, l)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, id := range ids {
		h, err := s.history(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", id, err)
		}
		if err := plain(h, codec); err != nil {
			return nil, fmt.Errorf("decrypt %s: %w", id, err)
		}
		if files[name], err = text(h); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	return files, nil
}

// workflowsOf waits until the workflows of a life have ended, and returns their
// ids by the names of their files.
func (s stage) workflowsOf(ctx context.Context, l life) (ids map[string]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var running []string
	err = scenario.Wait(ctx, func() (bool, error) {
		list, err := s.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: `OrderNo = "` + l.orderNo() + `"`})
		if err != nil {
			return false, err
		}
		ids, running = map[string]string{}, nil
		for _, e := range list.GetExecutions() {
			id := e.GetExecution().GetWorkflowId()
			ids[fileOf(l, id)] = id
			if e.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
				running = append(running, id+" is "+e.GetStatus().String())
			}
		}
		return len(running) == 0 && len(ids) >= len(l.files()), nil
	})
	names, want := slices.Sorted(maps.Keys(ids)), slices.Sorted(slices.Values(l.files()))
	if err != nil {
		return nil, fmt.Errorf("wait for the ends of %v, there are %v %v: %w", want, names, running, err)
	}
	if !slices.Equal(names, want) {
		return nil, fmt.Errorf("it has %v instead of %v", names, want)
	}
	return ids, nil
}

// fileOf names the file of a workflow of a life after the workflow's id.
func fileOf(l life, id string) string {
	switch parts := strings.Split(id, "/"); parts[0] {
	case "payment":
		return l.name + ".json"
	case "refund":
		return l.name + ".refund-" + parts[len(parts)-1] + ".json"
	default:
		return l.name + "." + parts[0] + ".json"
	}
}

func (s stage) history(ctx context.Context, id string) (*historypb.History, error) {
	h := &historypb.History{}
	all := s.temporal.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		e, err := all.Next()
		if err != nil {
			return nil, err
		}
		h.Events = append(h.Events, e)
	}
	return h, nil
}

// replace writes the files into a folder, and removes those of lives that are
// not recorded any more.
func replace(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if files[filepath.Base(path)] == nil {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
