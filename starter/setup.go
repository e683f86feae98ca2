package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/workflows"
)

// retention is how long Temporal keeps the history of a payment that ended;
// the books keep it for ever.
const retention = 30 * 24 * time.Hour

// setup brings the database and Temporal to what this version needs. It can be
// repeated, and several may run at once.
func setup(ctx context.Context, configPath string, patience time.Duration, log *zap.Logger) error {
	in, err := installation.Open(ctx, configPath, patience, log)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := in.Store.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate the books: %w", err)
	}
	if err := ensureNamespace(ctx, in.Temporal, in.Config.Temporal.Namespace); err != nil {
		return err
	}
	if err := ensureSearchAttributes(ctx, in.Temporal, in.Config.Temporal.Namespace); err != nil {
		return err
	}
	return searchable(ctx, in.Temporal, in.Config.Temporal.Namespace)
}

func ensureNamespace(ctx context.Context, c client.Client, name string) error {
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
		HistoryArchivalState:    enumspb.ARCHIVAL_STATE_DISABLED,
		VisibilityArchivalState: enumspb.ARCHIVAL_STATE_DISABLED,
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("register namespace %s: %w", name, err)
	}
	// A new namespace reaches the server's caches after some seconds.
	return eventually(ctx, func() error {
		d, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
		if err == nil && d.GetNamespaceInfo().GetState() != enumspb.NAMESPACE_STATE_REGISTERED {
			err = fmt.Errorf("namespace %s is %s", name, d.GetNamespaceInfo().GetState())
		}
		return err
	})
}

func ensureSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	return eventually(ctx, func() error {
		list, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
		if err != nil {
			return fmt.Errorf("list search attributes: %w", err)
		}
		missing := map[string]enumspb.IndexedValueType{}
		for name, kind := range workflows.SearchAttributes() {
			if have, ok := list.GetCustomAttributes()[name]; !ok {
				missing[name] = kind
			} else if have != kind {
				return fmt.Errorf("search attribute %s is a %s in this namespace and has to be a %s", name, have, kind)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
		var exists *serviceerror.AlreadyExists
		if err != nil && !errors.As(err, &exists) {
			return fmt.Errorf("add search attributes: %w", err)
		}
		return errors.New("search attributes were added and are not visible yet")
	})
}

// searchable waits until the server's caches have the search attributes, which
// takes seconds: until then a payment that is started would be refused. The
// question finds nothing, however many payments there are.
func searchable(ctx context.Context, c client.Client, namespace string) error {
	query := "WorkflowId = ''"
	for _, name := range slices.Sorted(maps.Keys(workflows.SearchAttributes())) {
		query += " AND " + name + " IS NULL"
	}
	return eventually(ctx, func() error {
		_, err := c.WorkflowService().CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query})
		if err != nil {
			return fmt.Errorf("wait until payments can be found by search attributes: %w", err)
		}
		return nil
	})
}

// eventually repeats f each half second for a minute until it succeeds.
func eventually(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}
