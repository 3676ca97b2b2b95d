//! The flags, and what `--help` teaches.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::import_flags::{ImportFlags, import_command};
use super::{Setting, settings};

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// What to do.
    pub action: Action,
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// Settings that were given as flags, with their text and the flag.
    pub settings: Vec<(&'static Setting, String, String)>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Action {
    /// Start the server.
    #[default]
    Run,
    /// Show every setting with its value and its origin, and end.
    PrintConfig,
    /// Say whether the configuration is right, and end.
    CheckConfig,
    /// Take over what a stopped DTM has not finished, and end.
    Import(ImportFlags),
}

const ABOUT: &str = "\
A transaction manager: it drives transactions that span several services to their end,
done everywhere or undone everywhere. Clients and services of DTM 1.19 work unchanged.";

const EXAMPLES: &str = "\
Examples:
  dtm-server                             listen on 127.0.0.1 (36789 for HTTP, 36790 for gRPC), data in ./dtm-data
  dtm-server --data /var/lib/dtm         keep data somewhere else
  dtm-server -c conf.yml --check-config  say whether a file is right, and end
  HTTP_PORT=8080 dtm-server              settings may come from the environment, too

Where data live:
  In the folder Store.Path, and nowhere else. Whatever was acknowledged is on disk. One server at a time may
  use a folder. To back it up, stop the server and copy the folder.

Settings that are used most (key of the file, environment variable, default; times are in seconds):
";

const WHERE_MORE: &str = "
Later sources win: defaults, file, environment, flags. A value that is not allowed stops the start.
All settings are listed in docs/CONFIGURATION.md; --print-config shows what is in effect, and why.
Metrics for Prometheus are at /api/metrics, a probe for load balancers is at /api/ping.
";

const NO_RESET: &str = "\
-r is not supported: there is no flag that wipes a store. To start afresh, stop the server and remove the folder of \
Store.Path yourself";

/// Reads the command line. `arguments` starts with the name of the program.
///
/// # Errors
/// What `clap` wants to print, also for `--help` and `--version`; its `exit` does that.
pub fn parse<I>(arguments: I) -> Result<Flags, clap::Error>
where
    I: IntoIterator<Item = OsString>,
{
    let mut command = command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    if matches.get_flag("reset") {
        return Err(command.error(ErrorKind::UnknownArgument, NO_RESET));
    }
    // What is wrong with the flags of the import is said also when nothing is to be imported now.
    let import = matches.subcommand().map(|(_, import)| ImportFlags::given(import)).transpose()?;
    let action = match (import, matches.get_flag("print-config"), matches.get_flag("check-config")) {
        (_, true, _) => Action::PrintConfig,
        (_, false, true) => Action::CheckConfig,
        (Some(import), false, false) => Action::Import(import),
        (None, false, false) => Action::Run,
    };
    Ok(Flags { action, file: matches.get_one::<PathBuf>("config").cloned(), settings: given(&matches) })
}

fn given(matches: &ArgMatches) -> Vec<(&'static Setting, String, String)> {
    let mut given = Vec::new();
    for setting in settings::all() {
        if setting.path == "LogLevel" && matches.get_flag("debug") {
            given.push((setting, "debug".to_owned(), "--debug".to_owned()));
        }
        let Some((name, _)) = setting.flag else { continue };
        if let Some(text) = matches.get_one::<String>(name) {
            given.push((setting, text.clone(), format!("--{name}")));
        }
    }
    given
}

fn command() -> Command {
    let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let mut command = Command::new("dtm-server")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(after_help())
        .disable_version_flag(true)
        .arg(
            Arg::new("config")
                .short('c')
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .global(true)
                .help("Read settings from a YAML file; a conf.yml of DTM will do"),
        );
    for setting in settings::all() {
        if let Some((name, value)) = setting.flag {
            let help = format!("{} [{}]", setting.doc, setting.default);
            command = command.arg(Arg::new(name).long(name).value_name(value).help(help).global(true));
        }
    }
    command
        .arg(switch("debug").short('d').help("Log more: the same as LogLevel: debug"))
        .arg(switch("print-config").help("Show every setting, its value and where it comes from, and end"))
        .arg(switch("check-config").help("Say whether the configuration is right, and end"))
        .arg(
            Arg::new("version")
                .short('v')
                .short_alias('V')
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version"),
        )
        .arg(switch("reset").short('r').hide(true))
        .subcommand(import_command())
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(false)
}

fn after_help() -> String {
    let mut text = EXAMPLES.to_owned();
    for setting in settings::all().filter(|setting| setting.common) {
        let default = if setting.default.is_empty() { "(none)" } else { setting.default };
        // Writing to a String cannot fail.
        writeln!(text, "  {:<17} {:<18} {default}", setting.path, setting.environment_name()).ok();
    }
    text + WHERE_MORE
}
