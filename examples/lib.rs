//! Nothing here: see the examples beside this file.
