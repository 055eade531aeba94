#!/bin/sh
# systemd learns of units that came or went. Nothing is started: what a host is to be,
# people say.
set -e
if [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
