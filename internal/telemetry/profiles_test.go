package telemetry

import (
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProfilesAreForThisMachineAlone(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":6060", "192.0.2.1:6060", "localhost", ""} {
		_, err := ServeProfiles(addr, func(error) {})
		require.ErrorContains(t, err, "loopback", addr)
	}
}

func TestAProfileCanBeRead(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	s, err := ServeProfiles(addr, func(err error) { t.Error(err) })
	require.NoError(t, err)
	defer s.Close()
	reply, err := http.Get("http://" + addr + "/debug/pprof/goroutine?debug=1")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, reply.StatusCode)
	require.NoError(t, reply.Body.Close())
}
