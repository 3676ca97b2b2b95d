//! The API of the server: `dtmgimp.Dtm`.

include!("../gen/dtmgimp.rs");
