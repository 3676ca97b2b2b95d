//! The coordinator inside an application (`dtm_server::embedded`), on the same stores as the server.
//!
//! | file | idea |
//! |---|---|
//! | `application` | an application with a coordinator, that can die |
//! | `seen` | branches that do what they are told, and what they have seen |
//! | `modes` | saga, TCC and message by functions, and by remote branches as well |
//! | `client`, `client_xa`, `client_workflow` | everything of `dtm-client` and `dtm-workflow`, without a server |
//! | `refusals` | what is refused, and what is not listened to |
//! | `trouble` | branches that panic, hang, or get what they do not expect |
//! | `restart` | an application that dies, and one that starts again as another version |
//! | `stopping` | an application that stops |
//! | `shared` | two applications on one database |

mod application;
mod client;
mod client_workflow;
mod client_xa;
mod modes;
mod refusals;
mod restart;
mod seen;
mod shared;
mod stopping;
mod trouble;
