//! Logs: one line an event on stdout, for people or as JSON. Fields have the same dotted names everywhere: `event.id`,
//! `source`, `trace.id`, `order.ref`; never bodies, tokens or personal data.

use std::error::Error;
use std::fmt::Write as _;

use clap::Args;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::settings::Problems;

/// What is logged, as settings.
#[derive(Debug, Clone, Args)]
pub struct LoggingArgs {
    /// Log lines for people (pretty) or for machines (json)
    #[arg(long, env = "LOG_FORMAT", default_value = "pretty", global = true)]
    log_format: String,
    /// What is logged: error, warn, info, debug, trace, also by module, such as info,ingest=debug
    #[arg(long, env = "RUST_LOG", default_value = "info", global = true)]
    rust_log: String,
}

impl LoggingArgs {
    pub fn read(&self, problems: &mut Problems) -> Option<Logging> {
        let format = problems.take("LOG_FORMAT", LogFormat::parse(&self.log_format));
        let filter = problems.take("RUST_LOG", check_filter(&self.rust_log));
        format.zip(filter).map(|(format, ())| Logging { format, filter: self.rust_log.clone() })
    }
}

/// How to log.
#[derive(Debug, Clone)]
pub struct Logging {
    pub format: LogFormat,
    /// As `RUST_LOG` has it.
    pub filter: String,
}

impl Logging {
    /// Starts logging to stdout. Until here nothing is logged, so what is wrong with settings is told on stderr.
    pub fn start(&self) {
        start(self.format, &self.filter);
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line, for machines.
    Json,
}

impl LogFormat {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("it must be `pretty` or `json`".to_owned()),
        }
    }
}

/// Says what is wrong with a filter as `RUST_LOG` has it.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|error| error.to_string())
}

/// Starts logging to stdout. `filter` is what `RUST_LOG` holds. Called twice, the second call changes nothing.
pub fn start(format: LogFormat, filter: &str) {
    // lapin logs every error that it also returns to us, and a returned message with its body. What it says is asked
    // for by name, and then without the bodies.
    let quiet = if filter.contains("lapin") { "lapin::returned_messages=off" } else { "lapin=off" };
    let filter = EnvFilter::try_new(format!("{filter},{quiet}")).unwrap_or_else(|_wrong| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_span_events(FmtSpan::NONE);
    let started = match format {
        LogFormat::Pretty => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stdout())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// An error with all its causes, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&part) && write!(text, ": {part}").is_err() {
            break;
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("opening the file")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(chain(&Outer(std::io::Error::other("no space"))), "opening the file: no space");
    }

    #[test]
    fn a_wrong_filter_is_refused() {
        assert_eq!(check_filter("info,ingest=debug"), Ok(()));
        assert!(check_filter("ingest=loud").is_err());
    }
}
