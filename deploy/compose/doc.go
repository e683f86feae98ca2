// Package compose holds what docker-compose.yml mounts into its containers:
// Temporal's configuration, the jobs' scripts, and the script that makes the
// secrets. There is no code but the tests, which hold the parts together: what
// the compose file names has to exist, no container may have more rights than it
// needs, no secret may be in it, and deploy/regpay.yaml has to name every key of
// the configuration.
package compose
