//! The scripts, loaded by hash.

use std::sync::LazyLock;

use redis::Cmd;

use crate::keys::Place;

/// One script, as Redis gets it.
pub(crate) struct Source {
    pub(crate) text: &'static str,
    hash: LazyLock<String>,
}

macro_rules! script {
    ($name:ident, $file:literal) => {
        pub(crate) static $name: Source = Source {
            text: include_str!(concat!("scripts/", $file)),
            hash: LazyLock::new(|| redis::Script::new($name.text).get_hash().to_owned()),
        };
    };
    ($name:ident, with prelude, $file:literal) => {
        script!($name, of "prelude.lua", $file);
    };
    ($name:ident, of $($file:literal),+) => {
        pub(crate) static $name: Source = Source {
            text: concat!($(include_str!(concat!("scripts/", $file)), "\n"),+),
            hash: LazyLock::new(|| redis::Script::new($name.text).get_hash().to_owned()),
        };
    };
}

script!(OPEN, "open.lua");
script!(SPAN, "span.lua");
script!(WRITE, of "prelude.lua", "writes.lua", "create.lua", "commit.lua", "register.lua", "write.lua");
script!(LOAD, "load.lua");
script!(LOOK, with prelude, "look.lua");
script!(CLAIM, "claim.lua");
script!(MEND, with prelude, "mend.lua");
script!(FORGET, "forget.lua");
script!(RESCHEDULE, with prelude, "reschedule.lua");
script!(PURGE, with prelude, "purge.lua");
script!(JOIN, with prelude, "join.lua");
script!(HEARTBEAT, with prelude, "heartbeat.lua");
script!(LEAVE, "leave.lua");
script!(NOW, with prelude, "now.lua");
script!(ALIVE, with prelude, "alive.lua");
script!(TOPIC_LOAD, with prelude, "topic_load.lua");
script!(TOPIC_SAVE, "topic_save.lua");
script!(TOPIC_DELETE, "topic_delete.lua");
script!(TOPIC_SCAN, "topic_scan.lua");

/// What a server has to know before it is asked.
pub(crate) static ALL: [&Source; 19] = [
    &OPEN,
    &SPAN,
    &WRITE,
    &LOAD,
    &LOOK,
    &CLAIM,
    &MEND,
    &FORGET,
    &RESCHEDULE,
    &PURGE,
    &JOIN,
    &HEARTBEAT,
    &LEAVE,
    &NOW,
    &ALIVE,
    &TOPIC_LOAD,
    &TOPIC_SAVE,
    &TOPIC_DELETE,
    &TOPIC_SCAN,
];

/// Something that one server is asked.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) place: Place,
    pub(crate) command: Cmd,
}

impl Source {
    /// A call of this script; arguments follow.
    pub(crate) fn call(&self, place: Place, keys: &[String]) -> Call {
        let mut command = Cmd::new();
        command.arg("EVALSHA").arg(self.hash.as_str()).arg(keys.len());
        for key in keys {
            command.arg(key);
        }
        Call { place, command }
    }
}

impl Call {
    /// A plain command.
    pub(crate) fn plain(place: Place, name: &str) -> Self {
        let mut command = Cmd::new();
        command.arg(name);
        Self { place, command }
    }

    pub(crate) fn arg(mut self, argument: impl redis::ToRedisArgs) -> Self {
        self.command.arg(argument);
        self
    }
}
