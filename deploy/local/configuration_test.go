package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/onboarding"
	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/config"
	"github.com/regpay/regpay/internal/payment"
)

func onboarded() stack.Manifest {
	m := stack.Manifest{Dir: "/run/sandbox", Endpoints: map[string]string{
		"wechat": "http://127.0.0.1:1", "unionpay": "http://127.0.0.1:2", "insurance": "http://127.0.0.1:3",
		"his": "http://127.0.0.1:4/fhir", "identity": "http://127.0.0.1:5", "admin": "http://127.0.0.1:6",
	}, Hospitals: map[string]stack.HospitalManifest{}}
	for i, id := range []string{"h-one", "h-two"} {
		var h stack.HospitalManifest
		h.WeChat.MchID, h.WeChat.MerchantKey = "190000000"+string(rune('1'+i)), id+"/wechat/merchant_key.pem"
		h.WeChat.VerifyMode, h.WeChat.PublicKeyID, h.WeChat.PublicKey = "public_key", "PUB_KEY_ID_1", id+"/wechat/public.pem"
		h.UnionPay.MerID = "77729005811000" + string(rune('1'+i))
		h.Insurance.OrgCode = "H1101001000" + string(rune('1'+i))
		h.HIS.BaseURL, h.HIS.BearerToken = m.Endpoints["his"], id+"/his/token.txt"
		h.Identity.SMSAccount = "sms-" + id
		m.Hospitals[id] = h
	}
	two := m.Hospitals["h-two"]
	two.WeChat.VerifyMode = "certificate"
	m.Hospitals["h-two"] = two
	return m
}

func listening() stack.Endpoints {
	return stack.Endpoints{Bin: "/bin/own", DatabaseURL: "postgres://u:p@127.0.0.1:9/regpay", Temporal: "127.0.0.1:7", Namespace: "regpay",
		UI: "http://127.0.0.1:8", API: "http://127.0.0.1:10", Workers: []string{"127.0.0.1:11", "127.0.0.1:12"}}
}

// written makes a configuration and reads it back as regpay would.
func written(t *testing.T, o Options) (*config.Config, secrets) {
	t.Helper()
	files, err := newSecrets(filepath.Join(t.TempDir(), "config"))
	require.NoError(t, err)
	c, err := configuration(o.complete(), onboarded(), listening(), files)
	require.NoError(t, err)
	path := files.path("regpay.yaml")
	require.NoError(t, onboarding.Write(c, path))
	read, err := config.Load(path)
	require.NoError(t, err)
	return read, files
}

func TestTheConfigurationIsOneThatRegpayReads(t *testing.T) {
	c, _ := written(t, Options{})
	require.Equal(t, "127.0.0.1:10", c.HTTP.Listen)
	require.Equal(t, "http://127.0.0.1:10", c.HTTP.PublicURL)
	require.Equal(t, "http://127.0.0.1:8", c.HTTP.UIOrigin)
	require.True(t, c.Console.Enabled)
	require.True(t, c.Console.Local, "people sign in with accounts of the installation")
	require.Equal(t, "http://127.0.0.1:8", c.Console.TemporalUI, "where there is a UI, pages link to it")
	dsn, err := c.DatabaseDSN()
	require.NoError(t, err)
	require.Equal(t, listening().DatabaseURL, dsn)
	require.Len(t, c.Hospitals, 2)
	require.Equal(t, "h-one", c.Hospitals[0].ID)
	require.Equal(t, "0.006", c.Hospitals[0].Channels.WeChat.FeeRate)
	require.Equal(t, config.Risk{}, c.Hospitals[0].Risk, "no limits unless asked for")
}

func TestFilesOfTheCounterpartiesAreNamedWhereTheyAre(t *testing.T) {
	c, _ := written(t, Options{})
	require.Equal(t, "/run/sandbox/h-one/wechat/merchant_key.pem", c.Hospitals[0].Channels.WeChat.MerchantKeyFile)
	require.Equal(t, "/run/sandbox/h-one/wechat/public.pem", c.Hospitals[0].Channels.WeChat.PublicKeyFile)
	require.Equal(t, "/run/sandbox/h-two/his/token.txt", c.Hospitals[1].HIS.TokenFile)
	require.Empty(t, c.Hospitals[1].Channels.WeChat.PublicKeyFile, "certificates are fetched in certificate mode")
	require.Empty(t, c.Hospitals[1].Channels.WeChat.PublicKeyID)
}

func TestSecretsAreFreshLongEnoughAndTheOwnersAlone(t *testing.T) {
	c, files := written(t, Options{})
	other, _ := written(t, Options{})
	seen := map[string]bool{}
	for _, one := range []*config.Config{c, other} {
		key, err := one.Key(one.Encryption.Keys[0].File)
		require.NoError(t, err)
		index, err := one.Key(one.Encryption.IndexKeyFile)
		require.NoError(t, err)
		token, err := one.Secret(one.HTTP.CodecTokenFile)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(token), 32)
		for _, secret := range []string{string(key), string(index), string(token)} {
			require.False(t, seen[secret])
			seen[secret] = true
		}
		for _, h := range one.Hospitals {
			secret, err := one.Secret(h.CallbackSecretFile)
			require.NoError(t, err)
			require.False(t, seen[string(secret)])
			seen[string(secret)] = true
		}
	}
	entries, err := os.ReadDir(files.dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(entries), 7)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), e.Name())
	}
	info, err := os.Stat(files.dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	text, err := os.ReadFile(files.path("regpay.yaml"))
	require.NoError(t, err)
	require.NotContains(t, string(text), "postgres://", "the configuration itself has no password in it")
}

func TestLimitsAndRatesAreTheCallersToChoose(t *testing.T) {
	risk := config.Risk{Window: time.Hour, RefuseAfter: 5, ReviewAmountFen: 50_000}
	c, _ := written(t, Options{Risk: risk, FeeRates: map[payment.Channel]string{payment.UnionPay: "0.01"},
		Configure: func(c *config.Config) { c.Hospitals[1].Risk.RefuseAfter = 7 }})
	require.Equal(t, risk, c.Hospitals[0].Risk)
	require.Equal(t, 7, c.Hospitals[1].Risk.RefuseAfter)
	require.Equal(t, "0.01", c.Hospitals[0].Channels.UnionPay.FeeRate)
	require.Equal(t, "0.006", c.Hospitals[0].Channels.WeChat.FeeRate)
}

func TestSetUpComesFirstAndTheAPILast(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	p, err := plan(Options{PProf: map[string]string{APIProcess: "127.0.0.1:6060"}}.complete(), listening(), "/run/config/regpay.yaml")
	require.NoError(t, err)
	require.Len(t, p.Setup, 1)
	require.Equal(t, "/bin/own/starter", p.Setup[0].Path)
	require.Equal(t, "setup", p.Setup[0].Args[0])
	var names []string
	for _, process := range p.Serve {
		names = append(names, process.Name)
		require.Contains(t, strings.Join(process.Args, " "), "--config /run/config/regpay.yaml")
		require.NotNil(t, process.Ready)
		share := fmt.Sprintf("GOMAXPROCS=%d", max(runtime.NumCPU()/len(p.Serve), 1))
		require.Contains(t, process.Env, share, "the processes share the machine")
	}
	require.Contains(t, p.Serve[2].Args, "127.0.0.1:6060")
	require.NotContains(t, p.Serve[1].Args, "--pprof")
	require.Equal(t, []string{WorkerProcess(1), WorkerProcess(2), APIProcess}, names)
	require.Contains(t, p.Serve[1].Args, "127.0.0.1:12")
}

func TestOthersCanTakeThePlaceOfRegpaysProcesses(t *testing.T) {
	other := stack.Process{Name: "other"}
	p, err := plan(Options{Serve: func(config string, e stack.Endpoints) ([]stack.Process, error) {
		require.Equal(t, "/run/config/regpay.yaml", config)
		return []stack.Process{other}, nil
	}}.complete(), listening(), "/run/config/regpay.yaml")
	require.NoError(t, err)
	require.Len(t, p.Setup, 1, "the books are set up all the same")
	require.Len(t, p.Serve, 1)
	require.Equal(t, "other", p.Serve[0].Name)
	_, err = plan(Options{Serve: func(string, stack.Endpoints) ([]stack.Process, error) { return nil, errors.New("no") }}.complete(), listening(), "x")
	require.EqualError(t, err, "no")
}

func TestSettingsForOtherServersDoNotReachACommand(t *testing.T) {
	got := quietEnvironment([]string{"PATH=/bin", "TEMPORAL_ADDRESS=x", "DATABASE_URL=y", "PGHOST=z", "REGPAY_CONFIG=c", "HOME=/root"})
	require.Equal(t, []string{"PATH=/bin", "HOME=/root"}, got)
}
