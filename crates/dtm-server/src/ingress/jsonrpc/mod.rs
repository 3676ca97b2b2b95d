//! The JSON-RPC API on `/api/json-rpc` of the HTTP port (behaviour C): the same use cases in another envelope.
//!
//! | file | idea |
//! |---|---|
//! | `handle` | which method is which use case |
//! | `reply` | the envelope of every answer |

mod handle;
mod reply;

pub(super) use handle::handle;
