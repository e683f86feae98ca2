package stack

import (
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.yaml.in/yaml/v3"
)

// node is a mapping in a YAML file that another program reads.
type node = map[string]any

// writeTemporalConfig writes the server's configuration and its dynamic
// configuration, and answers with the first one's path. The keys are those of
// common/config in the server's source.
func (s *Stack) writeTemporalConfig(ports temporalPorts, stores []temporalStore) (string, error) {
	srv, err := parseServer(s.Endpoints().AdminDatabaseURL)
	if err != nil {
		return "", err
	}
	datastores := node{}
	for _, store := range stores {
		// Sized for a few cores: more sessions than these only wait inside
		// PostgreSQL instead of in front of it.
		conns := 40
		if store.name == "visibility" {
			conns = 10
		}
		datastores[store.name] = node{"sql": node{
			// The driver that prepares its statements once; the schema is the same.
			"pluginName": "postgres12_pgx", "databaseName": store.database,
			"connectAddr": srv.address(), "connectProtocol": "tcp", "connectAttributes": srv.attributes,
			"user": srv.user, "password": srv.password,
			"maxConns": conns, "maxIdleConns": conns, "maxConnLifetime": "1h",
		}}
	}
	services := node{}
	for _, service := range temporalServices() {
		rpc := node{"grpcPort": ports.grpc[service], "membershipPort": ports.member[service], "bindOnIP": "127.0.0.1"}
		if service == "frontend" {
			rpc["httpPort"] = ports.http
		}
		services[service] = node{"rpc": rpc}
	}
	dynamic, err := s.writeYAML("temporal-dynamic.yaml", dynamicConfig(s.options.Shards))
	if err != nil {
		return "", err
	}
	return s.writeYAML("temporal.yaml", node{
		"log": node{"stdout": true, "level": "warn"},
		"persistence": node{
			"defaultStore": "default", "visibilityStore": "visibility",
			"numHistoryShards": s.options.Shards, "datastores": datastores,
		},
		"global": node{
			"membership": node{"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"},
			"pprof":      node{"port": s.options.TemporalPProf, "host": "127.0.0.1"},
		},
		"services": services,
		"clusterMetadata": node{
			"enableGlobalNamespace": false, "failoverVersionIncrement": 10,
			"masterClusterName": "active", "currentClusterName": "active",
			"clusterInformation": node{"active": node{
				"enabled": true, "initialFailoverVersion": 1,
				"rpcName": "frontend", "rpcAddress": loopback(ports.frontend),
			}},
		},
		"dcRedirectionPolicy": node{"policy": "noop"},
		"archival": node{
			"history":    node{"state": "disabled", "enableRead": false},
			"visibility": node{"state": "disabled", "enableRead": false},
		},
		"namespaceDefaults": node{"archival": node{
			"history": node{"state": "disabled"}, "visibility": node{"state": "disabled"},
		}},
		"publicClient":        node{"hostPort": loopback(ports.frontend)},
		"dynamicConfigClient": node{"filepath": dynamic, "pollInterval": "10s"},
	})
}

// dynamicConfig are the settings that differ from a production server's, each
// with its reason.
func dynamicConfig(shards int) node {
	value := func(v any) []node { return []node{{"value": v}} }
	return node{
		// Partitions spread a busy queue over several hosts. On one host they
		// only add forwarding between them and polls without an answer.
		"matching.numTaskqueueReadPartitions":  value(1),
		"matching.numTaskqueueWritePartitions": value(1),
		// The cache is counted in workflows; its default is for big hosts.
		"history.hostLevelCacheMaxSize": value(8192),
		// New search attributes, which are names of a namespace on PostgreSQL, are
		// usable within this time. `starter setup` waits for the frontend to know
		// them; the other services look at their own time.
		"system.namespaceCacheRefreshInterval": value("1s"),
		// One owner of all shards: there is nobody to wait for.
		"system.ringpopApproximateMaxPropagationTime": value("500ms"),
		"history.acquireShardConcurrency":             value(max(shards, 4)),
	}
}

func (s *Stack) writeYAML(name string, content any) (string, error) {
	text, err := yaml.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	path := s.configFile(name)
	return path, writeFile(path, text, 0o600)
}

// serviceError turns a gRPC status into the typed error that it carries.
func serviceError(err error) error {
	if err == nil {
		return nil
	}
	return serviceerror.FromStatus(serviceerror.ToStatus(err))
}
