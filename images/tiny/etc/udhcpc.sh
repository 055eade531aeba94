#!/bin/sh
# What a DHCP lease sets: address, MTU, routes (option 121 before the router), DNS.
case $1 in
  bound | renew) ;;
  *) exit 0 ;;
esac
ip addr replace "$ip/${mask:-24}" dev "$interface"
[ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
if [ -n "$staticroutes" ]; then
  set -- $staticroutes
  while [ $# -ge 2 ]; do
    if [ "$2" = 0.0.0.0 ]; then ip route replace "$1" dev "$interface"; else ip route replace "$1" via "$2" dev "$interface" onlink; fi
    shift 2
  done
else
  for r in $router; do
    ip route replace default via "$r" dev "$interface"
    break
  done
fi
: > /etc/resolv.conf
for d in $dns; do echo "nameserver $d" >> /etc/resolv.conf; done
echo "dhcp: $interface $ip/$mask router ${router:-none} routes ${staticroutes:-none} mtu ${mtu:-default}"
