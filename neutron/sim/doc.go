// Package sim is a fabric without packets: a port that is bound comes up after a
// while. It stands in for OVN where no guest is real.
package sim
