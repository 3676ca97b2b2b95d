//! Nothing here: see the test targets beside this file.
