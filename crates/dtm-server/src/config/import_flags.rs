//! The flags of `dtm-server import`.

use std::fmt;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

/// What `dtm-server import` is told.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportFlags {
    /// The address of DTM's store. Holds a password: never show it.
    pub from: String,
    /// What DTM's keys in Redis begin with.
    pub prefix: String,
    /// The time zone in which DTM wrote into MySQL.
    pub time_zone: Option<String>,
    /// Write nothing.
    pub dry_run: bool,
    /// For how many seconds to watch whether DTM is running.
    pub watch_seconds: u64,
    /// Also when DTM was stopped longer ago than finished transactions are kept.
    pub stopped_long_ago: bool,
}

const ABOUT: &str = "\
Take over what a stopped DTM 1.19 has not finished: transactions of all modes, and topics";

const LONG_ABOUT: &str = "\
Takes over what a stopped DTM 1.19 has not finished: transactions of all modes, and topics. They go into the
store that this server is configured for. Nothing is changed in DTM's store. Running it twice changes nothing.
Stop every DTM first, and start this server afterwards: nothing is taken from a DTM that is seen to run, and beside
a server that runs on the same store tcc, xa and workflow transactions are refused. See docs/MIGRATING.md.";

const AFTER: &str = "\
Examples:
  dtm-server import --from mysql://user:password@host:3306/dtm --dry-run
  dtm-server import --from postgres://user:password@host/dtm -c conf.yml
  dtm-server import --from redis://:password@host:6379 --data /var/lib/dtm

Exit code: 0 everything that is unfinished is here now; 1 the import could not go on, and can be run again;
2 the command line is wrong; 3 some transactions or topics were refused, each with its reason on stdout.";

pub(super) fn import_command() -> Command {
    let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("import")
        .about(ABOUT)
        .long_about(LONG_ABOUT)
        .after_help(AFTER)
        .arg(Arg::new("from").long("from").value_name("ADDRESS").required(true).help(
            "DTM's store: mysql://, postgres:// or redis://, with user, password, host, port and database",
        ))
        .arg(
            Arg::new("prefix")
                .long("prefix")
                .value_name("TEXT")
                .default_value("{a}")
                .help("Redis: DTM's Store.RedisPrefix"),
        )
        .arg(
            Arg::new("time-zone")
                .long("time-zone")
                .value_name("ZONE")
                .help("MySQL: the time zone in which DTM ran, as in +08:00 [that of the database]"),
        )
        .arg(switch("dry-run").help("Say what would be taken, and write nothing anywhere"))
        .arg(
            Arg::new("watch")
                .long("watch")
                .value_name("SECONDS")
                .value_parser(value_parser!(u64).range(0..=600))
                .default_value("4")
                .help("How long to watch whether DTM is running, before anything is taken; 0: it is known to be stopped"),
        )
        .arg(switch("stopped-long-ago").help(
            "Also when DTM was stopped longer ago than Store.FinishedDataExpire; only for the first import",
        ))
}

impl ImportFlags {
    /// What was given.
    ///
    /// # Errors
    /// What `clap` wants to print: when what it promises to have is not there, and for a flag that says nothing to the
    /// store that DTM has used.
    pub(super) fn given(matches: &ArgMatches) -> Result<Self, clap::Error> {
        check_uses(matches)?;
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let missing = || clap::Error::new(ErrorKind::MissingRequiredArgument);
        Ok(Self {
            from: text("from").ok_or_else(missing)?,
            prefix: text("prefix").ok_or_else(missing)?,
            time_zone: text("time-zone"),
            dry_run: matches.get_flag("dry-run"),
            watch_seconds: *matches.get_one::<u64>("watch").ok_or_else(missing)?,
            stopped_long_ago: matches.get_flag("stopped-long-ago"),
        })
    }
}

/// Flags for one kind of source, and the schemes of its addresses.
const OF_SOURCES: [(&str, &str, &[&str]); 2] =
    [("prefix", "Redis", &["redis", "rediss"]), ("time-zone", "MySQL", &["mysql", "mariadb"])];

fn check_uses(matches: &ArgMatches) -> Result<(), clap::Error> {
    let scheme = matches.get_one::<String>("from").and_then(|from| from.split_once("://"));
    for (flag, source, schemes) in OF_SOURCES {
        let given = matches.value_source(flag) == Some(ValueSource::CommandLine);
        // an address of an unknown kind is refused by whoever connects
        if let Some((scheme, _)) = scheme.filter(|(scheme, _)| given && !schemes.contains(scheme)) {
            let text =
                format!("--{flag} says something only when --from is a {source}, and this is {scheme}://\n");
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, text));
        }
    }
    Ok(())
}

impl fmt::Debug for ImportFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportFlags").field("dry_run", &self.dry_run).finish_non_exhaustive()
    }
}
