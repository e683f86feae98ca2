package compose_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const root = "../.."

// project is as much of a compose file as the rules here are about.
type project struct {
	Services map[string]service `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
	} `yaml:"networks"`
	Volumes map[string]any  `yaml:"volumes"`
	Configs map[string]file `yaml:"configs"`
	Secrets map[string]file `yaml:"secrets"`
}

type file struct {
	File string `yaml:"file"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       *build            `yaml:"build"`
	User        string            `yaml:"user"`
	Profiles    []string          `yaml:"profiles"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Configs     []struct {
		Source string `yaml:"source"`
		Target string `yaml:"target"`
	} `yaml:"configs"`
	Volumes     []mount  `yaml:"volumes"`
	Networks    []string `yaml:"networks"`
	NetworkMode string   `yaml:"network_mode"`
	Ports       []string `yaml:"ports"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck *struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
	Privileged  bool     `yaml:"privileged"`
}

type build struct {
	Context    string `yaml:"context"`
	Dockerfile string `yaml:"dockerfile"`
	Target     string `yaml:"target"`
}

// mount is a volume in either of compose's spellings.
type mount struct {
	Type     string `yaml:"type"`
	Source   string `yaml:"source"`
	Target   string `yaml:"target"`
	ReadOnly bool   `yaml:"read_only"`
	Bind     struct {
		CreateHostPath *bool `yaml:"create_host_path"`
	} `yaml:"bind"`
}

func (m *mount) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		type plain mount
		return n.Decode((*plain)(m))
	}
	source, target, _ := strings.Cut(n.Value, ":")
	*m = mount{Type: "volume", Source: source, Target: target}
	if strings.HasPrefix(source, ".") || strings.HasPrefix(source, "/") {
		m.Type = "bind"
	}
	return nil
}

func load(t *testing.T, name string) project {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	var p project
	require.NoError(t, yaml.Unmarshal(text, &p))
	require.NotEmpty(t, p.Services)
	return p
}

func services(p project) []string { return slices.Sorted(maps.Keys(p.Services)) }

func TestWhatAServiceNamesIsDeclaredAndWhatIsDeclaredIsUsed(t *testing.T) {
	p := load(t, "docker-compose.yml")
	used := map[string]map[string]bool{"secret": {}, "config": {}, "volume": {}, "network": {}}
	for _, name := range services(p) {
		s := p.Services[name]
		for _, secret := range s.Secrets {
			require.Contains(t, p.Secrets, secret, name)
			used["secret"][secret] = true
		}
		for _, c := range s.Configs {
			require.Contains(t, p.Configs, c.Source, name)
			require.True(t, filepath.IsAbs(c.Target), name)
			used["config"][c.Source] = true
		}
		for _, m := range s.Volumes {
			if m.Type == "volume" {
				require.Contains(t, p.Volumes, m.Source, name)
				used["volume"][m.Source] = true
			}
		}
		for _, n := range s.Networks {
			require.Contains(t, p.Networks, n, name)
			used["network"][n] = true
		}
		for other := range s.DependsOn {
			require.Contains(t, p.Services, other, name)
		}
	}
	require.Len(t, used["secret"], len(p.Secrets))
	require.Len(t, used["config"], len(p.Configs))
	require.Len(t, used["volume"], len(p.Volumes))
	require.Len(t, used["network"], len(p.Networks))
}

func TestFilesThatAreMountedExist(t *testing.T) {
	p := load(t, "docker-compose.yml")
	for name, c := range p.Configs {
		require.FileExists(t, filepath.Join(root, c.File), name)
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "deploy/Dockerfile"))
	require.NoError(t, err)
	for name, s := range p.Services {
		if s.Build == nil {
			continue
		}
		require.Equal(t, build{".", "deploy/Dockerfile", s.Build.Target}, *s.Build, name)
		require.Regexp(t, `(?m)^FROM \S+ AS `+s.Build.Target+`$`, string(dockerfile), name)
	}
	// A folder that compose would make by itself, owned by root and empty, hides
	// that the secrets were never made.
	for name, s := range p.Services {
		for _, m := range s.Volumes {
			if m.Type == "bind" {
				require.True(t, m.ReadOnly, "%s: %s", name, m.Source)
				require.NotNil(t, m.Bind.CreateHostPath, "%s: %s", name, m.Source)
				require.False(t, *m.Bind.CreateHostPath, "%s: %s", name, m.Source)
			}
		}
	}
}

func TestEveryContainerHasOnlyTheRightsItNeeds(t *testing.T) {
	p := load(t, "docker-compose.yml")
	for _, name := range services(p) {
		s := p.Services[name]
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Empty(t, s.CapAdd, name)
		require.False(t, s.Privileged, name)
		require.Contains(t, s.SecurityOpt, "no-new-privileges:true", name)
		require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, s.User, "%s runs as root", name)
		for _, port := range s.Ports {
			require.Regexp(t, `^(127\.0\.0\.1|\$\{REGPAY_BIND:-127\.0\.0\.1\}):`, port, name)
		}
	}
	require.True(t, p.Networks["backend"].Internal)
	require.Equal(t, []string{"backend"}, p.Services["postgres"].Networks)
	require.Empty(t, p.Services["postgres"].Ports)
}

func TestNoSecretIsInTheComposeFile(t *testing.T) {
	p := load(t, "docker-compose.yml")
	secretive := regexp.MustCompile(`PASS|PWD|SECRET|TOKEN|CREDENTIAL|_KEY|DSN`)
	allowed := map[string]bool{"TEMPORAL_CODEC_INCLUDE_CREDENTIALS": true} // a switch
	for _, name := range services(p) {
		for variable, value := range p.Services[name].Environment {
			if secretive.MatchString(variable) && !allowed[variable] {
				require.True(t, strings.HasSuffix(variable, "_FILE"), "%s: %s", name, variable)
				require.True(t, strings.HasPrefix(value, "/run/secrets/"), "%s: %s", name, variable)
			}
		}
	}
	for name, s := range p.Secrets {
		require.Equal(t, "./deploy/compose/secrets/"+name, s.File)
	}
	ignored, err := os.ReadFile(".gitignore")
	require.NoError(t, err)
	require.Contains(t, string(ignored), "/secrets/\n")
	require.Contains(t, string(ignored), "/config/\n")
}

func TestStartsWaitForHealthNotForTime(t *testing.T) {
	p := load(t, "docker-compose.yml")
	done := map[string]bool{}
	var visit func(name string, path []string)
	visit = func(name string, path []string) {
		require.NotContains(t, path, name, "waits for itself")
		if done[name] {
			return
		}
		for other, d := range p.Services[name].DependsOn {
			switch d.Condition {
			case "service_healthy":
				require.NotNil(t, p.Services[other].Healthcheck, "%s waits for the health of %s", name, other)
			case "service_completed_successfully":
				require.Nil(t, p.Services[other].Healthcheck, "%s is waited for as a job", other)
			default:
				t.Errorf("%s waits for %s to have been started only", name, other)
			}
			visit(other, append(slices.Clone(path), name))
		}
		done[name] = true
	}
	for _, name := range services(p) {
		visit(name, nil)
		// The runtime gives one of these: a shell's line needs a shell in the image.
		if h := p.Services[name].Healthcheck; h != nil {
			require.Equal(t, "CMD", h.Test[0], name)
		}
	}
}

func TestTheSandboxIsBehindAProfile(t *testing.T) {
	p := load(t, "docker-compose.yml")
	for name, s := range p.Services {
		sandbox := strings.HasPrefix(name, "sandbox")
		require.Equal(t, sandbox, slices.Equal(s.Profiles, []string{"sandbox"}), name)
		if sandbox {
			continue
		}
		for other := range s.DependsOn {
			require.False(t, strings.HasPrefix(other, "sandbox"), name)
		}
		for _, m := range s.Volumes {
			require.NotEqual(t, "sandbox", m.Source, name)
		}
	}
	overlay := load(t, "deploy/compose/sandbox.yaml")
	for name, s := range overlay.Services {
		require.Contains(t, p.Services, name)
		require.Equal(t, "/etc/regpay", s.Volumes[0].Target, "takes the place of the configuration")
		require.True(t, s.Volumes[0].ReadOnly)
	}
	require.Len(t, overlay.Services, 3)
}

func TestImagesAreTheVersionsThatTheTestsRun(t *testing.T) {
	p := load(t, "docker-compose.yml")
	version := func(module, path string) string {
		text, err := os.ReadFile(filepath.Join(root, "deploy/tools", module, "go.mod"))
		require.NoError(t, err)
		m := regexp.MustCompile(regexp.QuoteMeta(path) + ` v(\S+)`).FindStringSubmatch(string(text))
		require.NotNil(t, m, path)
		return m[1]
	}
	server := version("temporal-server", "go.temporal.io/server")
	require.Equal(t, "temporalio/server:"+server, p.Services["temporal"].Image)
	require.Equal(t, "temporalio/admin-tools:"+server, p.Services["temporal-schema"].Image)
	require.Equal(t, "temporalio/ui:"+version("temporal-ui", "github.com/temporalio/ui-server/v2"), p.Services["temporal-ui"].Image)

	for name, s := range p.Services {
		require.Regexp(t, `:(\d+\.\d+|\$\{REGPAY_VERSION:-\d+\.\d+\.\d+\}$)`, s.Image, "%s has no version", name)
		require.NotContains(t, s.Image, "auto-setup")
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "deploy/Dockerfile"))
	require.NoError(t, err)
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	require.Contains(t, string(dockerfile), "ARG GO_VERSION="+string(goVersion[1])+".")
}

func TestTemporalReadsItsPasswordFromAFile(t *testing.T) {
	text, err := os.ReadFile("temporal/config.yaml")
	require.NoError(t, err)
	var c struct {
		Persistence struct {
			NumHistoryShards int `yaml:"numHistoryShards"`
			Datastores       map[string]struct {
				SQL struct {
					DatabaseName    string `yaml:"databaseName"`
					User            string `yaml:"user"`
					Password        string `yaml:"password"`
					PasswordCommand struct {
						Command string   `yaml:"command"`
						Args    []string `yaml:"args"`
					} `yaml:"passwordCommand"`
				} `yaml:"sql"`
			} `yaml:"datastores"`
		} `yaml:"persistence"`
		DynamicConfigClient struct {
			Filepath string `yaml:"filepath"`
		} `yaml:"dynamicConfigClient"`
	}
	require.NoError(t, yaml.Unmarshal(text, &c))
	require.Positive(t, c.Persistence.NumHistoryShards)
	p := load(t, "docker-compose.yml")
	require.Contains(t, p.Services["temporal"].Secrets, "temporal_db_password")
	databases, err := os.ReadFile("postgres/10-databases.sh")
	require.NoError(t, err)
	require.Len(t, c.Persistence.Datastores, 2)
	for name, store := range c.Persistence.Datastores {
		require.Empty(t, store.SQL.Password, name)
		require.Equal(t, "/bin/cat", store.SQL.PasswordCommand.Command, name)
		require.Equal(t, []string{"/run/secrets/temporal_db_password"}, store.SQL.PasswordCommand.Args, name)
		require.Contains(t, string(databases), "CREATE DATABASE "+store.SQL.DatabaseName+" OWNER "+store.SQL.User+";")
	}
	targets := map[string]bool{}
	for _, m := range p.Services["temporal"].Configs {
		targets[m.Target] = true
	}
	require.True(t, targets[c.DynamicConfigClient.Filepath])
	require.True(t, targets[p.Services["temporal"].Environment["TEMPORAL_SERVER_CONFIG_FILE_PATH"]])

	text, err = os.ReadFile("temporal/dynamic.yaml")
	require.NoError(t, err)
	var dynamic map[string][]struct {
		Value any `yaml:"value"`
	}
	require.NoError(t, yaml.Unmarshal(text, &dynamic))
	require.NotEmpty(t, dynamic)
}
