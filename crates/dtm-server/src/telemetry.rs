//! Logs, as the configuration says.
//!
//! What may be logged is decided where it is logged: no payload above TRACE, no secret ever (decision 24).

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat, LogOutput};

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A log file cannot be opened.
    #[error("the log file {} cannot be opened: {error}; change Log.Outputs or make it writable", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The process logs already.
    #[error("this process logs already: telemetry is set up once, by whoever owns the process")]
    Twice,
}

/// Starts logging for the whole process. Libraries never call this; binaries call it once.
///
/// # Errors
/// [`TelemetryError`] when a file cannot be opened or when the process logs already.
pub fn init(config: &LogConfig) -> Result<(), TelemetryError> {
    let layers = layers(config)?;
    tracing_subscriber::registry().with(layers).try_init().map_err(|_| TelemetryError::Twice)
}

type BoxedLayer<S> = Box<dyn Layer<S> + Send + Sync>;

fn layers(config: &LogConfig) -> Result<Vec<BoxedLayer<Registry>>, TelemetryError> {
    let filter = filter(config);
    config
        .outputs
        .iter()
        .map(|output| Ok(layer(config.format, output)?.with_filter(filter.clone()).boxed()))
        .collect()
}

/// Our own crates at the configured level; others never below INFO, because some of them print what they carry.
fn filter(config: &LogConfig) -> Targets {
    let level = LevelFilter::from_level(config.level);
    Targets::new().with_default(level.min(LevelFilter::INFO)).with_target("dtm", level)
}

fn layer<S>(format: LogFormat, output: &LogOutput) -> Result<BoxedLayer<S>, TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Ok(match output {
        LogOutput::Stderr => written(format, io::stderr, io::stderr().is_terminal()),
        LogOutput::Stdout => written(format, io::stdout, io::stdout().is_terminal()),
        LogOutput::File(path) => written(format, Arc::new(open(path)?), false),
    })
}

fn written<S, W>(format: LogFormat, writer: W, colour: bool) -> BoxedLayer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> tracing_subscriber::fmt::MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colour);
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

fn open(path: &Path) -> Result<File, TelemetryError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| TelemetryError::File { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(config: &LogConfig, log: impl FnOnce()) {
        let subscriber = tracing_subscriber::registry().with(layers(config).unwrap());
        tracing::subscriber::with_default(subscriber, log);
    }

    fn to_file(level: tracing::Level, format: LogFormat) -> (tempfile::TempDir, PathBuf, LogConfig) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dtm.log");
        let config = LogConfig { level, format, outputs: vec![LogOutput::File(path.clone())] };
        (folder, path, config)
    }

    #[test]
    fn lines_go_to_the_end_of_the_file() {
        let (_folder, path, config) = to_file(tracing::Level::INFO, LogFormat::Text);
        std::fs::write(&path, "earlier\n").unwrap();
        logged(&config, || tracing::info!(target: "dtm_server", gid = "g-1", "begun"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("earlier\n"), "{text}");
        assert!(text.contains("INFO dtm_server: begun gid=\"g-1\""), "{text}");
    }

    #[test]
    fn a_json_line_is_one_object() {
        let (_folder, path, config) = to_file(tracing::Level::INFO, LogFormat::Json);
        logged(&config, || tracing::warn!(target: "dtm_server", gid = "g-1", "begun"));
        let text = std::fs::read_to_string(&path).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(
            (&line["level"], &line["message"], &line["gid"]),
            (&"WARN".into(), &"begun".into(), &"g-1".into())
        );
    }

    #[test]
    fn the_level_holds_for_us_and_other_crates_stay_at_info() {
        // decision 24: a library that prints its traffic at DEBUG must not bring payloads into the log
        let (_folder, path, config) = to_file(tracing::Level::TRACE, LogFormat::Text);
        logged(&config, || {
            tracing::trace!(target: "dtm_server::runner", "ours");
            tracing::debug!(target: "hyper", "theirs");
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("ours") && !text.contains("theirs"), "{text}");
        let (_folder, path, config) = to_file(tracing::Level::WARN, LogFormat::Text);
        logged(&config, || {
            tracing::info!(target: "dtm_server", "ours");
            tracing::info!(target: "hyper", "theirs");
        });
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_an_error_that_names_it() {
        let (folder, _, mut config) = to_file(tracing::Level::INFO, LogFormat::Text);
        let path = folder.path().join("missing").join("dtm.log");
        config.outputs = vec![LogOutput::File(path.clone())];
        let Err(error) = layers(&config) else { panic!("the folder is not there") };
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
