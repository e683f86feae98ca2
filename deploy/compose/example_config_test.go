package compose_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/regpay/regpay/internal/config"
)

func example(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/regpay.yaml"))
	require.NoError(t, err)
	return text
}

func TestTheExampleIsAConfiguration(t *testing.T) {
	c, err := config.Parse(example(t))
	require.NoError(t, err)
	require.Len(t, c.Hospitals, 2)
	require.Equal(t, "仁和医院", c.Hospitals[0].Name["zh-CN"])
}

// keys lists the paths of the keys of a configuration type; elements of lists
// have the path of the list.
func keys(t reflect.Type, path string, all map[string]bool) {
	switch {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice:
		keys(t.Elem(), path, all)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if !f.IsExported() || name == "" {
				continue
			}
			all[path+"/"+name] = true
			keys(f.Type, path+"/"+name, all)
		}
	}
}

// named lists the same of a document.
func named(n *yaml.Node, path string, all map[string]bool) {
	switch n.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, child := range n.Content {
			named(child, path, all)
		}
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			all[path+"/"+n.Content[i].Value] = true
			named(n.Content[i+1], path+"/"+n.Content[i].Value, all)
		}
	}
}

func TestTheExampleNamesEveryKey(t *testing.T) {
	want, have := map[string]bool{}, map[string]bool{}
	keys(reflect.TypeFor[config.Config](), "", want)
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(example(t), &document))
	named(&document, "", have)
	require.Greater(t, len(want), 60)
	for path := range want {
		require.True(t, have[path], "deploy/regpay.yaml does not show %s", path)
	}
}

func TestTheExampleHasNoSecretAndItsFilesAreThoseOfTheContainers(t *testing.T) {
	text := string(example(t))
	require.Empty(t, regexp.MustCompile(`(?m)^\s*(password|dsn|token|secret|\w*_key):[ ]*[^"\s#]`).FindAllString(text, -1))
	p := load(t, "docker-compose.yml")
	files := regexp.MustCompile(`(?m)^\s*(?:\w+_)?file: (/\S+)$`).FindAllStringSubmatch(text, -1)
	require.Greater(t, len(files), 15)
	for _, m := range files {
		name, ok := strings.CutPrefix(m[1], "/run/secrets/")
		if ok {
			for _, service := range []string{"setup", "workers", "starter"} {
				require.Contains(t, p.Services[service].Secrets, name, service)
			}
			continue
		}
		require.Regexp(t, `^/run/regpay/(keys|hospitals/(ren-he|an-kang))/[\w.]+$`, m[1])
	}
}
