//! What the reader sees: who did what, and when.

use std::error::Error;
use std::fmt::Debug;
use std::process::ExitCode;
use std::time::Instant;

use super::servers::Skipped;

/// Anything can go wrong, and ends the example.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The exit code of an example that lacks something and has said what.
const SKIPPED: u8 = 77;

/// Prints lines with the time since the start. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    begun: Instant,
}

impl Story {
    /// Begins to tell.
    #[must_use]
    pub fn begin(title: &str) -> Self {
        println!("{title}");
        Self { begun: Instant::now() }
    }

    /// The title of a part.
    pub fn act(self, title: &str) {
        println!("\n{title}");
    }

    /// Who did what.
    pub fn say(self, who: &str, what: &str) {
        println!("  {:>6} ms  {who:<9} {what}", self.begun.elapsed().as_millis());
    }

    /// Checks what the story promises.
    ///
    /// # Errors
    /// When it is not so; the example ends with a failure then.
    pub fn check<T: PartialEq + Debug>(self, what: &str, found: T, expected: T) -> Result {
        if found != expected {
            return Err(format!("{what}: expected {expected:?}, found {found:?}").into());
        }
        self.say("check", &format!("{what}: {found:?}"));
        Ok(())
    }
}

/// Turns the end of an example into the exit code of its process.
pub fn play(result: Result) -> ExitCode {
    match result {
        Ok(()) => {
            println!("\nEverything is as it should be.");
            ExitCode::SUCCESS
        }
        Err(error) if error.is::<Skipped>() => {
            println!("{error}");
            ExitCode::from(SKIPPED)
        }
        Err(error) => {
            eprintln!("\nThe example failed: {error}");
            ExitCode::FAILURE
        }
    }
}
