// Package daytwo has the tests of what an operator does with a cloud that runs: it is
// kept and brought back, looked over, and its hosts are emptied. They use the real
// program with simulated hosts.
package daytwo
