//! The configuration: defaults, then a file, then the environment, then flags (decision 29).
//!
//! | file | idea |
//! |---|---|
//! | `components` | [`Config`]: one struct per component, handed in as values |
//! | `settings` | the one table of all settings; help, reference and checks come from it |
//! | `setting` | what a row of that table is, and how a text becomes a value |
//! | `yaml` | a file as a list of settings with their lines |
//! | `static_services` | what `static://NAME` means |
//! | `sources` | the only place that reads the environment and the file |
//! | `command_line` | the flags, and what `--help` teaches |
//! | `import_flags` | the flags of `dtm-server import` |
//! | `load` | the sources on top of each other, and the checks that need several settings |
//! | `reference` | `docs/CONFIGURATION.md` and `--print-config` |
//! | `suggest` | "did you mean" |
//! | `error` | everything that can be wrong, in words |

mod command_line;
mod components;
mod error;
mod import_flags;
mod load;
mod reference;
mod setting;
mod settings;
mod sources;
mod static_services;
mod suggest;
#[cfg(test)]
mod tests;
mod yaml;

pub use command_line::{Action, Flags, parse};
pub use components::{
    AlertConfig, Config, DatabaseConfig, DiscoveryConfig, GrpcConfig, HttpConfig, LogConfig, LogFormat,
    LogOutput, RedisSettings, RequestLimits, RunnerConfig, StoreConfig, StoreDriver, TlsMode,
    TransportConfig,
};
pub use error::{ConfigError, Problem};
pub use import_flags::ImportFlags;
pub use load::{Loaded, load};
pub use reference::{document, effective};
pub use setting::{Kind, Origin, Setting};
pub use settings::{GROUPS, Group, all};
pub use sources::{Environment, ProcessEnvironment};
pub use static_services::StaticServices;
