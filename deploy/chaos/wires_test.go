package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/config"
)

// line is a wire to a server that counts what reaches it.
type line struct {
	wires   *wires
	address string
	reached chan struct{}
}

func newLine(t *testing.T) line {
	t.Helper()
	l := line{wires: newWires(), reached: make(chan struct{}, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		l.reached <- struct{}{}
		_, _ = io.WriteString(w, "done")
	}))
	t.Cleanup(server.Close)
	t.Cleanup(l.wires.close)
	l.address = server.URL + "/path"
	require.NoError(t, l.wires.leadURL("his", &l.address))
	require.NotContains(t, l.address, strings.TrimPrefix(server.URL, "http://"))
	return l
}

// call asks over a connection of its own.
func (l line) call(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.address, nil)
	if err != nil {
		return err
	}
	reply, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	_, err = io.ReadAll(reply.Body)
	return err
}

func TestAWireThatIsBrokenIsWholeAgainAfterwards(t *testing.T) {
	const short, long = 300 * time.Millisecond, 5 * time.Second
	for name, disturb := range map[string]func(*wires, string) error{
		"cut": (*wires).cut, "reset": (*wires).reset, "stall": (*wires).stall, "hold": (*wires).hold,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			require.NoError(t, l.call(long))
			require.NoError(t, disturb(l.wires, "his"))
			require.Error(t, l.call(short))
			require.NoError(t, l.wires.heal(t.Context(), "his"))
			require.NoError(t, l.wires.heal(t.Context(), "his"), "healing twice is no error")
			require.NoError(t, l.call(long))
		})
	}
}

// TestAHeldReplyIsOfARequestThatWasCarriedOut: that is what makes it a crash
// point, and letting go of it delivers it.
func TestAHeldReplyIsOfARequestThatWasCarriedOut(t *testing.T) {
	l := newLine(t)
	require.NoError(t, l.wires.hold("his"))
	answered := make(chan error, 1)
	go func() { answered <- l.call(10 * time.Second) }()
	<-l.reached
	select {
	case err := <-answered:
		require.Fail(t, "the reply was not held", "%v", err)
	default:
	}
	require.NoError(t, l.wires.heal(t.Context(), "his"))
	require.NoError(t, <-answered)
}

func TestAWireThatIsNotThereCannotBeBroken(t *testing.T) {
	w := newWires()
	require.Error(t, w.cut("nobody"))
	require.Error(t, w.hold("nobody"))
	require.Error(t, w.heal(t.Context(), "nobody"))
}

func TestEveryAddressOfTheConfigurationLeadsThroughAWire(t *testing.T) {
	w := newWires()
	t.Cleanup(w.close)
	dsn := filepath.Join(t.TempDir(), "dsn")
	require.NoError(t, os.WriteFile(dsn, []byte("postgres://u:p@127.0.0.1:5000/books?sslmode=disable\n"), 0o600))
	c := config.Config{Temporal: config.Temporal{Address: "127.0.0.1:7233"}, Database: config.Database{DSNFile: dsn}}
	for range 2 {
		c.Hospitals = append(c.Hospitals, config.Hospital{
			Channels: config.Channels{WeChat: &config.WeChat{BaseURL: "http://127.0.0.1:9101"}, UnionPay: &config.UnionPay{BaseURL: "http://127.0.0.1:9102"},
				Insurance: &config.Insurance{BaseURL: "http://127.0.0.1:9103"}},
			HIS: config.HIS{BaseURL: "http://127.0.0.1:9104/fhir"}, SMS: config.SMS{BaseURL: "http://127.0.0.1:9105"}, Face: config.Face{BaseURL: "http://127.0.0.1:9105"},
		})
	}
	require.NoError(t, w.rewire(&c))
	require.ElementsMatch(t, wireNames(), w.names())
	require.NotEqual(t, "127.0.0.1:7233", c.Temporal.Address)
	require.True(t, strings.HasSuffix(c.Hospitals[1].HIS.BaseURL, "/fhir"))
	require.Equal(t, c.Hospitals[0].HIS.BaseURL, c.Hospitals[1].HIS.BaseURL, "both are at one address")
	text, err := os.ReadFile(c.Database.DSNFile)
	require.NoError(t, err)
	require.NotContains(t, string(text), ":5000")
	require.Contains(t, string(text), "/books?sslmode=disable")
}
