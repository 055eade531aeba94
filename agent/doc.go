// Package agent is the node: it pulls what should be on its host, makes it so,
// and reports what it sees. It may be killed and started again at any time
// without a guest noticing.
//
// Its language with the control plane is package wish. Read agent.go first, then
// wishes.go and pass.go for what sets a pass over a server off and how it ends,
// ladder.go for the life of a guest step by step, power.go and devices.go for the
// last of these steps, and report.go for what goes up. What all this stands on is
// stated in needs.go and done elsewhere:
//
//	agent/libvirt    guests in QEMU, the only caller of libvirt
//	agent/disk       image cache, root disks, config drives
//	agent/vif        taps, OVS ports, metadata namespaces
//	agent/metadata   the answers at 169.254.169.254
//	agent/daemon     the daemons below all this, on hosts that do not run them
//	agent/netns      network namespaces
//	agent/sim        a node without a hypervisor, for scale and fault tests
//	agent/node       puts the real ones together
//
// Nothing is remembered between passes but what is in the world: a domain
// carries its server's id, the generation of the wish last carried out and the
// reboots done (a Mark), and a pass compares that with the wish. So:
//
//   - A wish whose generation is carried out is left alone: a guest that shut
//     itself down or crashed stays so and is reported; the control plane decides.
//   - A reboot is a counter ahead of the mark; killed half-way, it goes on.
//   - A wish that says Gone removes every trace; when there is none, the server is
//     reported as Gone with the wish's generation for as long as the wish stands.
//     A guest that no wish names is left alone and reported.
//   - A fault is tried again, ever less often. One that lasts is final for a wish
//     that was never carried out (Config.GiveUp), and never for one that was.
package agent
