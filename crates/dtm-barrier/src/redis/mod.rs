//! The barrier in Redis: an amount that is changed behind it, in one script.
//!
//! | to do | look at |
//! |---|---|
//! | add to an amount, or take from it | [`BranchBarrier::redis_adjust`](crate::BranchBarrier::redis_adjust) |
//! | answer the back-check of a message | [`BranchBarrier::redis_query_prepared`](crate::BranchBarrier::redis_query_prepared) |
//!
//! The barrier is a key `<gid>-<branch id>-<op>-<barrier id>`, the same as that of Go's SDK. It expires: let it live longer than
//! any transaction may, because a call that comes after it counts as new.
//!
//! What Redis has acknowledged and lost in a crash is done again by nobody. Use it where the amount can be restored, or with
//! `appendfsync always`.
//!
//! In a cluster the key of the amount and the gid need the same hash tag, for example `{sale-7}stock` and `{sale-7}-order-1001`:
//! the script can only change keys of one slot, and a call with others fails.

mod adjust;
mod query_prepared;
mod value;
