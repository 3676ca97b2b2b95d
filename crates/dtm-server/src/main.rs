//! The `dtm-server` binary: from the command line to a running server and back.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use dtm_server::config::{self, Action, Config, ConfigError, Flags, ImportFlags, Loaded, ProcessEnvironment};
use dtm_server::server::Server;
use dtm_server::shutdown::Signals;
use dtm_server::{store, telemetry};

/// A fifth less CPU for a transaction than with the allocator of the C library; see docs/decisions/0006.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The configuration or the surroundings are not as they have to be.
const FAILED: u8 = 1;
/// The command line is wrong.
const USAGE: u8 = 2;
/// The import ended, and not everything could be taken.
const INCOMPLETE: u8 = 3;
/// A second signal came before the server had stopped.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let flags = match config::parse(std::env::args_os()) {
        Ok(flags) => flags,
        Err(error) => error.exit(),
    };
    match run(&flags) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dtm-server: {error}");
            let usage = error.downcast_ref::<ConfigError>().is_some_and(ConfigError::is_usage);
            ExitCode::from(if usage { USAGE } else { FAILED })
        }
    }
}

fn run(flags: &Flags) -> Result<ExitCode, Box<dyn Error>> {
    let loaded = config::load(flags, &ProcessEnvironment)?;
    match &flags.action {
        Action::PrintConfig => say(&config::effective(&loaded))?,
        Action::CheckConfig => {
            for note in loaded.notes() {
                say(&format!("{note}\n"))?;
            }
            say("the configuration is right\n")?;
        }
        Action::Run => return serve(loaded),
        Action::Import(flags) => return import(loaded, flags),
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(loaded: Loaded) -> Result<ExitCode, Box<dyn Error>> {
    telemetry::init(&loaded.config.log)?;
    for note in loaded.notes() {
        tracing::warn!("{note}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(until_stopped(loaded.config))
}

fn import(loaded: Loaded, flags: &ImportFlags) -> Result<ExitCode, Box<dyn Error>> {
    telemetry::init(&loaded.config.log)?;
    for note in loaded.notes() {
        tracing::warn!("{note}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let complete = runtime.block_on(dtm_server::import::import(&loaded.config, flags))?;
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

async fn until_stopped(config: Config) -> Result<ExitCode, Box<dyn Error>> {
    let mut signals = Signals::listen()?;
    let place = store::described(&config)?;
    let server = tokio::select! {
        started = Server::start(config) => started?,
        signal = signals.next() => {
            tracing::info!("{signal} before the server was up: nothing was accepted");
            return Ok(ExitCode::SUCCESS);
        }
    };
    say(&greeting(&server, &place))?;
    let ending = tokio::select! {
        signal = signals.next() => {
            tracing::info!("{signal}: stopping");
            ExitCode::SUCCESS
        }
        () = server.has_lost_its_name() => ExitCode::FAILURE,
    };
    tokio::select! {
        stopped = server.stop() => stopped?,
        signal = signals.next() => {
            eprintln!("dtm-server: {signal} again: ending at once; what was acknowledged is on disk");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    }
    tracing::info!("stopped");
    Ok(ending)
}

fn greeting(server: &Server, store: &str) -> String {
    format!(
        "dtm-server {}: transactions across services, compatible with DTM 1.19\n\
         listening on http://{} (API at /api/dtmsvr, metrics at /api/metrics)\n\
         listening on grpc://{} (dtmgimp.Dtm, reflection, health)\n\
         store: {store}\n",
        env!("CARGO_PKG_VERSION"),
        server.http_address(),
        server.grpc_address(),
    )
}

/// Standard output may be closed; that must not end a server.
fn say(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
