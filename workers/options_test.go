package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/workflows"
)

func TestAQueueIsBoundedAsConfigured(t *testing.T) {
	c := config.Workers{Queues: map[string]config.Queue{"insurance": {PerSecond: 7, Concurrent: 9}}}
	o := options(c, workflows.QueueOf("insurance"), nil)
	require.Equal(t, 9, o.MaxConcurrentActivityExecutionSize)
	require.InDelta(t, 7, o.TaskQueueActivitiesPerSecond, 0)
	require.True(t, o.DisableWorkflowWorker)

	o = options(c, workflows.QueueHIS, nil)
	require.Equal(t, 100, o.MaxConcurrentActivityExecutionSize)
	require.Zero(t, o.TaskQueueActivitiesPerSecond, "no limit")
}

// The configuration names the queues by words of its own.
func TestEveryQueueOfStepsCanBeBounded(t *testing.T) {
	var names []string
	for _, name := range config.QueueNames() {
		names = append(names, workflows.QueueOf("")+name)
	}
	slices.Sort(names)
	queues := workflows.Queues()
	slices.Sort(queues)
	require.Equal(t, queues, names)
}
