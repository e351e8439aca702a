//! Whole-workspace tests: end to end, kill and resume, reference parity, command line.
