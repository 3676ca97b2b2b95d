//! `dtm-server import`: takes over what a stopped DTM has not finished, into the store that is configured.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use dtm_core::model::{Definition, Registration};
use dtm_import::convert::Rules;
use dtm_import::{Event, ImportError, Report, Settings};
use dtm_store::{Clock, SystemClock};

use crate::assembly::request_limits;
use crate::config::{Config, ImportFlags, StoreDriver};
use crate::store;
use crate::transport::{Callable, Discovery};

/// How many of the characters of a gid are shown.
const NAME_SHOWN: usize = 300;

/// Runs the import. What is refused, and the report, go to standard output; progress and warnings to standard error.
/// Returns whether everything that is unfinished is here now.
///
/// # Errors
/// [`ImportError`] when it could not go on. It can be run again.
pub async fn import(config: &Config, flags: &ImportFlags) -> Result<bool, ImportError> {
    let callable = Callable::new(Discovery::new(&config.transport.discovery));
    let can_be_called = |definition: &Definition, registrations: &[Registration]| {
        callable.check_definition(definition).map_err(|error| error.to_string())?;
        for registration in registrations {
            callable.check_registration(definition, registration).map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    let limits = request_limits(config);
    let rules = Rules { policy: &config.policy, limits: &limits, callable: &can_be_called };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = settings(config, flags);
    if flags.dry_run && config.store.driver == StoreDriver::Sled && config.store.path.exists() {
        let folder = config.store.path.display();
        tell(Event::Warning(format!(
            "the store in {folder} cannot be opened without writing into it: what an earlier import took is counted as 'taken'"
        )));
    }
    let open = async || match flags.dry_run {
        true => store::open_existing(config).await,
        false => store::open(config, &clock).await.map(Some),
    };
    let report = dtm_import::run(&settings, &rules, open, tell).await?;
    say(&shown(&report, flags.dry_run));
    Ok(report.is_complete())
}

fn settings(config: &Config, flags: &ImportFlags) -> Settings {
    Settings {
        from: flags.from.clone(),
        prefix: flags.prefix.clone(),
        time_zone: flags.time_zone.clone(),
        dry_run: flags.dry_run,
        watch: Duration::from_secs(flags.watch_seconds),
        stopped_long_ago: flags.stopped_long_ago,
        keep_finished: config.store.finished_data_expire.into(),
    }
}

fn shown(report: &Report, dry_run: bool) -> String {
    let note = if dry_run { "dry run: nothing was written, 'taken' is what would be taken\n" } else { "" };
    format!("{note}{}{report}", Report::heading())
}

fn tell(event: Event) {
    match event {
        Event::Warning(text) => eprintln!("dtm-server: {text}"),
        Event::Progress { done, of } => eprintln!("dtm-server: {done} of {of} transactions"),
        Event::Refused { name, reason } => {
            let name: String = name.chars().take(NAME_SHOWN).collect();
            say(&format!("refused {}: {}\n", on_one_line(&name), on_one_line(&reason)));
        }
    }
}

/// What DTM has stored may be anything; it must not look like another line, nor move the cursor.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Whoever reads standard output may have gone; the import goes on.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).ok();
}
