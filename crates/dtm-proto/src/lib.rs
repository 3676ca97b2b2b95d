//! Every byte on a wire: JSON bodies, protobuf messages, and the table that reads the result of a branch.
