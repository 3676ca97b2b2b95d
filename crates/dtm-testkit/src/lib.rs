//! In-memory store, faults, manual clock, scripted services and invariants, for tests.
