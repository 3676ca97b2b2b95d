//! The code on the pages of the book, compiled as documentation tests. For everything else see the test targets beside this file.
//!
//! A page with Rust on it that is not listed fails `tidy`.

macro_rules! pages {
    ($($name:ident: $page:literal,)*) => {
        $(#[cfg(doctest)] #[doc = include_str!($page)] mod $name {})*
    };
}

pages! {
    barrier: "../docs/barrier.md",
    message: "../docs/modes/message.md",
    outbox: "../docs/coming-from-an-outbox.md",
    readme: "../README.md",
    saga: "../docs/modes/saga.md",
    seata: "../docs/coming-from-seata.md",
    tcc: "../docs/modes/tcc.md",
    tutorial: "../docs/tutorial.md",
    workflow: "../docs/modes/workflow.md",
    xa: "../docs/modes/xa.md",
}
